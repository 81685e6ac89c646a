/* SPDX-License-Identifier: MIT */
/* The machine's name from SMBIOS (DSP0134 3.4 §5.2, §7.2): manufacturer and
 * product of structure type 1. */
#include <stdio.h>
#include <string.h>

#include "kernel/arch/x86_64/x86.h"

#define AREA_START 0xf0000u
#define AREA_END 0x100000u
#define ANCHOR_21 0x5f4d535fu              /* "_SM_" */
#define ANCHOR_30 0x334d535fu              /* "_SM3" */
#define ENTRY_BYTES 32u
#define TABLE_MAX 65536u
#define STRUCTURES_MAX 256

static char name[80] SEALED;

/* The table of structures, from a 2.1 or a 3.0 entry point in [from, to). */
static const char *find_table(uint64_t from, uint64_t to, const char **end)
{
	for (uint64_t at = from; at < to; at += 16) {
		const char *p = (const char *)at;
		uint64_t table = 0;
		uint32_t len = 0, anchor;

		memcpy(&anchor, p, 4);
		if (anchor == ANCHOR_21) {
			memcpy(&len, p + 0x16, 2);
			memcpy(&table, p + 0x18, 4);
		} else if (anchor == ANCHOR_30) {
			memcpy(&len, p + 0x0c, 4);
			memcpy(&table, p + 0x10, 8);
		} else {
			continue;
		}
		if (table == 0 || table >= PHYSICAL_END)
			return NULL;
		len = MIN(len, TABLE_MAX);
		mmu_boot_map(table, len);
		*end = (const char *)table + len;
		return (const char *)table;
	}
	return NULL;
}

/* String `n` of those from `s` on, or "". */
static const char *string(const char *s, const char *end, unsigned n)
{
	if (n == 0)
		return "";
	while (--n > 0 && s < end && *s)
		s += strnlen(s, (size_t)(end - s)) + 1;
	return s < end && memchr(s, 0, (size_t)(end - s)) ? s : "";
}

const char *smbios_name(uint64_t entry)
{
	const char *end, *p;

	if (entry && entry < PHYSICAL_END) {
		mmu_boot_map(entry, ENTRY_BYTES);
		p = find_table(entry, entry + 1, &end);
	} else {
		p = find_table(AREA_START, AREA_END, &end);
	}

	for (unsigned i = 0; p && i < STRUCTURES_MAX && end - p >= 8; i++) {
		const char *strings = p + (uint8_t)p[1];

		if (p[1] < 4 || strings >= end)
			return NULL;
		if (p[0] == 1) {
			snprintf(name, sizeof(name), "%s %s", string(strings, end, (uint8_t)p[4]),
				 string(strings, end, (uint8_t)p[5]));
			return name;
		}
		while (strings + 1 < end && (strings[0] || strings[1]))
			strings++;
		p = strings + 2;
	}
	return NULL;
}
