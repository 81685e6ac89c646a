/* SPDX-License-Identifier: MIT */
/* Walks the page tables before they are sealed: nothing both writable and
 * executable, page zero unmapped, the warden executes its own text alone, and no
 * way for the payload to the warden, to a page table, or to the image at an
 * address other than its own. Arm ARM DDI 0487, D8.3 and D8.4; DDI
 * 0406, B3.6.2 and B3.7. */
#include "kernel/arch/vmsa/vmsa.h"

#define TABLE_BIT 2u
#define LEAF_LEVEL 3u

static bool within(uint64_t va, const char *start, const char *end)
{
	return va >= (uintptr_t)start && va < (uintptr_t)end;
}

/* What is wrong with mapping `pa` at `va` by `entry`, or NULL. `size` is that
 * of a page when `pa` lies in the image: blocks are never inside it. */
static const char *wrong(uint64_t va, uint64_t pa, uint64_t size, uint64_t entry,
			 struct region tables)
{
	uint64_t image_size = (uint64_t)(__image_end - __image_start);
	bool in_image = pa < warden.load + image_size && pa + size > warden.load;
	bool payload = entry & PTE_EL0, write = !(entry & PTE_RO);

	if (va == 0)
		return "page zero";
	if (write && (!(entry >> PTE_PXN_BIT & 1) || !(entry >> PTE_UXN_BIT & 1)))
		return "writable and executable";
	if (!(entry >> PTE_PXN_BIT & 1) && !within(va, __warden_start, __warden_end))
		return "executable for the warden, not its text";
	if (!payload)
		return NULL;
	if (pa < tables.base + tables.size && pa + size > tables.base)
		return "a page table, open to the payload";
	if (!in_image)
		return NULL;
	if (pa - warden.load != va - (uintptr_t)__image_start)
		return "the image, at another address";
	if (within(va, __warden_start, __warden_end) ||
	    within(va, __warden_data_start, __warden_data_end))
		return "the warden, open to the payload";
	if (write && (va < (uintptr_t)__rodata_end ||
		      within(va, __sealed_start, __sealed_end)))
		return "read-only memory, writable";
	return NULL;
}

static void check_table(const uint64_t *table, unsigned level, uint64_t va, struct region tables)
{
	uint64_t size = 1ull << (12 + 9 * (LEAF_LEVEL - level));

	for (unsigned i = 0; i < 512; i++, va += size) {
		uint64_t e = table[i];
		const char *what;

		if (!e)
			continue;
		if (level < LEAF_LEVEL && (e & TABLE_BIT)) {
			check_table((const uint64_t *)(uintptr_t)(e & PTE_ADDRESS), level + 1, va,
				    tables);
			continue;
		}
		what = wrong(va, e & PTE_ADDRESS, size, e, tables);
		if (what)
			panic("seal: %#llx maps %#llx: %s", (unsigned long long)va,
			      (unsigned long long)(e & PTE_ADDRESS), what);
	}
}

void seal_check(const uint64_t *root, struct region tables)
{
	check_table(root, 1, 0, tables);
}
