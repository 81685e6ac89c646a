/* SPDX-License-Identifier: MIT */
/* From UEFI's stub to the kernel: what lies beside the words that every loader's device tree
 * has. */
#pragma once

#include <stdint.h>

#include "kernel/fdt.h"

struct handoff {
	uint64_t tree, rsdp;           /* the firmware's device tree and ACPI root pointer, or 0 */
};
extern struct handoff handoff;

/* Fills it, machine.settings and the loader's clock from /chosen of a tree that the stub made;
 * does nothing with another. After memory_read_tree(). */
void handoff_read(const struct fdt *fdt);

/* acpi.c: adds what the tables tell. Before boot_map_all(), so that they are mapped as the memory
 * that they lie in. */
struct acpi_found {
	uint32_t timer;                /* the virtual timer's interrupt, or 0 */
	uint64_t msi_frame;            /* of a GICv2m, or 0 */
};
void acpi_discover(uint64_t rsdp, struct acpi_found *found);
