/* SPDX-License-Identifier: MIT */
/* A PCI host whose functions are bytes, for kernel/dev/pci.c: some of their bits can be written,
 * and what a BAR names is memory of just the length that is mapped. A write of an address to a BAR
 * that is no place in the host's window is fatal, and so are more accesses than any sound scan
 * needs. Defines the kernel's functions that pci.c and virtio_pci.c call. */
#pragma once

#include <stdint.h>

#include "kernel/dev/pci.h"

#define FAKE_FUNCTIONS 8u
#define FAKE_BYTES 256u
#define FAKE_WINDOW 0x80000000u        /* of the host */
#define FAKE_WINDOW_SIZE 0x40000000u
#define FAKE_ACCESSES 4000000u

struct fake_function {
	uint32_t bdf;
	uint32_t space[FAKE_BYTES / 4], writable[FAKE_BYTES / 4];
};

extern struct fake_function fake_pci[FAKE_FUNCTIONS];
extern unsigned fake_pci_count;

/* Forgets all functions and the machine's devices, and frees what was mapped. */
void fake_pci_reset(void);

/* pci_scan() of the host. */
void fake_pci_scan(void);
