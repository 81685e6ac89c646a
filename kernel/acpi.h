/* SPDX-License-Identifier: MIT */
/* ACPI tables (ACPI 6.4 §5.2), as far as every architecture reads them. Nothing in them is
 * trusted: a table is bounded and has the right signature, else it is passed over, and what lies
 * behind its end reads as 0. Boot only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/aml.h"
#include "kernel/machine.h"

#define ACPI_RSDP 36u          /* bytes of the root pointer */

/* The architecture's: makes [pa, pa + len) readable at that address; false where it cannot. */
bool acpi_reach(uint64_t pa, uint64_t len);

struct acpi_table {
	const uint8_t *at;         /* NULL: none */
	uint32_t len;
};

/* The root table, XSDT or RSDT, in turn. */
struct acpi {
	struct acpi_table root;
	uint32_t next, width;
};

/* True when the bytes at `p`, ACPI_RSDP of them, are a root pointer. */
bool acpi_is_rsdp(const uint8_t *p);

/* Opens the root table that the pointer at `rsdp` names: false when there is none. */
bool acpi_open(struct acpi *acpi, uint64_t rsdp);
/* The next table, false at the end, or after more of them than any machine has. */
bool acpi_next(struct acpi *acpi, struct acpi_table *t);

bool acpi_is(struct acpi_table t, const char *signature);
/* The number in `bytes` bytes at `offset`. */
uint64_t acpi_get(struct acpi_table t, uint32_t offset, unsigned bytes);

/* Entries of a table with a type and a length each (§5.2.12): the one at or after *at, which is
 * then behind it. False at the end, or at one that is shorter than 2 or does not fit. */
bool acpi_entry(struct acpi_table t, uint32_t *at, struct acpi_table *entry);

/* FADT (§5.2.9) by offset, and bits of its flags. */
enum {
	FADT_DSDT = 40, FADT_SCI = 46, FADT_SMI_CMD = 48, FADT_ACPI_ENABLE = 52,
	FADT_PM1A_EVT = 56, FADT_PM1A_CNT = 64, FADT_PM_TMR = 76, FADT_FLAGS = 112,
	FADT_RESET_REG = 116, FADT_RESET_VALUE = 128, FADT_ARM_FLAGS = 129, FADT_X_DSDT = 140,
	FADT_SLEEP_CONTROL = 244,
};
enum { FADT_FLAG_RESET_REG = 1 << 10, FADT_FLAG_REDUCED = 1 << 20 };

/* The code of the DSDT that the FADT names, or of another table with code; empty when none. */
struct aml acpi_dsdt(struct acpi_table fadt);
struct aml acpi_code(struct acpi_table t);

/* Hardware-reduced ACPI (§4.1): adds the power button of the generic event device and the
 * virtio-mmio devices. */
void acpi_reduced(struct aml dsdt);

/* MCFG (PCI Firmware 3.2 §4.1.2): entry `i` of it when that is the first segment from bus 0:
 * fills base and size and returns 0; -EINVAL: it is not; -ENOENT: there is no such entry. */
int acpi_mcfg(struct acpi_table t, unsigned i, struct device *dev);

/* SPCR (Microsoft, "Serial Port Console Redirection Table"): the console's kind, a 16550 or a
 * PL011, base and arg: 0, or -ENOENT. */
int acpi_spcr(struct acpi_table t, struct device *dev);
