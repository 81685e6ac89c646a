/* sources: kernel/regions.c kernel/arch/x86_64/memmap.c */
/* SPDX-License-Identifier: MIT */
/* kernel/regions.c and the PVH memory maps that are made such lists of, page by page against a
 * bitmap, and with what wraps, overlaps or is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/x86_64/memmap.h"

#define PAGE 4096ull
#define PAGES 64u              /* of the small world in which maps are compared */
#define ROUNDS 20000
#define ENTRIES 12u
#define MAX 40u

static struct region list[MAX];

static struct regions empty(unsigned max)
{
	memset(list, 0xee, sizeof(list));
	return (struct regions){ .list = list, .max = max };
}

static void check(const struct regions *r)
{
	assert_in_range(r->count, 0, r->max);
	for (unsigned i = 0; i < r->count; i++) {
		assert_true(list[i].size > 0 && (list[i].base | list[i].size) % PAGE == 0);
		assert_true(list[i].size <= UINT64_MAX - list[i].base);
		assert_true(i == 0 || list[i - 1].base + list[i - 1].size < list[i].base);
	}
}

static bool has(const struct regions *r, uint64_t at)
{
	for (unsigned i = 0; i < r->count; i++)
		if (at - list[i].base < list[i].size)
			return true;
	return false;
}

/* What a loader may say twice, half, or in any order is the same list. */
static void test_merged(void **state)
{
	static const struct memmap map[] = {
		{ 0x300000, 0x100000, MEMMAP_RAM, 0 }, { 0x100000, 0x100000, MEMMAP_RAM, 0 },
		{ 0x200000, 0x100000, MEMMAP_RAM, 0 }, { 0x100000, 0x300000, MEMMAP_RAM, 0 },
		{ 0x180000, 0x1000, MEMMAP_RAM, 0 }, { 0x3ff800, 0x1000, 2, 0 },
		{ 0x800000, 0x1000, 2, 0 }, { 0x150000, 0, 2, 0 },
	};
	struct regions r = empty(MAX);

	assert_int_equal(memmap_ram(map, 8, &r), 0x1000);
	check(&r);
	assert_int_equal(r.count, 1);
	assert_true(list[0].base == 0x100000 && list[0].size == 0x2ff000);
	assert_int_equal(r.lost, 0);
	assert_true(memmap_touches(map, 8, 0x3fffff, 0x400000));
	assert_false(memmap_touches(map, 8, 0x400000, 0x900000));
	assert_false(memmap_touches(map, 8, 0, 0x100000));
}

static void test_wrapped(void **state)
{
	struct regions r = empty(MAX);

	regions_add(&r, UINT64_MAX - 0xfff, 0x2000);
	regions_add(&r, 0x1000, UINT64_MAX);
	regions_add(&r, UINT64_MAX - 0x10, 0x10);
	regions_add(&r, 0x1001, 0x1ffe);
	regions_add(&r, 0x1000, 0);
	assert_int_equal(r.count, 0);
	regions_add(&r, 0x1000, UINT64_MAX - 0x1000);
	check(&r);
	assert_true(r.count == 1 && list[0].base + list[0].size == UINT64_MAX - 0xfff);
	regions_remove(&r, 0x5000, 0);
	regions_remove(&r, 0x5fff, UINT64_MAX);
	check(&r);
	assert_true(r.count == 1 && list[0].base == 0x1000 && list[0].size == 0x4000);
	regions_remove(&r, UINT64_MAX, 1);
	regions_remove(&r, UINT64_MAX - 0x10, 0x10);
	assert_true(r.count == 1 && list[0].size == 0x4000);
	regions_remove(&r, 0, UINT64_MAX);
	assert_int_equal(r.count, 0);
}

static void test_touches_the_end(void **state)
{
	static const struct memmap map = { 0x1000, UINT64_MAX, MEMMAP_RAM, 0 };

	assert_true(memmap_touches(&map, 1, 0x5000, 0x6000));
	assert_true(memmap_touches(&map, 1, 0, 0x1001));
	assert_false(memmap_touches(&map, 1, 0, 0x1000));
}

/* The smallest go, in whatever order they come; what is lost is counted. */
static void test_full(void **state)
{
	struct regions r = empty(4);

	for (unsigned i = 0; i < 100; i++) {
		unsigned n = i * 37 % 100;

		regions_add(&r, n * 1000 * PAGE, (n + 1) * PAGE);
		check(&r);
	}
	assert_int_equal(r.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(list[i].size, (97 + i) * PAGE);
	assert_int_equal(regions_size(&r), (97 + 98 + 99 + 100) * PAGE);
	assert_int_equal(r.lost, 96 * 97 / 2 * PAGE);
	regions_remove(&r, list[3].base + 90 * PAGE, PAGE);       /* a piece of 9 has no room */
	check(&r);
	assert_true(r.count == 4 && list[3].size == 90 * PAGE);
	regions_add(&r, 0, 100000 * PAGE);
	assert_int_equal(r.count, 1);
}

static void test_random(void **state)
{
	struct memmap map[ENTRIES];

	srand(3);
	for (unsigned round = 0; round < ROUNDS; round++) {
		bool is_ram[PAGES] = { false }, is_other[PAGES] = { false };
		unsigned n = (unsigned)rand() % ENTRIES, both = 0;
		struct regions r = empty(MAX);

		for (unsigned i = 0; i < n; i++) {
			unsigned at = (unsigned)rand() % PAGES, type = (unsigned)rand() % 4;
			unsigned pages = (unsigned)rand() % (PAGES - at);

			map[i] = (struct memmap){ at * PAGE, pages * PAGE, type, 0 };
			memset((type == MEMMAP_RAM ? is_ram : is_other) + at, true, pages);
		}
		for (unsigned i = 0; i < PAGES; i++)
			both += is_ram[i] && is_other[i];
		assert_int_equal(memmap_ram(map, n, &r), both * PAGE);
		check(&r);
		for (unsigned i = 0; i < PAGES; i++)
			assert_int_equal(has(&r, i * PAGE), is_ram[i] && !is_other[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merged), cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_touches_the_end), cmocka_unit_test(test_full),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
