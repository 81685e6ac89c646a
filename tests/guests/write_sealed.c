/* SPDX-License-Identifier: MIT */
/* Writes to SEALED data, which boot may write: it must fault once boot is over. */
#include "tests/guests/forbidden.h"

static SEALED int sealed;

void image_boot(void)
{
	poke((uintptr_t)&sealed);
}

void image_main(void *unused)
{
	log_info("write_sealed: writing at %p", (void *)&sealed);
	poke((uintptr_t)&sealed);
	forbidden_access_succeeded();
}
