/* SPDX-License-Identifier: MIT */
/* Faults with a piece of a key in its registers, of which none must be shown. */
#include "tests/guests/forbidden.h"

static const char constant[] = "constant";

void image_boot(void)
{
}

static __attribute__((noinline)) void fault(uintptr_t a, uintptr_t b, uintptr_t c, uint32_t half)
{
	const char *volatile where = constant;

	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(half));
	poke((uintptr_t)where);
	__asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(half));
}

void image_main(void *unused)
{
	volatile uintptr_t secret = (uintptr_t)0x9e3779b97f4a7c15;

	log_info("hold_secret: in four registers");
	fault(secret, secret, secret, (uint32_t)secret);
	forbidden_access_succeeded();
}
