/* SPDX-License-Identifier: MIT */
/* PVH memory maps (memmap.h). */
#include "kernel/arch/x86_64/memmap.h"

uint64_t memmap_ram(const struct memmap *map, unsigned count, struct regions *ram)
{
	uint64_t before;

	for (unsigned i = 0; i < count; i++)
		if (map[i].type == MEMMAP_RAM)
			regions_add(ram, map[i].at, map[i].size);
	before = regions_size(ram);
	for (unsigned i = 0; i < count; i++)
		if (map[i].type != MEMMAP_RAM)
			regions_remove(ram, map[i].at, map[i].size);
	return before - regions_size(ram);
}

bool memmap_touches(const struct memmap *map, unsigned count, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < count; i++)
		if (map[i].type == MEMMAP_RAM && map[i].at < end &&
		    (start < map[i].at || start - map[i].at < map[i].size))
			return true;
	return false;
}
