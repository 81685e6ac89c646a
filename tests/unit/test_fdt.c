/* sources: kernel/fdt.c */
/* SPDX-License-Identifier: MIT */
/* kernel/fdt.c on a small tree written here, then on every shortening of it and on many spoilt
 * copies, each in a block of its exact size so that a sanitizer sees one byte too far. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/fdt.h"

#define SPOILT 20000

/* The tree: structure block behind header and one reservation, strings last. */
static uint8_t blob[4096], strings[512];
static uint32_t at, strings_len;

static void be32_at(uint32_t where, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		blob[where + i] = (uint8_t)(value >> (24 - 8 * i));
}

static void cell(uint32_t value)
{
	be32_at(at, value);
	at += 4;
}

static void bytes(const void *data, size_t len)
{
	memcpy(blob + at, data, len);
	at += (uint32_t)len;
	while (at % 4)
		blob[at++] = 0;
}

static void begin(const char *name)
{
	cell(1);
	bytes(name, strlen(name) + 1);
}

static void end(void)
{
	cell(2);
}

static void prop(const char *name, const void *data, size_t len)
{
	cell(3);
	cell((uint32_t)len);
	cell(strings_len);
	strcpy((char *)strings + strings_len, name);
	strings_len += (uint32_t)strlen(name) + 1;
	bytes(data, len);
}

#define STRINGS(name, text) prop(name, text, sizeof(text))

static void cells(const char *name, const uint32_t *value, unsigned n)
{
	uint8_t raw[64];

	for (unsigned i = 0; i < n; i++)
		for (unsigned b = 0; b < 4; b++)
			raw[4 * i + b] = (uint8_t)(value[i] >> (24 - 8 * b));
	prop(name, raw, 4 * n);
}

