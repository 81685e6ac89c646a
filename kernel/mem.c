/* SPDX-License-Identifier: MIT */
/* How RAM is split. Once, at boot, in proportion to its size T:
 *
 *	part           bytes                                 at least   at most
 *	tables         4 KiB x (24 + T / 4 MiB + stacks' own)  100 KiB
 *	sealed pages   T / 64                                 32 KiB     256 KiB
 *	DMA pool       T / 8                                  384 KiB    4 MiB
 *	task stacks    T / 32 of the first 64 MiB,            64 KiB     128 MiB
 *	               5 / 8 of what lies beyond
 *	malloc() heap  T / 16                                 32 KiB     64 MiB
 *	pools          everything else
 *
 * (below 2 MiB of RAM the DMA pool is T / 5). Each part except the pools' is
 * contiguous, taken from the first region of RAM that has room for it. Tables
 * and sealed pages share one part and grow towards each other from its ends.
 *
 * Outside: arch_discover() has filled machine.ram; all of RAM is mapped at its
 * physical address until arch_seal(), which leaves only what arch_map() was
 * told of: the tables are not among it. */
#include "kernel/mem.h"

#include "kernel/arch.h"

#define STACK_SIZE 8192u
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

struct part {
	uintptr_t at, end;         /* what is still free of it */
};

static struct part ram[MACHINE_RAM_MAX] SEALED;  /* at: start, until take() moves it */
static unsigned ram_count SEALED;
static size_t total SEALED;
static struct part tables SEALED;                /* boot pages from below, sealed ones from above */
static struct part dma SEALED;
static struct region dma_region SEALED;
static struct mem_stacks stacks SEALED;

static struct part heap;
static uintptr_t heap_base SEALED;
static struct part pools[MACHINE_RAM_MAX];
static unsigned pools_first;                     /* regions before it are used up */

static size_t clamp(size_t n, size_t least, size_t most)
{
	return ALIGN_UP(MAX(least, MIN(n, most)), PAGE_SIZE);
}

static struct part take(size_t size, const char *what)
{
	for (unsigned i = 0; i < ram_count; i++) {
		if (ram[i].end - ram[i].at >= size) {
			struct part p = { ram[i].at, ram[i].at + size };

			ram[i].at += size;
			return p;
		}
	}
	panic("mem: no room for %zu KiB of %s in %zu KiB of RAM", size / KIB, what, total / KIB);
}

static unsigned stack_count(void)
{
	size_t bytes = MIN(total, 64 * MIB) / 32;

	if (total > 64 * MIB)
		bytes += (total - 64 * MIB) / 8 * 5;
	return MAX(8u, MIN((unsigned)(bytes / stacks.size), MEM_STACKS_MAX));
}

/* Idempotent, so that a driver may map a device before mem_init(). */
static void split(void)
{
	size_t table_pages;

	if (total)
		return;
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct region *r = &machine.ram[i];
		uintptr_t at = ALIGN_UP(MAX(r->base, PAGE_SIZE), PAGE_SIZE);
		uintptr_t end = (r->base + r->size) & ~(uint64_t)(PAGE_SIZE - 1);

		if (end <= at)
			continue;
		ram[ram_count++] = (struct part){ at, end };
		total += end - at;
	}

	stacks.base = machine.stacks ? machine.stacks : MEM_STACKS_VA;
	stacks.size = machine.stack_size ? machine.stack_size : STACK_SIZE;
	stacks.stride = stacks.size + PAGE_SIZE;
	stacks.count = stack_count();

	/* A table page maps 2 MiB; one of the next level 1 GiB. */
	table_pages = 24 + MIN(total / (4 * MIB), 16) + total / (1024 * MIB) + ram_count * 2;
	table_pages += 3 + stacks.count * stacks.stride / (2 * MIB);
	tables = take(table_pages * PAGE_SIZE + clamp(total / 64, 32 * KIB, 256 * KIB), "tables");
}

