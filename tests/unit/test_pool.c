/* sources: kernel/mem.c kernel/pool.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/mem.c and kernel/pool.c on an invented machine of 3 MiB. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/budget.h"
#include "kernel/image.h"
#include "kernel/mem.h"

const size_t image_deep_stack = 16384;
const unsigned image_stack = BUDGET_STACK;

#define LOW (600u << 10)
#define HIGH (2u << 20)
#define MAPS_MAX 64

struct machine machine;

static struct map { uintptr_t va, pa, len; unsigned prot; } maps[MAPS_MAX];
static unsigned map_count;

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	assert_true(map_count < MAPS_MAX);
	assert_int_equal((va | pa | len) % PAGE_SIZE, 0);
	maps[map_count++] = (struct map){ va, pa, len, prot };
}

static const struct map *mapped(const void *p)
{
	for (unsigned i = 0; i < map_count; i++)
		if ((uintptr_t)p - maps[i].pa < maps[i].len)
			return &maps[i];
	return NULL;
}

static int setup(void **state)
{
	machine.ram[0] = (struct region){ (uintptr_t)aligned_alloc(PAGE_SIZE, LOW), LOW };
	machine.ram[1] = (struct region){ (uintptr_t)aligned_alloc(PAGE_SIZE, HIGH), HIGH };
	machine.ram_count = 2;
	memset((void *)machine.ram[0].base, 0xa5, LOW);
	memset((void *)machine.ram[1].base, 0xa5, HIGH);
	mem_init();
	return 0;
}

static int teardown(void **state)
{
	free((void *)machine.ram[0].base);
	free((void *)machine.ram[1].base);
	return 0;
}

static void test_parts(void **state)
{
	static const char nothing[PAGE_SIZE];
	struct mem_stacks s = mem_stacks();
	struct region dma = mem_dma_pool();
	char *table = mem_boot_pages(2), *sealed = mem_sealed_pages(1);
	char *dma_buf;

	assert_int_equal(mem_total(), LOW + HIGH);
	assert_true(s.count >= 8 && s.size == 8192 && s.stride >= s.size + PAGE_SIZE);
	assert_int_equal(mem_deep_stack().size, 16384);
	assert_true(mem_deep_stack().base + 16384 + PAGE_SIZE <= s.base);
	assert_int_equal(mem_stack_at(mem_deep_stack().base + 100).size, 16384);
	assert_int_equal(mem_stack_at(s.base - 1).base, s.base);
	assert_int_equal(mem_stack_at(s.base + s.stride + 1).base, s.base + s.stride);
	assert_int_equal(mem_stack_at(s.base + s.count * s.stride).size, 0);
	assert_true(dma.size >= 384 << 10);
	assert_memory_equal(table, nothing, PAGE_SIZE);
	assert_memory_equal(table + PAGE_SIZE, nothing, PAGE_SIZE);
	assert_null(mapped(table));
	assert_memory_equal(sealed, nothing, PAGE_SIZE);
	assert_int_equal(mapped(sealed)->prot, PROT_R);

	dma_buf = mem_dma_alloc(100, 4096);
	assert_int_equal((uintptr_t)dma_buf % 4096, 0);
	assert_memory_equal(dma_buf, nothing, 100);
	assert_true(mem_dma_addr(dma_buf) - dma.base < dma.size);
	assert_int_equal(mapped(dma_buf)->prot, PROT_R | PROT_W);
	assert_null(mem_dma_alloc(dma.size, 1));
	assert_non_null(mem_dma_alloc(1, 1));

	/* Nothing is in two parts. */
	for (unsigned i = 0; i < map_count; i++)
		for (unsigned k = 0; k < i; k++)
			assert_true(maps[i].pa + maps[i].len <= maps[k].pa ||
				    maps[k].pa + maps[k].len <= maps[i].pa);
}

/* Sealed pages come to an end before they take the room of page tables. */
static void test_sealed(void **state)
{
	unsigned all = (BUDGET_SEALED(mem_total()) + PAGE_SIZE - 1) / PAGE_SIZE;
	unsigned n = 1;                         /* test_parts() has one */

	assert_null(mem_half_sealed_pages(all - 1, 1));
	while (mem_sealed_pages(1))
		n++;
	assert_int_equal(n, all);
	assert_non_null(mem_boot_pages(BUDGET_TABLES(mem_total(), 2, 0u) - 2));
}

static void test_heap(void **state)
{
	struct mem_heap h = mem_heap_part();
	char *was = mem_heap_grow(100);

	assert_int_equal(h.used, 0);
	assert_ptr_equal(mem_heap_grow(0), was + 100);
	assert_null(mem_heap_grow((ptrdiff_t)h.size));
	assert_null(mem_heap_grow(-101));
	assert_ptr_equal(mem_heap_grow(-100), was + 100);
	assert_int_equal(mem_heap_part().used, 0);
}

static void test_pool(void **state)
{
	enum { CAP = 100 };
	static struct pool p;
	void *got[CAP];

	pool_init(&p, "test", 200, CAP);
	assert_ptr_equal(pool_first(), &p);
	assert_int_equal(p.size, 208);
	for (unsigned i = 0; i < CAP; i++) {
		got[i] = pool_get(&p);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % 16, 0);
		memset(got[i], 0xff, 200);
		for (unsigned k = 0; k < i; k++)
			assert_true(labs((char *)got[i] - (char *)got[k]) >= 208);
	}
	assert_null(pool_get(&p));
	assert_int_equal(p.refused, 1);
	for (unsigned i = 0; i < CAP; i += 2)
		pool_put(&p, got[i]);
	assert_int_equal(p.used, CAP / 2);
	assert_int_equal(p.peak, CAP);
	assert_ptr_equal(pool_get(&p), got[CAP - 2]);
	pool_put(&p, got[CAP - 2]);
	assert_true(PANICS(pool_put(&p, got[CAP - 2])));
	assert_string_equal(fake_log, "pool test: given back twice");
}

/* A pool that may have more than there is gets what there is. */
static void test_out_of_memory(void **state)
{
	static struct pool big;
	unsigned n = 0;

	pool_init(&big, "big", 1000, 100000);
	while (pool_get(&big))
		n++;
	assert_true(n > 1000);
	assert_int_equal(big.refused, 1);
	assert_int_equal(big.used, n);
	assert_null(mem_take(4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
