/* SPDX-License-Identifier: MIT */
/* Return addresses on a stack without frame pointers (kernel/arch/arm/unwind.h).
 *
 * ARMv7-M Architecture Reference Manual, ARM DDI 0403: A5.2.3 and A7.7 (BLX), A5.3 and A7.7.18
 * (BL). A word is taken for one if it is odd, lies in the image's code, and follows a call. */
#include "kernel/arch/arm/unwind.h"

#include <stdbool.h>

extern char __text_start[], __text_end[];

static bool follows_call(uintptr_t at)
{
	const uint16_t *code = (const uint16_t *)(at & ~(uintptr_t)1);

	if ((code[-1] & 0xff87) == 0x4780)
		return true;                       /* BLX Rm */
	return (code[-2] & 0xf800) == 0xf000 && (code[-1] & 0xc000) == 0xc000;   /* BL, BLX label */
}

unsigned unwind_scan(struct unwind_span stack, uintptr_t *pc, unsigned max)
{
	const uintptr_t *word = (const uintptr_t *)(stack.from & ~(uintptr_t)3);
	unsigned n = 0;

	for (; n < max && (uintptr_t)word + sizeof(*word) <= stack.to; word++)
		if ((*word & 1) && *word >= (uintptr_t)__text_start + 4 &&
		    *word < (uintptr_t)__text_end && follows_call(*word))
			pc[n++] = *word & ~(uintptr_t)1;
	return n;
}
