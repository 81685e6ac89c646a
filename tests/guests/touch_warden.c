/* SPDX-License-Identifier: MIT */
/* Touches the memory where the warden lives. It must fault. */
#include "tests/guests/forbidden.h"

extern uint8_t __warden_start[], __warden_end[];

void image_boot(void)
{
}

void image_main(void *unused)
{
	ASSERT(&__warden_start[0] < &__warden_end[0]);
	log_info("touch_warden: touching %p", (void *)__warden_start);
	poke((uintptr_t)__warden_start);
	forbidden_access_succeeded();
}
