/* SPDX-License-Identifier: MIT */
/* See fake_nic.h. */
#include "tests/unit/fake_nic.h"

#include <string.h>

#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"

struct netdev nd;
char pool[POOL] __attribute__((aligned(4096)));
size_t pool_size = POOL;
static size_t pool_used;
static ktime now;
static struct counter *counters;
static unsigned counter_count;

ktime clock_now(void)
{
	return now += MILLIS(1);
}

ktime clock_after_ms(int64_t ms)
{
	return clock_now() + MILLIS(ms);
}

void *mem_dma_alloc(size_t size, size_t align)
{
	void *p;

	pool_used = ALIGN_UP(pool_used, align);
	if (pool_used + size > pool_size)
		return NULL;
	p = pool + pool_used;
	pool_used += size;
	return p;
}

uint64_t mem_dma_addr(const volatile void *p)
{
	return (uintptr_t)p;
}

uintptr_t mem_dma_mark(void)
{
	return (uintptr_t)pool + pool_used;
}

void mem_dma_release(uintptr_t mark)
{
	pool_used = mark - (uintptr_t)pool;
}

struct region mem_dma_pool(void)
{
	return (struct region){ (uintptr_t)pool, pool_size };
}

void counters_add(struct counter *table, unsigned n)
{
	counters = table;
	counter_count = n;
	for (unsigned i = 0; i < n; i++)
		table[i].n = 0;
}

uint64_t count(const char *name)
{
	for (unsigned i = 0; i < counter_count; i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].n;
	fail_msg("no counter %s", name);
	return 0;
}

void random_bytes(void *buf, size_t len)
{
	memset(buf, 0xff, len);
}

void fake_nic_new(void)
{
	memset(pool, 0, sizeof(pool));
	memset(&nd, 0, sizeof(nd));
	pool_size = POOL;
	pool_used = 0;
	fake_log_lines = 0;
}
