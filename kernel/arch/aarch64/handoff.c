/* SPDX-License-Identifier: MIT */
/* What UEFI's stub says in the tree that it makes (linker/efi/aarch64/hand.c): 64-bit numbers in
 * properties of /chosen. A tree of another loader has none of them. */
#include "kernel/arch/aarch64/handoff.h"

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/dev/smbios.h"

#define SETTINGS_MAX 65536u

struct handoff handoff SEALED;

/* Number i of a property, or 0. */
static uint64_t number(const struct fdt_node *n, const char *name, unsigned i)
{
	uint32_t len;
	const uint8_t *p = fdt_get(n, name, &len);

	return p && len >= 8 * (i + 1) ? fdt_number(p + 8 * i, 2) : 0;
}

static void read_smbios(uint64_t entry)
{
	struct device dev = { .kind = DEV_SMBIOS };
	uint32_t len;

	if (!entry || entry >= (uint64_t)IMAGE_VA - SMBIOS_ENTRY)
		return;
	boot_map_memory(entry, SMBIOS_ENTRY);
	if (!smbios_table((const char *)(uintptr_t)entry, &dev.base, &len) ||
	    dev.base >= (uint64_t)IMAGE_VA - len)
		return;
	dev.size = len;
	boot_map_memory(dev.base, len);
	machine_add(&dev);
}

static void read_chosen(const struct fdt_node *n)
{
	struct region settings = { number(n, "zeitkern,settings", 0),
				   number(n, "zeitkern,settings", 1) };
	struct device clock = { .kind = DEV_RTC_LOADER,
				.base = number(n, "zeitkern,clock", 0),
				.base2 = number(n, "zeitkern,clock", 1) };

	handoff.tree = number(n, "zeitkern,tree", 0);
	handoff.rsdp = number(n, "zeitkern,rsdp", 0);
	if (machine.seed_len)
		machine.seed_name = "the firmware's";
	read_smbios(number(n, "zeitkern,smbios", 0));
	if (clock.base)
		machine_add(&clock);
	if (settings.size && settings.size <= SETTINGS_MAX && settings.base < IMAGE_VA) {
		boot_map_memory(settings.base, settings.size);
		machine.settings = settings;
		machine.settings_copied = true;
		machine.settings_text = "zeitkern.conf";
	}
}

void handoff_read(const struct fdt *fdt)
{
	struct fdt_node n;
	uint32_t len;

	fdt_walk(&n, fdt);
	while (fdt_next(&n))
		if (fdt_at(&n, "/chosen", 7) && fdt_get(&n, "zeitkern,tree", &len))
			read_chosen(&n);
}