void mem_init(void)
{
	size_t least_dma;
	uintptr_t stacks_pa;

	split();
	stacks_pa = take(stacks.count * stacks.size, "stacks").at;
	for (unsigned i = 0; i < stacks.count; i++)
		arch_map(stacks.base + i * stacks.stride, stacks_pa + i * stacks.size,
			 stacks.size, PROT_R | PROT_W);

	/* All the rest is read and written: mapped before it is split further. */
	for (unsigned i = 0; i < ram_count; i++)
		if (ram[i].end > ram[i].at)
			arch_map(ram[i].at, ram[i].at, ram[i].end - ram[i].at, PROT_R | PROT_W);
	least_dma = MIN(384 * KIB, total / 5);
	dma = take(clamp(total / 8, least_dma, 4 * MIB), "DMA pool");
	dma_region = (struct region){ dma.at, dma.end - dma.at };
	heap = take(clamp(total / 16, 32 * KIB, 64 * MIB), "heap");
	heap_base = heap.at;
	for (unsigned i = 0; i < ram_count; i++)
		pools[i] = ram[i];
	log_info("memory: %zu KiB, %u task stacks of %zu KiB, %zu KiB for devices", total / KIB,
		 stacks.count, stacks.size / KIB, (size_t)dma_region.size / KIB);
}

/* A cleared range. Sixteen bytes a store: boot counts its instructions, and a
 * small library memset() counts them bytewise. */
static void *zero(uintptr_t at, size_t size)
{
	typedef long long vec __attribute__((vector_size(16), may_alias));
	vec *v = (vec *)at;

	for (size_t n = (size + 63) / 64; n > 0; n--, v += 4) {
		v[0] = v[1] = v[2] = v[3] = (vec){ 0, 0 };
		__asm__ volatile("" ::: "memory");       /* or it becomes that memset() */
	}
	return (void *)at;
}

static void check_room(const struct part *p, size_t size, const char *what)
{
	if (p->end - p->at < size)
		panic("mem: out of %s", what);
}

void *mem_boot_pages(unsigned n)
{
	split();
	check_room(&tables, (size_t)n * PAGE_SIZE, "page tables");
	tables.at += (size_t)n * PAGE_SIZE;
	return zero(tables.at - (size_t)n * PAGE_SIZE, (size_t)n * PAGE_SIZE);
}

void *mem_sealed_pages(unsigned n)
{
	size_t size = (size_t)n * PAGE_SIZE;

	split();
	check_room(&tables, size, "sealed pages");
	tables.end -= size;
	arch_map(tables.end, tables.end, size, PROT_R);
	return zero(tables.end, size);
}

void *mem_dma_alloc(size_t size, size_t align)
{
	uintptr_t at = ALIGN_UP(dma.at, MAX(align, (size_t)64));

	size = ALIGN_UP(size, (size_t)64);
	if (at > dma.end || dma.end - at < size)
		return NULL;
	dma.at = at + size;
	return zero(at, size);
}

uint64_t mem_dma_addr(const volatile void *p)
{
	return (uintptr_t)p;
}

struct region mem_dma_pool(void)
{
	return dma_region;
}

size_t mem_total(void)
{
	return total;
}

struct mem_stacks mem_stacks(void)
{
	return stacks;
}

void *mem_take(size_t size)
{
	size = ALIGN_UP(size, (size_t)16);
	for (unsigned i = pools_first; i < ram_count; i++) {
		struct part *p = &pools[i];

		if (p->end - p->at >= size) {
			p->at += size;
			return (void *)(p->at - size);
		}
		if (i == pools_first && p->end == p->at)
			pools_first++;
	}
	return NULL;
}

void *mem_heap_grow(ptrdiff_t delta)
{
	uintptr_t was = heap.at;

	if (delta >= 0 ? (size_t)delta > heap.end - was : (size_t)-delta > was - heap_base)
		return NULL;
	heap.at = was + (uintptr_t)delta;
	return (void *)was;
}

struct mem_heap mem_heap_part(void)
{
	return (struct mem_heap){ heap.at - heap_base, heap.end - heap_base };
}
