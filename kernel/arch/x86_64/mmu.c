/* SPDX-License-Identifier: MIT */
/* Page tables (Intel SDM volume 3A §4.5). The boot tables map physical memory
 * at its own address and again at WARDEN_WINDOW, all of it open to the
 * payload, and grow on demand; above it, for task stacks, they share what the
 * final tables have. The final tables hold what arch_map() was told,
 * the image's sections, and for the warden alone its own pages and, in its
 * window, device pages and descriptor tables. */
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define LEVELS 4
#define ENTRIES 512u
#define WINDOW_ENTRY 256u

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __sealed_start[], __sealed_end[], __data_start[], __data_end[];
extern char __warden_start[], __warden_data[], __warden_end[];
extern char __boot_stack_start[], __boot_stack_top[], __crash_stack_start[], __crash_stack_top[];

static struct region *boot_pool;           /* until arch_discover() is done, then mem.c */
static uint64_t *final;
static uint64_t tables = UINT64_MAX, tables_end;

static unsigned slot(uint64_t va, unsigned level)
{
	return va >> (12 + 9 * level) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
	return (uint64_t *)(entry & PTE_ADDRESS);
}

static uint64_t *new_table(void)
{
	uint64_t *t = mem_boot_pages(1);

	tables = MIN(tables, (uintptr_t)t);
	tables_end = MAX(tables_end, (uintptr_t)t + PAGE_SIZE);
	return t;
}

/* ---- Boot tables ------------------------------------------------------------- */

void mmu_boot_pool(struct region *ram)
{
	boot_pool = ram;
}

static uint64_t *new_boot_table(void)
{
	uint64_t *t;

	if (!boot_pool)
		return new_table();
	if (boot_pool->size < PAGE_SIZE)
		panic("mmu: no RAM for the boot page tables");
	t = (uint64_t *)boot_pool->base;
	boot_pool->base += PAGE_SIZE;
	boot_pool->size -= PAGE_SIZE;
	for (unsigned i = 0; i < ENTRIES; i++)
		t[i] = 0;
	return t;
}

static uint64_t *boot_next(uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT))
		*entry = (uintptr_t)new_boot_table() | PTE_PRESENT | PTE_WRITE | PTE_USER;
	return table_of(*entry);
}

void mmu_boot_map(uint64_t pa, uint64_t len)
{
	uint64_t end = pa + len;

	if (pa >= PHYSICAL_END || len > PHYSICAL_END - pa)
		panic("mmu: no physical address %#llx", (unsigned long long)pa);
	for (pa &= ~(LARGE_PAGE - 1); pa < end; pa += LARGE_PAGE) {
		unsigned top = slot(pa, 3);
		uint64_t *table = boot_next(&boot_pml4[top]);

		boot_pml4[top + WINDOW_ENTRY] = boot_pml4[top];
		table = boot_next(&table[slot(pa, 2)]);
		table[slot(pa, 1)] = pa | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE;
	}
}

void *arch_boot_map(uint64_t pa, size_t len)
{
	if (pa >= PHYSICAL_END || len > PHYSICAL_END - pa)
		return NULL;
	mmu_boot_map(pa, len);
	return (void *)pa;
}

/* ---- Final tables --------------------------------------------------------------- */

/* The same mapping twice is one mapping: devices share pages. */
static void set(uint64_t *entry, uint64_t value, uint64_t va)
{
	if (*entry && *entry != value)
		panic("mmu: %#llx is mapped twice", (unsigned long long)va);
	*entry = value;
}

static void map(uint64_t va, uint64_t pa, uint64_t len, uint64_t flags)
{
	if ((va | pa | len) & (PAGE_SIZE - 1))
		panic("mmu: %#llx is no page", (unsigned long long)(va | pa | len));
	if (!final)
		final = new_table();
	while (len > 0) {
		bool large = !((va | pa) & (LARGE_PAGE - 1)) && len >= LARGE_PAGE;
		uint64_t step = large ? LARGE_PAGE : PAGE_SIZE;
		uint64_t *table = final;

		for (unsigned level = LEVELS - 1; level > large; level--) {
			uint64_t *entry = &table[slot(va, level)];

			if (*entry & PTE_LARGE)
				panic("mmu: %#llx is mapped twice", (unsigned long long)va);
			if (!*entry)
				*entry = (uintptr_t)new_table() | PTE_PRESENT | PTE_WRITE;
			*entry |= flags & PTE_USER;
			table = table_of(*entry);
		}
		do {            /* to the end of this table: task stacks are thousands of pages */
			set(&table[slot(va, large)], pa | flags | (large ? PTE_LARGE : 0), va);
			va += step;
			pa += step;
			len -= step;
		} while (len >= step && slot(va, large) != 0);
	}
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	uint64_t flags = PTE_PRESENT | PTE_USER;

	if ((prot & PROT_W) && (prot & PROT_X))
		panic("mmu: writable and executable at %#lx", va);
	if (prot & PROT_W)
		flags |= PTE_WRITE;
	if (!(prot & PROT_X))
		flags |= PTE_NX;
	if (prot & PROT_DEVICE)
		flags |= PTE_UNCACHED;
	map(va, pa, ALIGN_UP(len, (size_t)PAGE_SIZE), flags);
	if (va >= PHYSICAL_END)
		boot_pml4[slot(va, 3)] = final[slot(va, 3)];
}

uint64_t mmu_warden_map(uint64_t pa, size_t len, bool device)
{
	uint64_t first = pa & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t end = ALIGN_UP(pa + len, (uint64_t)PAGE_SIZE);

	ASSERT(end <= PHYSICAL_END);
	map(WARDEN_WINDOW + first, first, end - first,
	    PTE_PRESENT | PTE_WRITE | PTE_NX | (device ? PTE_UNCACHED : 0));
	return WARDEN_WINDOW + pa;
}

static void map_section(const char *start, const char *end, unsigned prot)
{
	arch_map((uintptr_t)start, (uintptr_t)start, (size_t)(end - start), prot);
}

static void map_steps(const struct warden_step *s)
{
	for (; s->kind != STEP_END; s++)
		if (s->kind == STEP_MEMORY8)
			mmu_warden_map(s->address - WARDEN_WINDOW, 1, true);
}

uint64_t mmu_finish(void)
{
	map_section(__text_start, __text_end, PROT_R | PROT_X);
	map_section(__rodata_start, __rodata_end, PROT_R);
	map_section(__sealed_start, __sealed_end, PROT_R);
	map_section(__data_start, __data_end, PROT_R | PROT_W);
	map_section(__boot_stack_start, __boot_stack_top, PROT_R | PROT_W);
	map_section(__crash_stack_start, __crash_stack_top, PROT_R | PROT_W);
	map((uintptr_t)__warden_start, (uintptr_t)__warden_start,
	    (uint64_t)(__warden_data - __warden_start), PTE_PRESENT);
	map((uintptr_t)__warden_data, (uintptr_t)__warden_data,
	    (uint64_t)(__warden_end - __warden_data), PTE_PRESENT | PTE_WRITE | PTE_NX);
	mmu_warden_map((uintptr_t)&arch_fault, sizeof(arch_fault), false);
	mmu_warden_map(warden_lapic - WARDEN_WINDOW, PAGE_SIZE, true);
	map_steps(warden_off);
	map_steps(warden_reset);
	seal_check(final, tables, tables_end);
	return (uintptr_t)final;
}
