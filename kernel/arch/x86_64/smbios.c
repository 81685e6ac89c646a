/* SPDX-License-Identifier: MIT */
/* Where SMBIOS lies on a PC (DSP0134 3.4 §5.2.1), and the machine's name from it: manufacturer and
 * product of structure type 1 (§7.2). */
#include "kernel/dev/smbios.h"

#include <stdio.h>

#include "kernel/arch/x86_64/x86.h"

#define AREA_START 0xf0000u
#define AREA_END 0x100000u
#define SYSTEM 1
#define SYSTEM_LEN 8u

static char name[80] SEALED;

static void discover(uint64_t from, uint64_t to)
{
	struct device dev = { .kind = DEV_SMBIOS };
	uint32_t len;

	for (uint64_t at = from; at < to; at += 16) {
		if (!smbios_table((const char *)at, &dev.base, &len))
			continue;
		if (dev.base >= PHYSICAL_END - len)
			return;
		dev.size = len;
		mmu_boot_map(dev.base, len);
		machine_add(&dev);
		return;
	}
}

const char *smbios_name(uint64_t entry)
{
	const struct device *dev;
	struct smbios_item item;
	struct smbios s;

	if (entry && entry < PHYSICAL_END) {
		mmu_boot_map(entry, SMBIOS_ENTRY);
		discover(entry, entry + 1);
	} else {
		discover(AREA_START, AREA_END - SMBIOS_ENTRY);
	}
	dev = machine_find(DEV_SMBIOS, NULL);
	if (!dev)
		return NULL;
	smbios_walk(&s, (const void *)(uintptr_t)dev->base, dev->size);
	while (smbios_next(&s, &item)) {
		if (item.type != SYSTEM || item.len < SYSTEM_LEN)
			continue;
		snprintf(name, sizeof(name), "%s %s", smbios_string(&item, (uint8_t)item.at[4]),
			 smbios_string(&item, (uint8_t)item.at[5]));
		return name;
	}
	return NULL;
}
