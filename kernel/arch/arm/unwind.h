/* SPDX-License-Identifier: MIT */
/* Return addresses on a stack without frame pointers, for the crash report. */
#pragma once

#include <stdint.h>

struct unwind_span {
	uintptr_t from, to;
};

/* Finds what look like return addresses in the words of a stack, at most `max`: how many. Some
 * may be left over from calls that have returned. Reads only the span and the image's code. */
unsigned unwind_scan(struct unwind_span stack, uintptr_t *pc, unsigned max);
