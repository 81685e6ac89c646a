/* SPDX-License-Identifier: MIT */
/* PCI configuration space through the ports 0xcf8 and 0xcfc, configuration
 * mechanism #1 (PCI Local Bus 3.0 §3.2.2.3.2). x86 only; left alone where the
 * machine has ECAM. */
#include <errno.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define ENABLE (1u << 31)

static uint32_t ports_read(const struct device *fn, unsigned offset)
{
	if (offset >= fn->size)
		return UINT32_MAX;
	out32(CONFIG_ADDRESS, (uint32_t)fn->base | offset);
	return in32(CONFIG_DATA);
}

static void ports_write(const struct device *fn, unsigned offset, uint32_t value)
{
	if (offset >= fn->size)
		return;
	out32(CONFIG_ADDRESS, (uint32_t)fn->base | offset);
	out32(CONFIG_DATA, value);
}

static void ports_locate(const struct device *host, unsigned bdf, struct device *fn)
{
	fn->base = ENABLE | bdf << 8;
	fn->size = 256;
}

static const struct pci_access ports = { ports_read, ports_write, ports_locate };

static int ports_open(const struct device *host)
{
	if (machine_find(DEV_PCI_ECAM, NULL))
		return -ENODEV;
	pci_scan(host, &ports, 256);
	return 0;
}

const struct bus pci_ports = { .kind = DEV_PCI_PORTS, .open = ports_open };
