/* SPDX-License-Identifier: MIT */
/* Writes past the end of an array on its stack. The stack protector must see it on return. */
#include "tests/guests/forbidden.h"

static __attribute__((noinline)) void smash(unsigned len)
{
	volatile uint8_t array[16];
	volatile uint8_t *volatile where = array;

	for (unsigned i = 0; i < len; i++)
		where[i] = 0x41;
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	volatile unsigned len = 48;

	log_info("smash_canary: writing %u bytes into 16", len);
	smash(len);
	forbidden_access_succeeded();
}
