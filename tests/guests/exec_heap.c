/* SPDX-License-Identifier: MIT */
/* Executes code that it wrote into malloc() memory. It must fault. */
#include <stdlib.h>

#include "tests/guests/foreign_code.h"

void image_boot(void)
{
}

void image_main(void *unused)
{
	void *code = malloc(CODE_BYTES);

	ASSERT(code);
	run_copy("exec_heap", code);
}
