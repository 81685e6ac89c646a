/* SPDX-License-Identifier: MIT */
/* Page tables in the long format: those of boot are completed, those of the seal made.
 *
 * Arm ARM DDI 0487, D8 (aarch64: 39-bit addresses) and DDI 0406, B3.6 (ARMv7-A with LPAE:
 * 32-bit ones); 4 KiB granule, three levels. After the seal the payload reaches only what
 * arch_map() was told of and its own sections; what the warden needs besides is mapped for
 * it alone. Outside: RAM and devices lie below IMAGE_VA, except what arch_boot_map() is
 * asked for. */
#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"

#define ENTRIES 512u
#define IDENTITY_END ((uint64_t)IMAGE_VA)

/* The warden's own view: of registers, at ALIAS_VA, then of descriptor tables. Both are
 * read-only to the payload, or not there at all. */
#define REGISTER_PAGES 32u
#define TABLES_VA ((uint64_t)ALIAS_VA + REGISTER_PAGES * PAGE_SIZE)
#define TABLES_STRIDE 0x20000u

/* Beside enum PROT_*: for the warden only. */
#define PROT_WARDEN 32u

static uint64_t *root SEALED;
static struct region tables SEALED;    /* from the lowest to the highest table */
static uint64_t register_pa[REGISTER_PAGES] SEALED;
static unsigned register_pages SEALED;

/* ---- Boot ----------------------------------------------------------------- */

static void publish(void)
{
	__asm__ volatile("dsb ishst; isb" ::: "memory");
}

static uint64_t boot_block(uint64_t pa, uint64_t type)
{
	return pa | type | PTE_EL0 | PTE_COMMON | PTE_BLOCK | 1ull << PTE_PXN_BIT |
	       1ull << PTE_UXN_BIT;
}

static uint64_t *table_at(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & PTE_ADDRESS);
}

static bool overlaps(uint64_t base, uint64_t len, const struct region *r, unsigned n)
{
	for (; n > 0; n--, r++)
		if (base < r->base + r->size && r->base < base + len)
			return true;
	return false;
}

/* Entries only ever go from invalid to valid here, which the TLB cannot have
 * kept a copy of. */
static void boot_fill(uint64_t *table, uint64_t base, unsigned shift, unsigned n,
		      const struct region *ram, unsigned ram_n)
{
	uint64_t len = 1ull << shift;

	for (unsigned i = 0; i < n; i++, base += len)
		if (!table[i])
			table[i] = boot_block(base, overlaps(base, len, ram, ram_n) ? PTE_NORMAL :
									      PTE_DEVICE);
}

void boot_map_memory(uint64_t pa, uint64_t len)
{
	unsigned own = warden.load >> LEVEL1_SHIFT;
	uint64_t end = pa + len;

	if (end < pa || end > IDENTITY_END)
		panic("mmu: no room at boot for memory at %#llx", (unsigned long long)pa);
	for (pa &= ~(uint64_t)0x1fffff; pa < end; pa += 1u << LEVEL2_SHIFT) {
		unsigned i = pa >> LEVEL1_SHIFT;
		uint64_t *e = i == own ? &boot_l2[pa >> LEVEL2_SHIFT & (ENTRIES - 1)] : &boot_l1[i];

		if (!*e)
			*e = boot_block(i == own ? pa : (uint64_t)i << LEVEL1_SHIFT, PTE_NORMAL);
	}
	publish();
}

void boot_map_all(const struct region *ram, unsigned n)
{
	uint64_t own = warden.load >> LEVEL1_SHIFT << LEVEL1_SHIFT;

	boot_fill(boot_l2, own, LEVEL2_SHIFT, ENTRIES, ram, n);
	boot_fill(boot_l1, 0, LEVEL1_SHIFT, IDENTITY_END >> LEVEL1_SHIFT, ram, n);
	publish();
}

void boot_map_window(uint64_t va, uint64_t pa)
{
	boot_l1[va >> LEVEL1_SHIFT] = boot_block(pa, PTE_DEVICE);
	publish();
}

