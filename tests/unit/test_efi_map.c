/* sources: linker/efi/map.c linker/efi/tree.c kernel/fdt.c */
/* SPDX-License-Identifier: MIT */
/* The stub's two pieces without firmware. linker/efi/map.c on maps in every disorder, each in a
 * block of its exact size, against a bitmap of pages; linker/efi/tree.c read back by
 * kernel/fdt.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/fdt.h"
#include "linker/efi/efi.h"
#include "linker/efi/map.h"
#include "linker/efi/tree.h"

#define PAGES 64u              /* of the small world in which maps are compared */
#define ROUNDS 20000

static struct range ram[MAP_RANGES];

static unsigned convert(const struct efi_descriptor *d, unsigned n, size_t step)
{
	size_t bytes = n * step;
	char *map = calloc(1, bytes ? bytes : 1);
	unsigned found;

	for (unsigned i = 0; i < n; i++)
		memcpy(map + i * step, &d[i], sizeof(*d));
	found = map_ram(map, bytes, step, ram);
	free(map);
	for (unsigned i = 0; i < found; i++) {
		assert_true(ram[i].start < ram[i].end);
		assert_true(ram[i].start % EFI_PAGE == 0 && ram[i].end % EFI_PAGE == 0);
		assert_true(i == 0 || ram[i - 1].end < ram[i].start);
	}
	return found;
}

static void test_merged(void **state)
{
	static const struct efi_descriptor d[] = {
		{ EFI_CONVENTIONAL, 0, 0x300000, 0, 16, 0 },
		{ EFI_LOADER_DATA, 0, 0x100000, 0, 256, 0 },
		{ EFI_BOOT_CODE, 0, 0x200000, 0, 256, 0 },
		{ EFI_RUNTIME_DATA, 0, 0x310000, 0, 16, 0 },
		{ EFI_ACPI_RECLAIM, 0, 0x320000, 0, 16, 0 },
		{ EFI_CONVENTIONAL, 0, 0x330000, 0, 1, EFI_MEMORY_SP },
		{ EFI_CONVENTIONAL, 0, 0x100000000, 0, 0x100000, 0 },
	};

	for (size_t step = sizeof(*d); step <= 64; step += 8) {
		assert_int_equal(convert(d, 7, step), 2);
		assert_true(ram[0].start == 0x100000 && ram[0].end == 0x310000);
		assert_true(ram[1].start == 0x100000000 && ram[1].end == 0x200000000);
	}
	assert_true(map_covers(ram, 2, 0x100000, 0x310000));
	assert_false(map_covers(ram, 2, 0x100000, 0x310001));
	assert_false(map_covers(ram, 2, 0xff000, 0x101000));
}

/* A firmware of another kind, a map that ends early, numbers that wrap. */
static void test_absurd(void **state)
{
	static const struct efi_descriptor d[] = {
		{ EFI_CONVENTIONAL, 0, 0xfffffffffffff000, 0, 2, 0 },
		{ EFI_CONVENTIONAL, 0, 0x1000, 0, UINT64_MAX, 0 },
		{ EFI_CONVENTIONAL, 0, 0x1000, 0, 0, 0 },
		{ EFI_CONVENTIONAL, 0, 0x1001, 0, 1, 0 },
		{ 0xffffffff, 0, 0xffffffffffffff00, 0, 1, 0 },
		{ EFI_CONVENTIONAL, 0, 0x5000, 0, 1, 0 },
	};

	assert_int_equal(convert(d, 6, sizeof(*d)), 1);
	assert_true(ram[0].start == 0x5000);
	assert_int_equal(map_ram(d, sizeof(d), 0, ram), 0);
	assert_int_equal(map_ram(d, sizeof(d), 32, ram), 0);
	assert_int_equal(map_ram(d, sizeof(d), 44, ram), 0);
	assert_true(map_step_is_good(40) && map_step_is_good(4096));
	assert_false(map_step_is_good(4104) || map_step_is_good((size_t)1 << 60));
	assert_int_equal(map_ram(d, sizeof(*d) - 1, sizeof(*d), ram), 0);
	assert_int_equal(map_ram(d, sizeof(d) - 1, sizeof(*d), ram), 0);
}