#define CELLS(name, ...) \
	cells(name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void write_nodes(void)
{
	begin("");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	STRINGS("model", "a test");
	begin("chosen");
	STRINGS("bootargs", "ip=dhcp");
	end();
	begin("uart@9000000");
	STRINGS("compatible", "arm,pl011\0arm,primecell");
	CELLS("reg", 0, 0x9000000, 0, 0x1000);
	CELLS("interrupts", 0, 1, 4);
	end();
	begin("soc");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	CELLS("ranges", 0x100, 1, 0x80000000, 0x1000);
	cell(4);
	begin("timer@200");
	STRINGS("compatible", "a,timer");
	STRINGS("status", "disabled");
	CELLS("reg", 0x200, 0x10, 0x2000, 0x10);
	end();
	end();
	begin("hidden");
	begin("child@0");
	CELLS("reg", 0, 0, 4);
	end();
	end();
	end();
	cell(9);
}

static uint32_t write_tree(void)
{
	uint32_t structs = FDT_HEADER + 32, structs_end, size;

	memset(blob, 0, sizeof(blob));
	strings_len = 0;
	at = structs;
	write_nodes();
	structs_end = at;
	memcpy(blob + at, strings, strings_len);
	size = at + strings_len;
	be32_at(0, 0xd00dfeed);
	be32_at(4, size);
	be32_at(8, structs);
	be32_at(12, structs_end);
	be32_at(16, FDT_HEADER);
	be32_at(20, 17);
	be32_at(24, 16);
	be32_at(32, strings_len);
	be32_at(36, structs_end - structs);
	be32_at(FDT_HEADER + 4, 0x1000);
	be32_at(FDT_HEADER + 12, 0x20);
	return size;
}

static bool find(struct fdt_node *n, const struct fdt *fdt, const char *path)
{
	fdt_walk(n, fdt);
	while (fdt_next(n))
		if (fdt_at(n, path, strlen(path)))
			return true;
	return false;
}

static void test_values(void **state)
{
	struct fdt fdt;
	struct fdt_node n;
	struct region r;

	assert_int_equal(fdt_open(&fdt, blob, write_tree()), 0);
	assert_true(fdt_reserved(&fdt, 0, &r));
	assert_int_equal(r.base, 0x1000);
	assert_int_equal(r.size, 0x20);
	assert_false(fdt_reserved(&fdt, 1, &r));

	assert_true(find(&n, &fdt, "/"));
	assert_string_equal(fdt_string(&n, "model"), "a test");
	assert_null(fdt_string(&n, "bootargs"));
	assert_true(find(&n, &fdt, "/chosen"));
	assert_string_equal(fdt_string(&n, "bootargs"), "ip=dhcp");
	assert_true(find(&n, &fdt, "/uart@9000000"));
	assert_string_equal(fdt_name(&n), "uart@9000000");
	assert_true(fdt_is(&n, "arm,pl011"));
	assert_true(fdt_is(&n, "arm,primecell"));
	assert_false(fdt_is(&n, "arm,pl01"));
	assert_int_equal(fdt_cell(&n, "interrupts", 1, 77), 1);
	assert_int_equal(fdt_cell(&n, "interrupts", 3, 77), 77);
	assert_int_equal(fdt_reg(&n, 0, &r), 0);
	assert_int_equal(r.base, 0x9000000);
	assert_int_equal(r.size, 0x1000);
	assert_int_equal(fdt_reg(&n, 1, &r), -ENOENT);
	assert_false(find(&n, &fdt, "/uart"));
	assert_false(find(&n, &fdt, "/soc/timer@200/more"));
}

static void test_ranges(void **state)
{
	struct fdt fdt;
	struct fdt_node n;
	struct region r;

	assert_int_equal(fdt_open(&fdt, blob, write_tree()), 0);
	assert_true(find(&n, &fdt, "/soc/timer@200"));
	assert_int_equal(n.depth, 3);
	assert_false(fdt_is(&n, "a,timer"));
	assert_int_equal(fdt_reg(&n, 0, &r), 0);
	assert_true(r.base == 0x180000100);
	assert_int_equal(r.size, 0x10);
	assert_int_equal(fdt_reg(&n, 1, &r), -ENXIO);
	assert_true(find(&n, &fdt, "/hidden/child@0"));
	assert_int_equal(fdt_reg(&n, 0, &r), -ENXIO);
}

/* What is nested deeper than there is room for is passed over, and the walk goes on behind it. */
static void test_deep(void **state)
{
	uint32_t size = write_tree(), structs = FDT_HEADER + 32, first, rest;
	struct fdt_node n;
	struct fdt fdt;

	first = structs + 8;
	while (memcmp(blob + first, "\0\0\0\1chosen", 10))
		first += 4;
	rest = size - first;
	memmove(blob + first + 1200, blob + first, rest);
	for (unsigned i = 0; i < 100; i++) {
		memcpy(blob + first + 8 * i, "\0\0\0\1deep", 8);
		memset(blob + first + 8 * i + 5, 0, 3);
		memcpy(blob + first + 800 + 4 * i, "\0\0\0\2", 4);
	}
	for (uint32_t field = 12; field <= 36; field += 24)      /* strings, size of structure */
		be32_at(field, (uint32_t)(blob[field + 2] << 8 | blob[field + 3]) + 1200);
	be32_at(4, size + 1200);
	assert_int_equal(fdt_open(&fdt, blob, size + 1200), 0);
	assert_true(find(&n, &fdt, "/d/d/d/d"));
	assert_true(find(&n, &fdt, "/soc/timer@200"));
	assert_true(find(&n, &fdt, "/hidden/child@0"));
	assert_int_equal(n.depth, 3);
}

/* Everything that a caller may ask, at every node that can be reached. */
static void use(const uint8_t *tree, size_t size)
{
	struct fdt fdt;
	struct fdt_node n;
	struct region r;
	uint32_t len;

	if (fdt_open(&fdt, tree, size) < 0)
		return;
	for (unsigned i = 0; i < 8; i++)
		fdt_reserved(&fdt, i, &r);
	fdt_walk(&n, &fdt);
	while (fdt_next(&n)) {
		assert_in_range(n.depth, 1, FDT_DEPTH);
		fdt_is(&n, "a,timer");
		fdt_at(&n, "/soc/timer@200", 14);
		fdt_string(&n, "model");
		fdt_cell(&n, "interrupts", 2, 0);
		fdt_get(&n, "none", &len);
		for (unsigned i = 0; i < 3; i++)
			fdt_reg(&n, i, &r);
	}
}

static void test_shortened(void **state)
{
	uint32_t size = write_tree();

	for (uint32_t cut = 0; cut <= size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		be32_at(4, size);
		memcpy(copy, blob, cut);
		use(copy, cut);
		if (cut >= FDT_HEADER) {
			be32_at(4, cut);
			memcpy(copy, blob, FDT_HEADER);
			use(copy, cut);
		}
		free(copy);
	}
}

static void test_spoilt(void **state)
{
	uint32_t size = write_tree(), random = 1;
	uint8_t *copy = malloc(size);

	for (unsigned i = 0; i < SPOILT; i++) {
		memcpy(copy, blob, size);
		for (unsigned n = 0; n <= i % 4; n++) {
			random = random * 1664525 + 1013904223;
			copy[(random >> 8) % size] = i % 3 ? (uint8_t)(random >> 3 & 7) : 0xff;
		}
		use(copy, size);
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_shortened),
		cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