bool boot_map_dma(struct region dma)
{
	uint64_t end = dma.base + dma.size;
	uint64_t *first = &boot_l2[dma.base >> LEVEL2_SHIFT & (ENTRIES - 1)];

	ASSERT(((dma.base | dma.size) & ((1u << LEVEL2_SHIFT) - 1)) == 0);
	ASSERT((end - 1) >> LEVEL1_SHIFT == warden.load >> LEVEL1_SHIFT);
	for (uint64_t pa = dma.base; pa < end; pa += 1u << LEVEL2_SHIFT)
		if (first[(pa - dma.base) >> LEVEL2_SHIFT])
			return false;
	for (uint64_t pa = dma.base; pa < end; pa += 1u << LEVEL2_SHIFT)
		*first++ = boot_block(pa, PTE_DMA);
	publish();
	return true;
}

/* ---- Sealed tables ---------------------------------------------------------- */

static uint64_t *new_table(void)
{
	uint64_t *t = mem_boot_pages(1);
	uint64_t at = (uintptr_t)t, end = MAX(tables.base + tables.size, at + PAGE_SIZE);

	tables.base = tables.size ? MIN(tables.base, at) : at;
	tables.size = end - tables.base;
	return t;
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!*entry)
		*entry = (uintptr_t)new_table() | PTE_TABLE;
	if ((*entry & 3) != PTE_TABLE)
		panic("mmu: a page inside a mapped block");
	return table_at(*entry);
}

static uint64_t attributes(unsigned prot)
{
	uint64_t a = PTE_COMMON;

	if (prot & PROT_DEVICE)
		a |= PTE_DEVICE;
	if (prot & PROT_DMA)
		a |= PTE_DMA;
	if (!(prot & PROT_W))
		a |= PTE_RO;
	if (!(prot & PROT_WARDEN))
		a |= PTE_EL0 | 1ull << PTE_PXN_BIT;
	else
		a |= PTE_WARDEN;
	if (!(prot & PROT_X))
		a |= 1ull << PTE_UXN_BIT | 1ull << PTE_PXN_BIT;
	return a;
}

/* The same page twice is one page when both agree. */
static void put(uint64_t *entry, uint64_t value)
{
	if (*entry && *entry != value)
		panic("mmu: %#llx is mapped already", (unsigned long long)(value & PTE_ADDRESS));
	*entry = value;
}

static void map(uint64_t va, uint64_t pa, uint64_t len, unsigned prot)
{
	uint64_t a = attributes(prot);
	uint64_t block = 1u << LEVEL2_SHIFT;

	if (!root)
		root = new_table();
	while (len > 0) {
		uint64_t *l2 = next_table(&root[va >> LEVEL1_SHIFT]);
		uint64_t *e = &l2[va >> LEVEL2_SHIFT & (ENTRIES - 1)];
		uint64_t step = PAGE_SIZE;

		if (((va | pa) & (block - 1)) == 0 && len >= block && !*e) {
			step = block;
			*e = pa | a | PTE_BLOCK;
		} else {
			e = &next_table(e)[va >> PAGE_SHIFT & (ENTRIES - 1)];
			put(e, pa | a | PTE_PAGE);
		}
		va += step;
		pa += step;
		len -= step;
	}
}

/* Addresses that are not physical ones are there from now on, by the same tables: whole
 * level 1 entries, or where the image is in one, level 2 entries. */
static void share(uint64_t va, uint64_t end)
{
	for (; va < end; va = (va | ((1u << LEVEL2_SHIFT) - 1)) + 1) {
		uint64_t *boot = &boot_l1[va >> LEVEL1_SHIFT], *sealed = &root[va >> LEVEL1_SHIFT];
		unsigned i = va >> LEVEL2_SHIFT & (ENTRIES - 1);

		if (!*boot)
			*boot = *sealed;
		if (*boot != *sealed && (*boot & 3) == PTE_TABLE)
			table_at(*boot)[i] = table_at(*sealed)[i];
	}
	publish();
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	struct region image = { warden.load, (uint64_t)(__image_end - __image_start) };

	ASSERT((prot & (PROT_W | PROT_X)) != (PROT_W | PROT_X));
	ASSERT(prot & PROT_R && !(prot & PROT_WARDEN));
	ASSERT(((va | pa | len) & (PAGE_SIZE - 1)) == 0);
	ASSERT(va >= PAGE_SIZE && va + len > va && va + len <= VA_END && pa + len > pa);
	ASSERT(va + len <= IMAGE_VA || va >= FREE_VA);
	ASSERT(!overlaps(pa, len, &image, 1));
	map(va, pa, len, prot);
	if (va >= IDENTITY_END)
		share(va, (uint64_t)va + len);
}

