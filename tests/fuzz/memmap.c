/* sources: kernel/arch/x86_64/memmap.c kernel/regions.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: a loader's memory map of any bytes (kernel/arch/x86_64/memmap.h), into a list with room
 * for a few regions: what comes of it is sorted, apart, of whole pages, and no entry calls it
 * something else than RAM. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/x86_64/memmap.h"

#define LIST_MAX 16u
#define PAGE 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool meet(const struct memmap *m, const struct region *r)
{
	uint64_t end = r->base + r->size;

	return m->at < end && (m->at >= r->base || r->base - m->at < m->size) && m->size > 0;
}

static void check(const struct regions *ram, const struct memmap *map, unsigned n)
{
	for (unsigned i = 0; i < ram->count; i++) {
		const struct region *r = &ram->list[i];

		if (r->size == 0 || (r->base | r->size) % PAGE || r->size > UINT64_MAX - r->base ||
		    (i > 0 && r[-1].base + r[-1].size >= r->base) ||
		    !memmap_touches(map, n, r->base, r->base + r->size))
			abort();
		for (unsigned k = 0; k < n; k++)
			if (map[k].type != MEMMAP_RAM && meet(&map[k], r))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n = (unsigned)(size / sizeof(struct memmap)), max;
	struct region *list;
	struct memmap *map;
	struct regions ram;

	if (size == 0)
		return 0;
	max = 1 + data[size - 1] % LIST_MAX;
	list = malloc(max * sizeof(*list));
	map = malloc(n * sizeof(*map) + (n == 0));
	memcpy(map, data, n * sizeof(*map));
	ram = (struct regions){ .list = list, .max = max };
	memmap_ram(map, n, &ram);
	if (ram.count > max)
		abort();
	check(&ram, map, n);
	regions_shorten(&ram, max / 2);
	check(&ram, map, n);
	free(map);
	free(list);
	return 0;
}
