/* SPDX-License-Identifier: MIT */
/* The little that is needed of ACPI's byte code, without interpreting it: a table's code is
 * searched for names and what stands behind them. Nothing in it is trusted. */
#pragma once

#include <stdint.h>

#include "kernel/machine.h"

/* Addresses from here on are passed over. */
#define AML_ADDRESS_END 0x400000000000ull

struct aml {
	const uint8_t *code;
	uint32_t len;
};

/* _S5's sleep type, or -ENOENT. */
int aml_s5(struct aml aml);
/* Adds the virtio-mmio devices (LNRO0005). */
void aml_virtio(struct aml aml);
/* The first device whose _HID is `hid`, of eight letters: memory and interrupt: 0, or -ENOENT. */
int aml_device(struct aml aml, const char *hid, struct device *dev);
/* The generic event device: 0, or -ENOENT. */
int aml_ged(struct aml aml, uint64_t *select, uint32_t *gsi);
/* A PCI host bridge that names its own configuration space, bus 0 of it, and
 * the window for BARs: 0, or -ENOENT. */
int aml_pci(struct aml aml, struct device *dev);

/* Where the generation ID of a virtual machine lies, 16 bytes: 0; -ENOENT: there is none;
 * -ENOTSUP: it is said in a way that is not understood. */
int aml_vmgenid(struct aml aml, uint64_t *address);
