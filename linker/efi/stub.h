/* SPDX-License-Identifier: MIT */
/* The UEFI stub: the part of zeitkern.efi that firmware starts, and that starts the kernel.
 *
 * stub.c asks the firmware for what the kernel wants to know, the architecture's hand.c says it
 * in the words of the boot protocol that the kernel has anyway: PVH on x86_64, the Image header
 * with a device tree on aarch64. All of it runs with boot services until hand_over(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linker/efi/efi.h"
#include "linker/efi/map.h"

/* All of it is one link: nothing goes through a table of addresses, which firmware would have to
 * relocate. */
#pragma GCC visibility push(hidden)

#define STUB_CMDLINE 2048u     /* bytes, with the NUL */
#define STUB_SETTINGS 16384u
#define STUB_SEED 64u
#define STUB_VENDOR 64u
#define STUB_TAKEN 8u
#define STUB_RANGES 15u        /* the kernel keeps 16, and its image may split one */

/* Lies in pages that are no RAM for the kernel, which reads it where it is, and wipes what may
 * be secret. */
struct handoff {
	char cmdline[STUB_CMDLINE];
	char settings[STUB_SETTINGS];
	uint8_t seed[STUB_SEED];
	char vendor[STUB_VENDOR];  /* "UEFI (EDK II)" */
	uint32_t settings_len, seed_len;
	uint64_t rsdp, smbios, tree;   /* physical addresses, or 0 */
	uint64_t unix_ns, ticks;   /* the time when the CPU's counter was at ticks; or 0 */
	struct range ram[MAP_RANGES];  /* by the map that was read last */
	unsigned ram_count;
};

struct stub {
	struct efi_system *system;
	struct efi_boot *boot;
	efi_handle image;
	struct efi_image *loaded;
	struct handoff *handoff;
	void *map;                 /* room for the memory map */
	size_t map_room, map_bytes, map_key, map_step;
	struct { uint64_t at; size_t pages; } taken[STUB_TAKEN];   /* goes back when we do */
	unsigned taken_count;
};

/* The kernel's file, which linker/efi/head.S holds. */
extern const uint8_t kernel_file[], kernel_file_end[];

/* The architecture's: the highest address + 1 that the kernel reads at boot. */
extern const uint64_t hand_limit;
/* The architecture's: takes what memory it needs for the kernel; or says what is wrong: false. */
bool hand_prepare(struct stub *s);
/* The architecture's: false when the kernel's place is not RAM in handoff->ram, which it says. */
bool hand_fits(struct stub *s);
/* The architecture's: once boot services have ended. */
_Noreturn void hand_over(struct stub *s);
/* The architecture's: the CPU's counter. */
uint64_t hand_ticks(void);

/* text.c: on the firmware's console; "zeitkern: WHAT" and a new line. */
void say(struct stub *s, const char *what);
/* The same; always false. */
bool fail(struct stub *s, const char *what);
/* Copies UCS-2 up to a NUL or `units`; what is not ASCII becomes a question mark. Returns false
 * when there was such, or when `room`, with the NUL, was too little. */
bool text_ascii(char *to, size_t room, const uint16_t *from, size_t units);

/* `pages` of memory below `limit` for the kernel to find things in: 0 when there are none. Those
 * for `type` EFI_ACPI_RECLAIM are kept out of its RAM. */
uint64_t stub_pages(struct stub *s, uint32_t type, size_t pages, uint64_t limit);
/* Takes just these, where nobody else has them. */
void stub_pages_at(struct stub *s, size_t pages, uint64_t at);

/* mem.c */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#pragma GCC visibility pop
