/* SPDX-License-Identifier: MIT */
/* What ACPI says of an Arm machine (ACPI 6.4; Arm BBR): the GIC, the timer's interrupt, PSCI, PCI,
 * the console. Devices without a table of their own are found in the DSDT as far as kernel/aml.h
 * finds them. */
#include "kernel/acpi.h"

#include <errno.h>

#include "kernel/arch/aarch64/handoff.h"
#include "kernel/arch/vmsa/vmsa.h"

/* MADT (§5.2.12.14 to .17): entries' types, and offsets in them. */
#define MADT_FIRST 44u
enum { GICC = 0xb, GICD = 0xc, GIC_MSI = 0xd, GICR = 0xe };
enum {
	GICC_BASE = 32, GICC_GICR = 60, GICD_BASE = 8, GICD_VERSION = 20, MSI_BASE = 8,
	GICR_BASE = 4, GICR_BYTES = 12,
};
#define GIC_V3 3u
#define GICR_FRAMES 0x20000u               /* of one CPU */

enum { GTDT_VIRTUAL_TIMER = 64 };
enum { ARM_PSCI = 1, ARM_PSCI_HVC = 2 };   /* FADT, §5.2.9.4 */

bool acpi_reach(uint64_t pa, uint64_t len)
{
	if (pa >= IMAGE_VA || len > IMAGE_VA - pa)
		return false;
	boot_map_memory(pa, len);
	return true;
}

static void gicr(struct device *gic, uint64_t base, uint64_t bytes)
{
	if (base == 0 || gic->size2)
		return;
	gic->base2 = base;
	gic->size2 = bytes;
}

/* A GICv2 has no redistributor; what a GICv3 says of a CPU interface is for older software. */
static void madt(struct acpi_table t, struct acpi_found *found)
{
	struct device gic = { .kind = DEV_GICV2 }, redistributors = { .kind = DEV_NONE };
	struct acpi_table e;

	for (uint32_t at = MADT_FIRST; acpi_entry(t, &at, &e);) {
		switch (e.at[0]) {
		case GICC:
			if (!gic.base2)
				gic.base2 = acpi_get(e, GICC_BASE, 8);
			gicr(&redistributors, acpi_get(e, GICC_GICR, 8), GICR_FRAMES);
			break;
		case GICD:
			gic.base = acpi_get(e, GICD_BASE, 8);
			if (acpi_get(e, GICD_VERSION, 1) >= GIC_V3)
				gic.kind = DEV_GICV3;
			break;
		case GICR:
			gicr(&redistributors, acpi_get(e, GICR_BASE, 8),
			     acpi_get(e, GICR_BYTES, 4));
			break;
		case GIC_MSI:
			found->msi_frame = acpi_get(e, MSI_BASE, 8);
			break;
		}
	}
	if (gic.kind == DEV_GICV3) {
		gic.base2 = redistributors.base2;
		gic.size2 = redistributors.size2;
	}
	if (found->msi_frame >= IMAGE_VA)
		found->msi_frame = 0;
	if (gic.base && gic.base2 && MAX(gic.base, gic.base2 + gic.size2) < IMAGE_VA)
		machine_add(&gic);
}

static void fadt(struct acpi_table t)
{
	uint64_t flags = acpi_get(t, FADT_ARM_FLAGS, 2);
	struct device psci = { .kind = DEV_PSCI, .arg = (flags & ARM_PSCI_HVC) != 0 };
	struct device cfg = { .kind = DEV_FW_CFG_MMIO };
	struct aml dsdt = acpi_dsdt(t);

	if (flags & ARM_PSCI) {
		warden.psci = psci.arg + 1;
		machine_add(&psci);
	}
	if (!dsdt.code)
		return;
	acpi_reduced(dsdt);
	if (aml_device(dsdt, "QEMU0002", &cfg) == 0)
		machine_add(&cfg);
}

/* Firmware has placed every BAR: there is no window for more. */
static void mcfg(struct acpi_table t)
{
	struct device dev = { .kind = DEV_PCI_ECAM };
	int err = 0;

	for (unsigned i = 0; (err = acpi_mcfg(t, i, &dev)) != -ENOENT; i++)
		if (err == 0)
			machine_add(&dev);
}

static void spcr(struct acpi_table t)
{
	struct device dev = { .size = 0x1000 };

	if (acpi_spcr(t, &dev) == 0 && dev.base > 0xffff && dev.base < IMAGE_VA)
		machine_add(&dev);
}

/* Of what there is only one of, the first counts. */
void acpi_discover(uint64_t rsdp, struct acpi_found *found)
{
	bool had_fadt = false;
	struct acpi_table t;
	struct acpi acpi;

	if (!acpi_open(&acpi, rsdp))
		return;
	while (acpi_next(&acpi, &t)) {
		if (acpi_is(t, "SPCR") && !machine_find(DEV_UART_PL011, NULL) &&
		    !machine_find(DEV_UART_16550, NULL)) {
			spcr(t);
		} else if (acpi_is(t, "APIC") && !machine_find(DEV_GICV2, NULL) &&
			   !machine_find(DEV_GICV3, NULL)) {
			madt(t, found);
		} else if (acpi_is(t, "MCFG") && !machine_find(DEV_PCI_ECAM, NULL)) {
			mcfg(t);
		} else if (acpi_is(t, "GTDT")) {
			found->timer = (uint32_t)acpi_get(t, GTDT_VIRTUAL_TIMER, 4);
		} else if (acpi_is(t, "FACP") && !had_fadt) {
			had_fadt = true;
			fadt(t);
		}
	}
}
