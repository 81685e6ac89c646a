/* SPDX-License-Identifier: MIT */
/* Reads through a null pointer. It must fault: page zero is not mapped. */
#include "tests/guests/forbidden.h"

void image_boot(void)
{
}

void image_main(void *unused)
{
	const volatile uint8_t *volatile null = NULL;

	log_info("touch_zero: reading at %p", (const void *)(uintptr_t)null);
	log_info("read %u", null[8]);
	forbidden_access_succeeded();
}
