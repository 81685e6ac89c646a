/* SPDX-License-Identifier: MIT */
/* Walks page tables before they are sealed: nothing both writable and
 * executable, page zero unmapped, and no way for the payload to text, to the
 * warden or to a page table, at whatever address. */
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __sealed_start[], __sealed_end[], __warden_start[], __warden_end[];

struct walk {
	uint64_t tables, tables_end;
};

static bool meets(uint64_t pa, uint64_t size, const char *start, const char *end)
{
	return pa < (uintptr_t)end && pa + size > (uintptr_t)start;
}

static void check_page(const struct walk *w, uint64_t va, uint64_t pa, uint64_t size,
		       uint64_t flags)
{
	const char *wrong = NULL;

	if ((flags & PTE_WRITE) && !(flags & PTE_NX))
		wrong = "writable and executable";
	else if (va == 0)
		wrong = "page zero";
	else if (!(flags & PTE_USER))
		return;
	else if (meets(pa, size, __warden_start, __warden_end))
		wrong = "the warden, open to the payload";
	else if (pa < w->tables_end && pa + size > w->tables)
		wrong = "a page table, open to the payload";
	else if ((flags & PTE_WRITE) && (meets(pa, size, __text_start, __text_end) ||
					 meets(pa, size, __rodata_start, __rodata_end) ||
					 meets(pa, size, __sealed_start, __sealed_end)))
		wrong = "read-only memory, writable";
	if (wrong)
		panic("seal: %#llx maps %#llx: %s", (unsigned long long)va,
		      (unsigned long long)pa, wrong);
}

/* `flags`: what the levels above allow, W and U by and, NX by or. */
static void check_table(const struct walk *w, const uint64_t *table, unsigned level, uint64_t va,
			uint64_t flags)
{
	uint64_t size = 1ull << (12 + 9 * level);

	for (unsigned i = 0; i < 512; i++, va += size) {
		uint64_t e = table[i], f;

		if (!(e & PTE_PRESENT))
			continue;
		f = (flags & e & (PTE_WRITE | PTE_USER)) | ((flags | e) & PTE_NX);
		if (level == 0 || (e & PTE_LARGE))
			check_page(w, va, e & PTE_ADDRESS & ~(size - 1), size, f);
		else
			check_table(w, (const uint64_t *)(e & PTE_ADDRESS), level - 1, va, f);
	}
}

void seal_check(const uint64_t *pml4, uint64_t tables, uint64_t tables_end)
{
	struct walk w = { tables, tables_end };

	check_table(&w, pml4, 3, 0, PTE_WRITE | PTE_USER);
}
