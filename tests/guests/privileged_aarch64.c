/* SPDX-License-Identifier: MIT */
/* Privileged instructions of aarch64, one per run: access=N on the command line. Each must fault
 * at EL0 (Arm ARM DDI 0487, C5.2 and D17). */
enum { CASES = 6 };

#include "tests/guests/privileged.h"

static void try_access(uint32_t n)
{
	uint64_t zero = 0;

	switch (n) {
	case 0: __asm__ volatile ("msr daifset, #2"); break;
	case 1: __asm__ volatile ("msr ttbr0_el1, %0" :: "r" (zero)); break;
	case 2: __asm__ volatile ("mrs %0, sctlr_el1" : "=r" (zero)); break;
	case 3: __asm__ volatile ("msr vbar_el1, %0" :: "r" (zero)); break;
	case 4: __asm__ volatile ("tlbi vmalle1"); break;
	case 5: __asm__ volatile ("hvc #0"); break;
	default: break;
	}
}

void image_main(void *unused)
{
	log_info("privileged: access %u", (unsigned)which);
	try_access(which);
	forbidden_access_succeeded();
}
