/* SPDX-License-Identifier: MIT */
/* What firmware says in SMBIOS (DSP0134 3.4): the machine's name, and settings in OEM strings,
 * structure type 11: words after "zeitkern:", as
 *
 *	qemu-system-x86_64 -smbios type=11,value="zeitkern:ip=10.0.0.7/24 gw=10.0.0.1" ...
 *
 * They stay where firmware has them: no place for a secret. Nothing of it is trusted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMBIOS_ENTRY 32u               /* bytes of an entry point that are looked at */
#define SMBIOS_TABLE_MAX 65536u

/* The structures that are still to come of a table. */
struct smbios {
	const char *p, *end;
	unsigned left;
};

struct smbios_item {
	uint8_t type, len;             /* of `at`, without the strings */
	const char *at, *strings, *end;
};

/* Where the table of the entry point at `entry` lies, in one piece of at most SMBIOS_TABLE_MAX
 * bytes (§5.2); false: there is no entry point, or it says nonsense. */
bool smbios_table(const char *entry, uint64_t *table, uint32_t *len);

/* Begins with the first structure of `table`. */
void smbios_walk(struct smbios *s, const void *table, size_t len);

/* The next structure; false at the end, or where the table does not go on as it should. */
bool smbios_next(struct smbios *s, struct smbios_item *item);

/* String `n` of a structure, from 1 on (§6.1.3), or "". */
const char *smbios_string(const struct smbios_item *item, unsigned n);
