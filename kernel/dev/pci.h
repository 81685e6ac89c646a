/* SPDX-License-Identifier: MIT */
/* CONTRACT PCI -> driver: the functions found at boot, as struct device of kind
 * DEV_PCI_FUNCTION:
 *   arg         vendor << 16 | device
 *   irq         bus << 8 | device << 3 | function
 *   base, size  its configuration: mapped address and 4096 (ECAM), or the
 *               word for port 0xcf8 and 256
 *   base2/size2 the window for BARs that no firmware placed
 * All of it boot only: after arch_seal() no configuration space is reachable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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
 * on `buses` buses to `machine`, those behind bridges too: where firmware numbered
 * none they are numbered here, if the host has a window. What firmware left running
 * can neither write to memory nor raise its pin from then on. */
void pci_scan(const struct device *host, const struct pci_access *access, unsigned buses);

uint32_t pci_read(const struct device *fn, unsigned offset);
void pci_write(const struct device *fn, unsigned offset, uint32_t value);
uint8_t pci_read8(const struct device *fn, unsigned offset);

/* "pci 00:02.0". */
void pci_name(const struct device *fn, char *buf, size_t len);

/* Offset of the next capability `id` after `prev` (0: the first), or 0. */
unsigned pci_cap(const struct device *fn, uint8_t id, unsigned prev);

/* Places memory BARs that firmware left out, then turns on memory decoding. 0, or -ENOSPC: no
 * room, logged. */
int pci_enable(const struct device *fn);

/* Lets it reach memory and send messages: after its reset, or it goes on with what it did. */
void pci_master(const struct device *fn);

/* Neither reaches memory nor is reached there any more: what pci_enable() and pci_master() did. */
void pci_disable(const struct device *fn);

/* Turns on decoding of its I/O ports, where firmware placed them. */
void pci_enable_ports(const struct device *fn);

/* Maps `len` bytes at `offset` of memory BAR `bar`, or NULL. */
volatile void *pci_map(const struct device *fn, unsigned bar, uint64_t offset, uint64_t len);

/* The page of registers at `offset` of memory BAR `bar`, to be read by the payload after the
 * seal, too; or NULL. What reading them can do, the driver answers for. */
const volatile void *pci_show(const struct device *fn, unsigned bar, uint64_t offset);

/* Makes the function's interrupt end arch_idle(): MSI-X vector 0 where there is
 * one, else MSI, else its pin, of those that pci.irq= allows. PCI_POLLED where none
 * can be routed, logged: it must be looked at by time.
 * `status`: the register whose reading takes the pin's level away; of a device with
 * `acks` that is done for MSI, too, and MSI-X is passed over. */
enum pci_irq { PCI_MSIX, PCI_MSI, PCI_INTX, PCI_POLLED };
enum pci_irq pci_interrupt(const struct device *fn, volatile void *status, bool acks);
