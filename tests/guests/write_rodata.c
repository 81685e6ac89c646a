/* SPDX-License-Identifier: MIT */
/* Writes into a constant. It must fault: rodata is never writable. */
#include "tests/guests/forbidden.h"

static const char constant[] = "constant";

void image_boot(void)
{
}

void image_main(void *unused)
{
	const char *volatile where = constant;

	log_info("write_rodata: writing at %p", (const void *)where);
	poke((uintptr_t)where);
	forbidden_access_succeeded();
}
