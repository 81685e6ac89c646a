/* SPDX-License-Identifier: MIT */
/* CONTRACT PCI -> driver: the functions found at boot, as struct device of kind
 * DEV_PCI_FUNCTION:
 *   arg         vendor << 16 | device
 *   irq         bus << 8 | device << 3 | function; interrupts are MSI-X only
 *   base, size  its configuration: mapped address and 4096 (ECAM), or the
 *               word for port 0xcf8 and 256
 *   base2/size2 the window for BARs that no firmware placed
 * All of it boot only: after arch_seal() no configuration space is reachable. */
#pragma once

#include <stdint.h>

#include "kernel/machine.h"

/* How configuration space is reached; `offset` is a multiple of 4. */
struct pci_access {
	uint32_t (*read)(const struct device *fn, unsigned offset);
	void (*write)(const struct device *fn, unsigned offset, uint32_t value);
	/* The function at `bdf` below `host`: fills base and size. */
	void (*locate)(const struct device *host, unsigned bdf, struct device *fn);
};

/* For the host bridge drivers, pci_ecam.c and pci_ports.c: adds every function
 * on `buses` buses to `machine`, bridges' secondary buses as far as firmware
 * numbered them. */
void pci_scan(const struct device *host, const struct pci_access *access, unsigned buses);

uint32_t pci_read(const struct device *fn, unsigned offset);
void pci_write(const struct device *fn, unsigned offset, uint32_t value);
uint8_t pci_read8(const struct device *fn, unsigned offset);

/* Offset of the next capability `id` after `prev` (0: the first), or 0. */
unsigned pci_cap(const struct device *fn, uint8_t id, unsigned prev);

/* Places memory BARs that firmware left out, then turns on memory decoding and
 * bus mastering. 0, or -ENOSPC: no room, logged. */
int pci_enable(const struct device *fn);

/* Maps `len` bytes at `offset` of memory BAR `bar`, or NULL. */
volatile void *pci_map(const struct device *fn, unsigned bar, uint64_t offset, uint64_t len);

/* Makes MSI-X vector 0 end arch_idle(). 0, -ENOTSUP: the function or the
 * machine has no MSI-X. */
int pci_msix(const struct device *fn);