/* More holes than there is room for: what is left is the largest, and never too much. */
static void test_many(void **state)
{
	static struct efi_descriptor d[4000];
	unsigned n;

	for (unsigned i = 0; i < 4000; i++)
		d[i] = (struct efi_descriptor){ .type = EFI_CONVENTIONAL, .pages = 1 + i % 7,
						.physical = (uint64_t)(i * 37 % 4000) << 16 };
	n = convert(d, 4000, sizeof(*d));
	assert_int_equal(n, MAP_RANGES);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(ram[i].end - ram[i].start, 7 * EFI_PAGE);
	ram[5].end += EFI_PAGE;
	ram[77].end += EFI_PAGE;
	assert_int_equal(map_shorten(ram, n, 2), 2);
	assert_int_equal(ram[0].end - ram[0].start, 8 * EFI_PAGE);
	assert_int_equal(ram[1].end - ram[1].start, 8 * EFI_PAGE);
	assert_true(ram[0].end < ram[1].start);
}

/* Page by page: RAM is what one descriptor calls so and none calls something else. */
static void test_random(void **state)
{
	static const uint32_t types[] = { EFI_CONVENTIONAL, EFI_LOADER_CODE, EFI_BOOT_DATA, 0,
					  EFI_RUNTIME_CODE, EFI_UNUSABLE, 11, 14, 15 };
	struct efi_descriptor d[12];

	srand(3);
	for (unsigned round = 0; round < ROUNDS; round++) {
		bool is_ram[PAGES] = { false }, is_other[PAGES] = { false };
		unsigned n = (unsigned)rand() % 12, found;

		for (unsigned i = 0; i < n; i++) {
			unsigned at = (unsigned)rand() % PAGES, t = (unsigned)rand() % 9;
			unsigned pages = (unsigned)rand() % (PAGES - at);

			d[i] = (struct efi_descriptor){ .type = types[t], .pages = pages,
							.physical = at * (uint64_t)EFI_PAGE };
			memset((t < 3 ? is_ram : is_other) + at, true, pages);
		}
		found = convert(d, n, sizeof(*d));
		for (unsigned page = 0; page < PAGES; page++)
			assert_int_equal(map_covers(ram, found, page * EFI_PAGE,
						    (page + 1) * EFI_PAGE),
					 is_ram[page] && !is_other[page]);
	}
}

static void write_tree(struct tree *t, void *to, uint32_t room)
{
	const uint64_t reg[] = { 0x40000000, 0x10000000, 0x100000000, 0x80000000 };

	tree_begin(t, to, room);
	tree_open(t, "");
	tree_cell(t, "#address-cells", 2);
	tree_cell(t, "#size-cells", 2);
	tree_string(t, "model", "UEFI");
	tree_open(t, "chosen");
	tree_string(t, "bootargs", "");
	tree_bytes(t, "rng-seed", "\1\2\3", 3);
	tree_close(t);
	tree_open(t, "memory");
	tree_numbers(t, "reg", reg, 4);
	tree_close(t);
	tree_close(t);
}

static void test_tree(void **state)
{
	uint64_t blob[128];
	struct fdt_node n;
	struct region r;
	struct tree t;
	struct fdt fdt;
	uint32_t len, total;

	write_tree(&t, blob, sizeof(blob));
	total = tree_end(&t);
	assert_int_equal(fdt_size(blob), total);
	assert_int_equal(fdt_open(&fdt, blob, total), 0);
	fdt_walk(&n, &fdt);
	assert_true(fdt_next(&n));
	assert_string_equal(fdt_string(&n, "model"), "UEFI");
	assert_true(fdt_next(&n));
	assert_true(fdt_at(&n, "/chosen", 7));
	assert_string_equal(fdt_string(&n, "bootargs"), "");
	assert_memory_equal(fdt_get(&n, "rng-seed", &len), "\1\2\3", 3);
	assert_int_equal(len, 3);
	assert_true(fdt_next(&n));
	assert_int_equal(fdt_reg(&n, 1, &r), 0);
	assert_true(r.base == 0x100000000 && r.size == 0x80000000);
	assert_int_equal(fdt_reg(&n, 2, &r) < 0, 1);
	assert_false(fdt_next(&n));
}

static void test_tree_too_small(void **state)
{
	uint64_t blob[128];
	struct tree t;
	uint32_t total;

	write_tree(&t, blob, sizeof(blob));
	total = tree_end(&t);
	for (uint32_t room = 0; room < total + 8; room++) {
		void *to = malloc(room ? room : 1);

		write_tree(&t, to, room);
		assert_int_equal(tree_end(&t) != 0, room >= total);
		free(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merged), cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_many), cmocka_unit_test(test_random),
		cmocka_unit_test(test_tree), cmocka_unit_test(test_tree_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
