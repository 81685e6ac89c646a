/* SPDX-License-Identifier: MIT */
/* What CPUID says (Intel SDM volume 2A; hypervisor leaves as the Linux
 * documentation virt/kvm/x86/cpuid.rst has them), and random words. */
#include <string.h>

#include "kernel/arch/x86_64/x86.h"

#define RANDOM_TRIES 10

struct cpu cpu SEALED;

static void hypervisor_init(void)
{
	struct cpuid r = cpuid(0x40000000, 0);

	cpu.max_hv_leaf = r.a;
	memcpy(cpu.hypervisor, &r.b, 4);
	memcpy(cpu.hypervisor + 4, &r.c, 4);
	memcpy(cpu.hypervisor + 8, &r.d, 4);
}

void cpu_init(void)
{
	struct cpuid r;

	cpu.max_leaf = cpuid(0, 0).a;
	r = cpuid(1, 0);
	cpu.rdrand = r.c >> 30 & 1;
	if (r.c >> 31)
		hypervisor_init();
	if (cpu.max_leaf < 7)
		return;
	r = cpuid(7, 0);
	cpu.smep = r.b >> 7 & 1;
	cpu.rdseed = r.b >> 18 & 1;
	cpu.smap = r.b >> 20 & 1;
	cpu.umip = r.c >> 2 & 1;
}

static bool rdseed(uint64_t *word)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*word), "=@ccc"(ok));
	return ok;
}

static bool rdrand(uint64_t *word)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(ok));
	return ok;
}

/* Some CPUs have answered all ones, or the same word for ever, after a resume. */
static bool try(bool (*instruction)(uint64_t *), uint64_t *word)
{
	static uint64_t last;

	for (unsigned i = 0; i < RANDOM_TRIES; i++) {
		if (instruction(word) && *word != last && *word != 0 && *word != UINT64_MAX) {
			last = *word;
			return true;
		}
		__asm__ volatile("pause");
	}
	return false;
}

bool arch_random(uint64_t *word, const char **source)
{
	if (cpu.rdseed && try(rdseed, word)) {
		*source = "RDSEED";
		return true;
	}
	if (cpu.rdrand && try(rdrand, word)) {
		*source = "RDRAND";
		return true;
	}
	return false;
}
