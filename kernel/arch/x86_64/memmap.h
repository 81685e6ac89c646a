/* SPDX-License-Identifier: MIT */
/* From the memory map of struct hvm_start_info (pvh.h) to RAM. Pure, and trusts nothing in it. */
#pragma once

#include <stdint.h>

#include "kernel/arch/x86_64/pvh.h"
#include "kernel/regions.h"

/* Puts what an entry of the map calls RAM, and none calls something else, into the empty list
 * `ram`; returns how many bytes are called both. */
uint64_t memmap_ram(const struct memmap *map, unsigned count, struct regions *ram);

/* True when an entry calls a byte of [start, end) RAM. */
bool memmap_touches(const struct memmap *map, unsigned count, uint64_t start, uint64_t end);
