/* SPDX-License-Identifier: MIT */
/* Where boot sees physical addresses that the identity map does not reach: in windows of a
 * GiB each, after the image's own. The sealed tables have none of them. */
#include "kernel/arch/vmsa/vmsa.h"

static uint64_t window_pa[WINDOW_COUNT] SEALED;
static unsigned window_count SEALED;

void *arch_boot_map(uint64_t pa, size_t len)
{
	uint64_t first = pa >> LEVEL1_SHIFT << LEVEL1_SHIFT;
	unsigned n = (unsigned)((pa + len - 1 - first) >> LEVEL1_SHIFT) + 1;
	unsigned at = 0;

	if (pa + len <= (uint64_t)IMAGE_VA)
		return (void *)(uintptr_t)pa;
	while (at < window_count && (n > 1 || window_pa[at] != first))
		at++;
	if (at + n > WINDOW_COUNT) {
		log_error("mmu: no room at boot for %#llx", (unsigned long long)pa);
		return NULL;
	}
	for (unsigned i = window_count; i < at + n; i++) {
		window_pa[i] = first + ((uint64_t)(i - at) << LEVEL1_SHIFT);
		boot_map_window(WINDOW_VA + ((uint64_t)i << LEVEL1_SHIFT), window_pa[i]);
		window_count++;
	}
	return (void *)(uintptr_t)(WINDOW_VA + ((uint64_t)at << LEVEL1_SHIFT) + (pa - first));
}

uint64_t boot_pa(uint64_t va)
{
	if (va < WINDOW_VA)
		return va;
	va -= WINDOW_VA;
	ASSERT(va >> LEVEL1_SHIFT < window_count);
	return window_pa[va >> LEVEL1_SHIFT] + (va & ((1u << LEVEL1_SHIFT) - 1));
}
