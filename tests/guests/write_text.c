/* SPDX-License-Identifier: MIT */
/* Writes into the program's own code. It must fault: text is never writable. */
#include "tests/guests/forbidden.h"

void image_boot(void)
{
}

void image_main(void *unused)
{
	log_info("write_text: writing at %p", (void *)(uintptr_t)image_main);
	poke((uintptr_t)image_main);
	forbidden_access_succeeded();
}
