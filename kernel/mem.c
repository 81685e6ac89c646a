/* SPDX-License-Identifier: MIT */
/* How RAM is split, once, at boot:
 *
 *	page tables and sealed pages, the DMA pool, task stacks, the heap of
 *	malloc(), and, with everything else, pools
 *
 * as kernel/budget.h says. Each part except the pools' is contiguous, taken from
 * the first region of RAM that has room for it. Tables and sealed pages share
 * one part and grow towards each other from its ends. Where machine.stacks names
 * no address space for them, task stacks lie in RAM with their guards between.
 *
 * Outside: arch_discover() has filled machine.ram; all of RAM is mapped at its
 * physical address until arch_seal(), which leaves only what arch_map() was
 * told of: the tables are not among it. */
#include "kernel/mem.h"

#include "kernel/arch.h"
#include "kernel/budget.h"
#include "kernel/image.h"

#define KIB ((size_t)1 << 10)

struct part {
	uintptr_t at, end;         /* what is still free of it */
};

static struct part ram[MACHINE_RAM_MAX] SEALED;  /* at: start, until take() moves it */
static unsigned ram_count SEALED;
static size_t total SEALED;
static struct part tables SEALED;                /* boot pages from below, sealed ones from above */
static struct part sealed SEALED;                /* these, where they lie in machine.dma */
static size_t sealed_used SEALED;                /* no more than was meant for them */
static struct part dma SEALED;
static struct region dma_region SEALED;
static struct mem_stacks stacks SEALED;
static struct mem_stack deep SEALED;

static size_t deep_room SEALED;                  /* with its guard */

static struct part heap;
static uintptr_t heap_base SEALED;
static struct part pools[MACHINE_RAM_MAX];
static unsigned pools_first;                     /* regions before it are used up */

static size_t whole(size_t n)
{
	return ALIGN_UP(n, (size_t)BUDGET_GRANULE);
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
	unsigned n = (unsigned)(BUDGET_STACKS(total) / stacks.size);

	return MIN(MAX(n, MIN(8u, BUDGET_STACKS_MAX)), BUDGET_STACKS_MAX);
}

/* Idempotent, so that a driver may map a device before mem_init(). */
static void split(void)
{
	size_t table_bytes, sealed_bytes;

	if (total)
		return;
	total = machine.dma.size;
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct region *r = &machine.ram[i];
		uintptr_t at = whole(MAX(r->base, BUDGET_GRANULE));
		uintptr_t end = (r->base + r->size) & ~(uint64_t)(BUDGET_GRANULE - 1);

		if (end <= at)
			continue;
		ram[ram_count++] = (struct part){ at, end };
		total += end - at;
	}

	stacks.base = machine.stacks;
	stacks.size = image_stack * MAX(machine.stack_times, 1u);
	stacks.stride = stacks.size + BUDGET_STACK_GUARD;
	stacks.count = stack_count();

	deep.size = image_deep_stack * MAX(machine.stack_times, 1u);
	deep_room = deep.size ? deep.size + BUDGET_STACK_GUARD : 0;
	table_bytes = BUDGET_TABLES(total, ram_count, stacks.count * stacks.stride + deep_room) *
		      PAGE_SIZE;
	sealed_bytes = whole(BUDGET_SEALED(total));
	if (machine.dma.size) {
		sealed.end = machine.dma.base + machine.dma.size;
		sealed.at = sealed.end - sealed_bytes;
		dma = (struct part){ machine.dma.base, sealed.at };
		sealed_bytes = 0;
	}
	tables = take(table_bytes + sealed_bytes, "tables");
}

static void place_stacks(void)
{
	uintptr_t pa;

	if (!stacks.base) {
		pa = take(stacks.count * stacks.stride + deep_room, "stacks").at;
		deep.base = pa + BUDGET_STACK_GUARD;
		stacks.base = deep.base + deep_room;
		return;
	}
	deep.base = stacks.base;
	stacks.base += deep_room;
	pa = take(stacks.count * stacks.size + deep.size, "stacks").at;
	if (deep.size)
		arch_map(deep.base, pa, deep.size, PROT_R | PROT_W);
	pa += deep.size;
	for (unsigned i = 0; i < stacks.count; i++)
		arch_map(stacks.base + i * stacks.stride, pa + i * stacks.size, stacks.size,
			 PROT_R | PROT_W);
}

void mem_init(void)
{
	split();
	place_stacks();

	/* All the rest is read and written: mapped before it is split further. */
	for (unsigned i = 0; i < ram_count; i++)
		if (ram[i].end > ram[i].at)
			arch_map(ram[i].at, ram[i].at, ram[i].end - ram[i].at, PROT_R | PROT_W);
	if (machine.dma.size)
		arch_map(dma.at, dma.at, dma.end - dma.at, PROT_R | PROT_W | PROT_DMA);
	else
		dma = take(whole(BUDGET_DMA(total)), "DMA pool");
	dma_region = (struct region){ dma.at, dma.end - dma.at };
	heap = take(whole(BUDGET_HEAP(total - deep_room)), "heap");
	heap_base = heap.at;
	for (unsigned i = 0; i < ram_count; i++)
		pools[i] = ram[i];
	log_info("memory: %zu KiB, %u task stacks of %zu bytes, %zu KiB for devices, %zu KiB of "
		 "heap", total / KIB, stacks.count, stacks.size, (size_t)dma_region.size / KIB,
		 (heap.end - heap.at) / KIB);
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

void *mem_half_sealed_pages(unsigned n, unsigned open)
{
	struct part *p = machine.dma.size ? &sealed : &tables;
	size_t size = (size_t)n * PAGE_SIZE, more = (size_t)open * PAGE_SIZE;
	unsigned prot = p == &sealed ? PROT_R | PROT_DMA : PROT_R;

	split();
	if (p->end - p->at < size + more ||
	    sealed_used + size + more > whole(BUDGET_SEALED(total)))
		return NULL;
	sealed_used += size + more;
	p->end -= size + more;
	arch_map(p->end, p->end, size, prot);
	if (open)
		arch_map(p->end + size, p->end + size, more, prot | PROT_W);
	return zero(p->end, size + more);
}

void *mem_sealed_pages(unsigned n)
{
	return mem_half_sealed_pages(n, 0);
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

uintptr_t mem_dma_mark(void)
{
	return dma.at;
}

void mem_dma_release(uintptr_t mark)
{
	ASSERT(mark <= dma.at && mark >= dma_region.base);
	dma.at = mark;
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

struct mem_stack mem_deep_stack(void)
{
	return deep;
}

struct mem_stack mem_stack_at(uintptr_t at)
{
	uintptr_t first = stacks.base - BUDGET_STACK_GUARD;

	if (deep.size && at >= deep.base - BUDGET_STACK_GUARD && at < deep.base + deep.size)
		return deep;
	if (!stacks.stride || at < first || at - first >= stacks.count * stacks.stride)
		return (struct mem_stack){ 0, 0 };
	return (struct mem_stack){ stacks.base + (at - first) / stacks.stride * stacks.stride,
				   stacks.size };
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
