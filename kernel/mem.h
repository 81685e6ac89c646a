/* SPDX-License-Identifier: MIT */
/* Memory: how RAM is split at boot, and bounded pools of equal objects.
 *
 * mem_init() splits the machine's RAM once, in proportion to its size, into
 * page tables, sealed pages, the DMA pool, task stacks (with a guard below
 * each), pools and the heap of malloc(). Nothing is ever given
 * back from one part to another. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/machine.h"

#define PAGE_SIZE 4096u

/* Overwrites a secret with zeros, also where nothing reads them any more: the
 * compiler has to take it that somebody does. */
static inline void mem_wipe(void *p, size_t size)
{
	memset(p, 0, size);
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* Boot: splits machine.ram and maps the parts with arch_map(). */
void mem_init(void);

/* Boot only. Zeroed pages that the payload cannot reach after the seal (page
 * tables; it panics without), or can only read (descriptor tables; NULL: no more). */
void *mem_boot_pages(unsigned n);
void *mem_sealed_pages(unsigned n);
/* Sealed pages with open ones right behind them; NULL where there are not as many. */
void *mem_half_sealed_pages(unsigned sealed, unsigned open);

/* Boot only. Memory that devices read and write: zeroed, physically
 * contiguous, aligned to `align` (a power of two); NULL when the pool is used
 * up. mem_dma_addr() is the address a device must be given for it. */
void *mem_dma_alloc(size_t size, size_t align);
uint64_t mem_dma_addr(const volatile void *p);
/* Boot only. What was taken after the mark goes back: no device may know of it any more. */
uintptr_t mem_dma_mark(void);
void mem_dma_release(uintptr_t mark);
struct region mem_dma_pool(void);

/* RAM that machine.ram held in bytes, the basis for sizing pools. */
size_t mem_total(void);

/* Fixed at boot. `count` task stacks: base address of stack i is base + i *
 * stride; `size` bytes usable, a guard page lies below each. */
struct mem_stacks { uintptr_t base; size_t stride, size; unsigned count; };
struct mem_stacks mem_stacks(void);

/* The deep stack, below them, with a guard of its own; size 0: there is none. */
struct mem_stack { uintptr_t base; size_t size; };
struct mem_stack mem_deep_stack(void);

/* The task stack that `at` lies in, or in the guard below it; size 0: in none. */
struct mem_stack mem_stack_at(uintptr_t at);

/* `size` bytes of the pools' part, for ever, not cleared, aligned to 16: for
 * tables whose length depends on mem_total(). NULL when it is used up. */
void *mem_take(size_t size);

/* A pool of `cap` objects of `size` bytes each, carved from the pools' part on
 * first use, so that an unused pool costs nothing. */
struct pool {
	const char *name;
	size_t size;
	unsigned cap;              /* most objects at once */
	unsigned used, peak;       /* now, and the most ever */
	unsigned refused;          /* how often pool_get found it empty */
	void *free;
	char *fresh, *fresh_end;   /* slab being carved */
	unsigned made;
	struct pool *next;         /* registry */
};

/* Registers the pool; size is rounded up to 16. */
void pool_init(struct pool *p, const char *name, size_t size, unsigned cap);
/* An object, not cleared, aligned to 16; or NULL, counted in `refused`. */
void *pool_get(struct pool *p);
/* Gives back an object of this pool. Giving the
 * same object back twice panics. */
void pool_put(struct pool *p, void *object);
/* All pools, for metrics and tests. */
struct pool *pool_first(void);

/* Moves the end of malloc()'s heap by `delta` bytes and returns where it was,
 * or NULL when that would leave its part of RAM. For kernel/libc.c. */
void *mem_heap_grow(ptrdiff_t delta);

struct mem_heap { size_t used, size; };

/* How far that end has got, and the size of the part. */
struct mem_heap mem_heap_part(void);

/* Bytes that malloc() has given out, and of its part in all (kernel/libc.c). */
struct mem_heap mem_heap(void);
