/* sources: kernel/fdt.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: a device tree of any bytes in a block of its exact size (kernel/fdt.h), asked for all
 * that the kernel asks a tree for. Its magic number and versions are made right. */
#include <stdlib.h>
#include <string.h>

#include "kernel/fdt.h"

#define ENTRIES 4u
#define RESERVED_MAX (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct fdt_node *n)
{
	static const char *const names[] = { "reg", "ranges", "interrupt-map", "bootargs" };
	struct region r;
	uint32_t len;

	if (n->depth == 0 || n->depth > FDT_DEPTH)
		abort();
	fdt_at(n, "/chosen", 7);
	fdt_is(n, "arm,pl011");
	fdt_cell(n, "interrupts", ENTRIES, 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const uint8_t *p = fdt_get(n, names[i], &len);
		const char *s = fdt_string(n, names[i]);

		if (p && len >= 12)
			fdt_number(p, len / 4);
		if (s && strlen(s) >= len)
			abort();
	}
	for (unsigned i = 0; i < ENTRIES; i++)
		fdt_reg(n, i, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magic[] = { 0xd0, 0x0d, 0xfe, 0xed }, version[] = { 0, 0, 0, 17 };
	struct fdt_node n;
	struct region r;
	struct fdt fdt;
	unsigned i = 0;
	uint8_t *blob;

	if (size < FDT_HEADER)
		return 0;
	blob = malloc(size);
	memcpy(blob, data, size);
	memcpy(blob, magic, sizeof(magic));
	memcpy(blob + 24, version, sizeof(version));
	if (fdt_open(&fdt, blob, size) == 0) {
		while (fdt_reserved(&fdt, i, &r))
			if (++i > RESERVED_MAX)
				abort();
		fdt_walk(&n, &fdt);
		while (fdt_next(&n))
			look_at(&n);
	}
	free(blob);
	return 0;
}
