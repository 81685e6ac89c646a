/* SPDX-License-Identifier: MIT */
/* Page tables of aarch64: those of boot are completed, those of the seal made.
 *
 * Arm ARM DDI 0487, D8: 39-bit addresses, 4 KiB granule, three levels. After
 * the seal the payload reaches only what arch_map() was told of and its own
 * sections; what the warden needs besides is mapped for EL1 alone. Outside: RAM
 * and devices lie below 256 GiB, except what arch_boot_map() is asked for. */
#include "kernel/arch/aarch64/warden.h"
#include "kernel/mem.h"

#define LEVEL1_SHIFT 30
#define LEVEL2_SHIFT 21
#define PAGE_SHIFT 12
#define ENTRIES 512u
#define VA_END ((uint64_t)1 << 39)
#define IDENTITY_END IMAGE_VA
#define ADDRESS 0xfffffffff000u

/* Level 1 entries after the image's: the warden's own view of descriptor
 * tables that are read-only to the payload, then arch_boot_map()'s. */
#define ALIAS_VA (IMAGE_VA + (1ull << LEVEL1_SHIFT))
#define ALIAS_STRIDE 0x20000u
#define WINDOW_VA (IMAGE_VA + (2ull << LEVEL1_SHIFT))
#define WINDOW_COUNT 8u

/* Beside enum PROT_*: for EL1 only. */
#define PROT_WARDEN 16u

static uint64_t *root SEALED;
static struct region tables SEALED;    /* from the lowest to the highest table */
static uint64_t window_pa[WINDOW_COUNT] SEALED;
static unsigned window_count SEALED;

/* ---- Boot ----------------------------------------------------------------- */

static void publish(void)
{
	__asm__ volatile("dsb ishst; isb" ::: "memory");
}

static uint64_t boot_block(uint64_t pa, bool memory)
{
	return pa | (memory ? 0 : PTE_DEVICE) | PTE_EL0 | PTE_COMMON | PTE_BLOCK |
	       1ull << PTE_PXN_BIT | 1ull << PTE_UXN_BIT;
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
			table[i] = boot_block(base, overlaps(base, len, ram, ram_n));
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
			*e = boot_block(i == own ? pa : (uint64_t)i << LEVEL1_SHIFT, true);
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

void *arch_boot_map(uint64_t pa, size_t len)
{
	uint64_t first = pa >> LEVEL1_SHIFT << LEVEL1_SHIFT;
	unsigned n = (unsigned)((pa + len - 1 - first) >> LEVEL1_SHIFT) + 1;
	unsigned at = 0;

	if (pa + len <= IDENTITY_END)
		return (void *)(uintptr_t)pa;
	while (at < window_count && (n > 1 || window_pa[at] != first))
		at++;
	if (at + n > WINDOW_COUNT)
		panic("mmu: no room at boot for %#llx", (unsigned long long)pa);
	for (unsigned i = window_count; i < at + n; i++) {
		window_pa[i] = first + ((uint64_t)(i - at) << LEVEL1_SHIFT);
		boot_l1[(WINDOW_VA >> LEVEL1_SHIFT) + i] = boot_block(window_pa[i], false);
		window_count++;
	}
	publish();
	return (void *)(uintptr_t)(WINDOW_VA + ((uint64_t)at << LEVEL1_SHIFT) + (pa - first));
}

/* What arch_boot_map() or the identity map shows at `va`. */
static uint64_t boot_pa(uint64_t va)
{
	if (va < WINDOW_VA)
		return va;
	va -= WINDOW_VA;
	ASSERT(va >> LEVEL1_SHIFT < window_count);
	return window_pa[va >> LEVEL1_SHIFT] + (va & ((1u << LEVEL1_SHIFT) - 1));
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
	return (uint64_t *)(uintptr_t)(*entry & ADDRESS);
}

static uint64_t attributes(unsigned prot)
{
	uint64_t a = PTE_COMMON;

	if (prot & PROT_DEVICE)
		a |= PTE_DEVICE;
	if (!(prot & PROT_W))
		a |= PTE_RO;
	if (!(prot & PROT_WARDEN))
		a |= PTE_EL0 | 1ull << PTE_PXN_BIT;
	else
		a |= 1ull << PTE_UXN_BIT;
	if (!(prot & PROT_X))
		a |= 1ull << PTE_UXN_BIT | 1ull << PTE_PXN_BIT;
	return a;
}

/* The same page twice is one page when both agree, or when the warden asks
 * for what the payload has too. */
static void put(uint64_t *entry, uint64_t value, unsigned prot)
{
	uint64_t rights = PTE_EL0 | 1ull << PTE_PXN_BIT | 1ull << PTE_UXN_BIT;
	uint64_t differ = *entry ^ value;

	if (prot & PROT_WARDEN)
		differ &= ~rights;
	if (*entry && differ)
		panic("mmu: %#llx is mapped already", (unsigned long long)(value & ADDRESS));
	if (!*entry)
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
			put(e, pa | a | PTE_PAGE, prot);
		}
		va += step;
		pa += step;
		len -= step;
	}
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	struct region image = { warden.load, (uint64_t)(__image_end - __image_start) };

	ASSERT((prot & (PROT_W | PROT_X)) != (PROT_W | PROT_X));
	ASSERT(prot & PROT_R && !(prot & PROT_WARDEN));
	ASSERT(((va | pa | len) & (PAGE_SIZE - 1)) == 0);
	ASSERT(va >= PAGE_SIZE && va + len > va && va + len <= VA_END && pa + len > pa);
	ASSERT(va + len <= IMAGE_VA || va >= WINDOW_VA);
	ASSERT(!overlaps(pa, len, &image, 1));
	map(va, pa, len, prot);

	/* Addresses that are not physical ones are there from now on. */
	for (uint64_t i = va >> LEVEL1_SHIFT; i <= (va + len - 1) >> LEVEL1_SHIFT; i++)
		if (i >= IDENTITY_END >> LEVEL1_SHIFT && !boot_l1[i])
			boot_l1[i] = root[i];
	publish();
}

