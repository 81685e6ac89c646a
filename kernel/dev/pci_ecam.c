/* SPDX-License-Identifier: MIT */
/* PCI configuration space in memory (PCI Express 2.0 §7.2.2). */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"

#define BUS_SIZE (1u << 20)
#define FUNCTION_SIZE 4096u

static uint32_t ecam_read(const struct device *fn, unsigned offset)
{
	return *(volatile uint32_t *)(uintptr_t)(fn->base + offset);
}

static void ecam_write(const struct device *fn, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)(fn->base + offset) = value;
}

static void ecam_locate(const struct device *host, unsigned bdf, struct device *fn)
{
	static uint64_t mapped_from;
	static char *mapped;
	uint64_t bus = host->base + (uint64_t)(bdf >> 8) * BUS_SIZE;

	if (!mapped || mapped_from != bus) {
		mapped = arch_boot_map(bus, BUS_SIZE);
		mapped_from = bus;
	}
	fn->base = (uintptr_t)mapped + (bdf & 0xff) * FUNCTION_SIZE;
	fn->size = FUNCTION_SIZE;
}

static const struct pci_access ecam = { ecam_read, ecam_write, ecam_locate };

static int ecam_open(const struct device *host)
{
	unsigned buses = (unsigned)MIN(host->size / BUS_SIZE, 256u);

	if (buses == 0 || !arch_boot_map(host->base, (size_t)buses * BUS_SIZE))
		return -EINVAL;
	pci_scan(host, &ecam, buses);
	return 0;
}

const struct bus pci_ecam = { .kind = DEV_PCI_ECAM, .open = ecam_open };
