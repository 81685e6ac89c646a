/* SPDX-License-Identifier: MIT */
/* CONTRACT loader -> kernel on x86_64: PVH's struct hvm_start_info, version 1 (Xen public header
 * arch-x86/hvm/start_info.h). For discover.c and for the loaders that are built with the image,
 * linker/boot (32 bits) and linker/efi: nothing but fixed-width numbers. */
#pragma once

#include <stdint.h>

#define START_MAGIC 0x336ec578u
#define MEMMAP_RAM 1u

struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t modules_at, cmdline_at, rsdp_at;
	uint64_t memmap_at;
	uint32_t memmap_count, reserved;
};

/* The kernel knows a module of those loaders by the string at name_at. */
struct module {
	uint64_t at, size, name_at, reserved;
};

struct memmap {
	uint64_t at, size;
	uint32_t type, reserved;
};