static void map_section(const char *start, const char *end, unsigned prot)
{
	map((uintptr_t)start, warden.load + (uint64_t)(start - __image_start),
	    ALIGN_UP((uint64_t)(end - start), PAGE_SIZE), prot);
}

/* A device register page that only the warden touches from now on. A register
 * that is memory (a test's) is mapped like the memory around it. */
static void map_register(uint64_t va)
{
	va &= ~(uint64_t)(PAGE_SIZE - 1);
	if (!overlaps(va, PAGE_SIZE, machine.ram, machine.ram_count))
		map(va, boot_pa(va), PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE | PROT_WARDEN);
}

static void map_warden(void)
{
	if (warden.gicc)
		map_register(warden.gicc);
	if (warden.console)
		map_register(warden.console);
	for (unsigned i = 0; i < warden.acks; i++)
		map_register(warden.ack[i].base);
	for (unsigned i = 0; i < warden.queues; i++) {
		struct warden_queue *q = &warden.queue[i];
		uint64_t va = ALIAS_VA + (uint64_t)i * ALIAS_STRIDE;
		uint64_t in_page = q->desc & (PAGE_SIZE - 1);
		uint64_t len = ALIGN_UP(in_page + (q->mask + 1ull) * 16, PAGE_SIZE);

		map_register(q->notify);
		if (!q->staged)
			continue;
		ASSERT(len <= ALIAS_STRIDE);
		map(va, q->desc - in_page, len, PROT_R | PROT_W | PROT_WARDEN);
		q->desc = va + in_page;
	}
}

static void gate_seal(uint64_t table, uint64_t base, uint64_t size)
{
	register uint64_t x0 __asm__("x0") = table;
	register uint64_t x1 __asm__("x1") = base;
	register uint64_t x2 __asm__("x2") = size;

	__asm__ volatile("svc %3" : "+r"(x0) : "r"(x1), "r"(x2), "i"(GATE_SEAL)
			 : "x9", "x16", "x17", "cc", "memory");
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
	gate_seal((uintptr_t)root, dma.base, dma.size);
}
