/* SPDX-License-Identifier: MIT */
/* Executes code that it wrote into static data. It must fault: data is never executable. */
#include "tests/guests/foreign_code.h"

static uint8_t code[CODE_BYTES] __attribute__((aligned(64)));

void image_boot(void)
{
}

void image_main(void *unused)
{
	run_copy("exec_data", code);
}
