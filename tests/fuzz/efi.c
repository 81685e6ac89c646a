/* sources: linker/efi/map.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: a firmware's memory map of any bytes (linker/efi/map.h). The first byte says how far
 * apart its descriptors are; what comes of it is sorted, apart, and of whole pages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linker/efi/efi.h"
#include "linker/efi/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range ram[MAP_RANGES];
	unsigned n;
	char *map;

	if (size == 0)
		return 0;
	map = malloc(size - 1);
	memcpy(map, data + 1, size - 1);
	n = map_ram(map, size - 1, data[0], ram);
	free(map);
	n = map_shorten(ram, n, MAP_RANGES - 3);
	for (unsigned i = 0; i < n; i++)
		if (ram[i].start >= ram[i].end || (ram[i].start | ram[i].end) % EFI_PAGE ||
		    (i > 0 && ram[i - 1].end >= ram[i].start) ||
		    !map_covers(ram, n, ram[i].start, ram[i].end))
			abort();
	return 0;
}
