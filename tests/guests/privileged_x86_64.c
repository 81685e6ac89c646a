/* SPDX-License-Identifier: MIT */
/* Privileged instructions and ports of x86_64, one per run: access=N on the command line. Each
 * must fault in ring 3 (Intel SDM volume 3, sections 5.9 and 19.5). */
enum { CASES = 8 };

#include "tests/guests/privileged.h"

static void try_access(uint32_t n)
{
	uint64_t zero = 0;

	switch (n) {
	case 0: __asm__ volatile ("cli"); break;
	case 1: __asm__ volatile ("hlt"); break;
	case 2: __asm__ volatile ("mov %0, %%cr3" :: "r" (zero)); break;
	case 3: __asm__ volatile ("mov %%cr0, %0" : "=r" (zero)); break;
	case 4: __asm__ volatile ("wrmsr" :: "a" (0), "d" (0), "c" (0xc0000080)); break;
	case 5: __asm__ volatile ("invlpg (%0)" :: "r" (&zero)); break;
	case 6: __asm__ volatile ("outl %0, %1" :: "a" (0x80000000), "Nd" ((uint16_t)0xcf8)); break;
	case 7: __asm__ volatile ("outl %0, %1" :: "a" (0), "Nd" ((uint16_t)0x514)); break;
	default: break;
	}
}

void image_main(void *unused)
{
	log_info("privileged: access %u", (unsigned)which);
	try_access(which);
	forbidden_access_succeeded();
}
