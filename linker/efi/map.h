/* SPDX-License-Identifier: MIT */
/* From the firmware's memory map to the RAM that a kernel may use once boot services have ended
 * (UEFI 2.10 §7.2, table 7.10). Pure: it touches nothing but its arguments, and trusts nothing
 * in the map: descriptors may overlap, wrap, be unsorted, or more than there is room for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_RANGES 128u        /* that are kept while a map is read */

struct range {
	uint64_t start, end;       /* bytes; whole pages */
};

/* True when descriptors may be `step` bytes apart: 40 to 4096, in eights. */
bool map_step_is_good(size_t step);

/* Writes the RAM in `map`, of descriptors `step` bytes apart, to `ram`, sorted and merged, and
 * returns how many ranges; what any descriptor calls something else is not among it. Of more than
 * MAP_RANGES the smallest are left out. A bad `step`: 0. */
unsigned map_ram(const void *map, size_t bytes, size_t step, struct range ram[MAP_RANGES]);

/* Leaves out the smallest ranges until `most` are left; returns how many there are. */
unsigned map_shorten(struct range *ram, unsigned n, unsigned most);

/* True when one range has all of [start, end). */
bool map_covers(const struct range *ram, unsigned n, uint64_t start, uint64_t end);
