/* SPDX-License-Identifier: MIT */
/* Privileged instructions of ARMv7-A, one per run: access=N on the command line. Each must fault
 * in User mode (Arm ARM DDI 0406, B1.3 and B4.1). A change of the interrupt masks is not among
 * them: there it is no fault but has no effect. */
enum { CASES = 7 };

#include "tests/guests/privileged.h"

static void try_access(uint32_t n)
{
	uint32_t zero = 0;

	switch (n) {
	case 0: __asm__ volatile ("mcr p15, 0, %0, c1, c0, 0" :: "r" (zero)); break;   /* SCTLR */
	case 1: __asm__ volatile ("mcrr p15, 0, %0, %0, c2" :: "r" (zero)); break;     /* TTBR0 */
	case 2: __asm__ volatile ("mrc p15, 0, %0, c1, c0, 0" : "=r" (zero)); break;
	case 3: __asm__ volatile ("mcr p15, 0, %0, c12, c0, 0" :: "r" (zero)); break;  /* VBAR */
	case 4: __asm__ volatile ("mcr p15, 0, %0, c8, c7, 0" :: "r" (zero)); break;   /* TLBI */
	case 5: __asm__ volatile (".arch_extension sec\n\tsmc #0"); break;
	case 6: __asm__ volatile ("mcrr p15, 3, %0, %0, c14" :: "r" (zero)); break;    /* CVAL */
	default: break;
	}
}

static uint32_t cpsr(void)
{
	uint32_t value;

	__asm__ volatile ("mrs %0, cpsr" : "=r" (value));
	return value;
}

void image_main(void *unused)
{
	uint32_t before = cpsr();

	__asm__ volatile ("cpsie aif" ::: "memory");
	if (cpsr() != before)
		forbidden_access_succeeded();
	log_info("privileged: access %u", (unsigned)which);
	try_access(which);
	forbidden_access_succeeded();
}