static void map_section(const char *start, const char *end, unsigned prot)
{
	map((uintptr_t)start, warden.load + (uint64_t)(start - __image_start),
	    ALIGN_UP((uint64_t)(end - start), PAGE_SIZE), prot);
}

/* Where the warden reaches a device's register from now on. One that is memory (a test's) is
 * where it was. */
static uintptr_t alias_register(uintptr_t at)
{
	uint64_t page = boot_pa(at) & ~(uint64_t)(PAGE_SIZE - 1);
	unsigned i = 0;

	if (!at || overlaps(page, PAGE_SIZE, machine.ram, machine.ram_count) ||
	    overlaps(page, PAGE_SIZE, &machine.dma, 1))
		return at;
	while (i < register_pages && register_pa[i] != page)
		i++;
	if (i == REGISTER_PAGES)
		panic("mmu: registers on more than %u pages", REGISTER_PAGES);
	if (i == register_pages) {
		register_pa[register_pages++] = page;
		map(ALIAS_VA + i * (uint64_t)PAGE_SIZE, page, PAGE_SIZE,
		    PROT_R | PROT_W | PROT_DEVICE | PROT_WARDEN);
	}
	return (uintptr_t)(ALIAS_VA + i * (uint64_t)PAGE_SIZE + (at & (PAGE_SIZE - 1)));
}

static void alias_table(struct warden_queue *q, unsigned number)
{
	uint64_t va = TABLES_VA + (uint64_t)number * TABLES_STRIDE;
	uint64_t in_page = q->desc & (PAGE_SIZE - 1);
	uint64_t len = ALIGN_UP(in_page + (q->mask + 1ull) * 16, (uint64_t)PAGE_SIZE);
	bool dma = overlaps(q->desc, 1, &machine.dma, 1);

	ASSERT(len <= TABLES_STRIDE);
	map(va, q->desc - in_page, len, PROT_R | PROT_W | PROT_WARDEN | (dma ? PROT_DMA : 0));
	q->desc = (uintptr_t)(va + in_page);
}

static void map_warden(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(warden.reg); i++)
		warden.reg[i] = alias_register(warden.reg[i]);
	for (unsigned i = 0; i < warden.acks; i++) {
		warden.ack[i].status = alias_register(warden.ack[i].status);
		warden.ack[i].ack = alias_register(warden.ack[i].ack);
	}
	for (unsigned i = 0; i < warden.queues; i++) {
		struct warden_queue *q = &warden.queue[i];

		q->notify = alias_register(q->notify);
		if (q->staged)
			alias_table(q, i);
	}
}

void arch_seal(struct region dma)
{
	map_section(__warden_start, __warden_end, PROT_R | PROT_X | PROT_WARDEN);
	map_section(__text_start, __text_end, PROT_R | PROT_X);
	map_section(__rodata_start, __rodata_end, PROT_R);
	map_section(__sealed_start, __sealed_end, PROT_R);
	map_section(__data_start, __data_end, PROT_R | PROT_W);
	map_section(__boot_stack, __boot_stack_top, PROT_R | PROT_W);
	map_section(__crash_stack, __crash_stack_top, PROT_R | PROT_W);
	map_section(__warden_data_start, __warden_data_end, PROT_R | PROT_W | PROT_WARDEN);
	map_warden();
	seal_check(root, tables);
	warden_seal((uintptr_t)root, dma);
}
