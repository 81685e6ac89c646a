/* SPDX-License-Identifier: MIT */
/* Executes code that it wrote on its own stack. It must fault. */
#include "tests/guests/foreign_code.h"

void image_boot(void)
{
}

void image_main(void *unused)
{
	uint8_t code[CODE_BYTES] __attribute__((aligned(16)));

	run_copy("exec_stack", code);
}
