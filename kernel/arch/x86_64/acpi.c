/* SPDX-License-Identifier: MIT */
/* What ACPI says of a PC (ACPI 6.4): interrupt controllers, PCI's window, power management
 * registers, the console. */
#include "kernel/acpi.h"

#include <errno.h>
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define RSDP_ANCHOR 0x20445352u            /* "RSD " */
#define BIOS_START 0xe0000u
#define BIOS_END 0x100000u

#define MADT_FIRST 44u
enum { MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5 };
#define PORT_MAX 0xfffcu                   /* of a block of four bytes */
enum { GAS_MEMORY = 0, GAS_PORT = 1 };
enum { SCI_ENABLED = 1, SLEEP_ENABLE_PM1 = 1 << 13, SLEEP_ENABLE = 1 << 5 };

bool acpi_reach(uint64_t pa, uint64_t len)
{
	if (pa >= PHYSICAL_END || len > PHYSICAL_END - pa)
		return false;
	mmu_boot_map(pa, len);
	return true;
}

/* §5.2.5.1: on a 16-byte boundary of the BIOS area. */
static uint64_t find_rsdp(void)
{
	uint32_t anchor;

	for (uint64_t at = BIOS_START; at < BIOS_END; at += 16) {
		memcpy(&anchor, (const void *)at, 4);
		if (anchor == RSDP_ANCHOR && acpi_is_rsdp((const uint8_t *)at))
			return at;
	}
	return 0;
}

/* MADT, §5.2.12. */
static uint64_t madt(struct acpi_table t)
{
	uint64_t lapic = acpi_get(t, 36, 4);
	struct acpi_table e;

	for (uint32_t at = MADT_FIRST; acpi_entry(t, &at, &e);) {
		struct device dev = { .kind = DEV_IOAPIC };

		if (e.at[0] == MADT_IOAPIC && e.len >= 12) {
			dev.base = acpi_get(e, 4, 4);
			dev.irq = (uint32_t)acpi_get(e, 8, 4);
			machine_add(&dev);
		} else if (e.at[0] == MADT_OVERRIDE && e.len >= 10) {
			irq_override(e.at[3], (uint32_t)acpi_get(e, 4, 4),
				     (unsigned)acpi_get(e, 8, 2));
		} else if (e.at[0] == MADT_LAPIC_ADDRESS && e.len >= 12) {
			lapic = acpi_get(e, 4, 8);
		}
	}
	return lapic < PHYSICAL_END ? lapic : 0;
}

static void mcfg(struct acpi_table t)
{
	struct device dev = { .kind = DEV_PCI_ECAM };
	int err = 0;

	for (unsigned i = 0; (err = acpi_mcfg(t, i, &dev)) != -ENOENT; i++) {
		if (err < 0)
			continue;
		dev.base2 = pci_window();
		if (dev.base >= dev.base2 && dev.base < PCI_WINDOW_END)
			dev.base2 = dev.base + dev.size;
		dev.size2 = PCI_WINDOW_END - MIN(dev.base2, PCI_WINDOW_END);
		machine_add(&dev);
	}
}

/* The console goes before COM1, which is the first device of all. Registers in memory are mapped
 * for the payload by whole pages, so that they must not lie in RAM. */
static void spcr(struct acpi_table t)
{
	struct device dev = { .size = 8 }, com1 = machine.dev[0];
	uint64_t page;

	if (acpi_spcr(t, &dev) < 0 || dev.kind != DEV_UART_16550 ||
	    com1.kind != DEV_UART_16550 || dev.base == com1.base)
		return;
	page = dev.base & ~(uint64_t)(PAGE_SIZE - 1);
	if (dev.base > 0xffff && ram_touches(page, page + PAGE_SIZE))
		return;
	machine.dev[0] = dev;
	machine_add(&com1);
}

static void add_step(struct warden_step *list, uint32_t kind, uint64_t address, uint32_t value)
{
	unsigned n = 0;

	while (list[n].kind != STEP_END)
		n++;
	if (n < WARDEN_STEPS - 1)
		list[n] = (struct warden_step){ kind, value, address };
}

/* A one-byte register given as generic address structure (§5.2.3.2) at `offset`. */
static void add_gas(struct warden_step *list, struct acpi_table t, uint32_t offset, uint32_t value)
{
	uint64_t space = acpi_get(t, offset, 1), address = acpi_get(t, offset + 4, 8);

	if (address == 0)
		return;
	if (space == GAS_PORT && address <= 0xffff)
		add_step(list, STEP_PORT8, address, value);
	else if (space == GAS_MEMORY && address < PHYSICAL_END)
		add_step(list, STEP_MEMORY8, WARDEN_WINDOW + address, value);
}

/* §5.6.9, §4.8.3.7: hardware-reduced ACPI, QEMU's microvm. */
static void reduced(struct acpi_table t, struct aml dsdt)
{
	int type = aml_s5(dsdt);

	acpi_reduced(dsdt);
	if (type >= 0)
		add_gas(warden_off, t, FADT_SLEEP_CONTROL, (uint32_t)type << 2 | SLEEP_ENABLE);
}

/* §4.8.3: fixed hardware, a PC. */
static void fixed(struct acpi_table t, struct aml dsdt)
{
	struct device power = { .kind = DEV_POWER_ACPI };
	struct device timer = { .kind = DEV_PMTIMER, .size = 4 };
	int type = aml_s5(dsdt);
	uint16_t smi = (uint16_t)acpi_get(t, FADT_SMI_CMD, 4);
	uint8_t enable = (uint8_t)acpi_get(t, FADT_ACPI_ENABLE, 1);

	power.base = acpi_get(t, FADT_PM1A_EVT, 4);
	power.base2 = acpi_get(t, FADT_PM1A_CNT, 4);
	power.irq = (uint32_t)acpi_get(t, FADT_SCI, 2);
	timer.base = acpi_get(t, FADT_PM_TMR, 4);
	if (timer.base && timer.base <= PORT_MAX)
		machine_add(&timer);
	if (!power.base || power.base > PORT_MAX || !power.base2 || power.base2 > PORT_MAX)
		return;
	if (smi && enable && !(in16((uint16_t)power.base2) & SCI_ENABLED))
		out8(smi, enable);
	machine_add(&power);
	if (type >= 0)
		add_step(warden_off, STEP_PORT16, power.base2,
			 (uint32_t)type << 10 | SLEEP_ENABLE_PM1);
}

/* Returns the DSDT's code, empty when there is none. */
static struct aml fadt(struct acpi_table t)
{
	uint32_t flags = (uint32_t)acpi_get(t, FADT_FLAGS, 4);
	struct aml dsdt = acpi_dsdt(t);

	if (!dsdt.code)
		return dsdt;
	if (flags & FADT_FLAG_REDUCED)
		reduced(t, dsdt);
	else
		fixed(t, dsdt);
	if (flags & FADT_FLAG_RESET_REG)
		add_gas(warden_reset, t, FADT_RESET_REG,
			(uint32_t)acpi_get(t, FADT_RESET_VALUE, 1));
	return dsdt;
}

/* Mapped for the payload by whole pages, so that it must not lie in RAM that is ours. */
static void vmgenid(struct aml aml)
{
	struct device dev = { .kind = DEV_VMGENID, .size = 16 };
	int err = aml_vmgenid(aml, &dev.base);

	if (err == -ENOENT || machine_find(DEV_VMGENID, NULL))
		return;
	if (err < 0 || ram_touches(dev.base & ~(uint64_t)(PAGE_SIZE - 1), dev.base + PAGE_SIZE))
		log_warn("acpi: VMGENID is not where it can be read, clones do not show by it");
	else
		machine_add(&dev);
}

/* Of what there is only one of, the first counts. */
uint64_t acpi_discover(uint64_t rsdp)
{
	struct device bridge = { .kind = DEV_PCI_ECAM };
	struct aml dsdt = { NULL, 0 };
	struct acpi_table t;
	uint64_t lapic = 0;
	struct acpi acpi;

	if (rsdp && !acpi_open(&acpi, rsdp)) {
		log_warn("acpi: no tables at %#llx, where the loader says; the BIOS is asked",
			 (unsigned long long)rsdp);
		rsdp = 0;
	}
	if (!rsdp && !acpi_open(&acpi, find_rsdp()))
		return 0;
	while (acpi_next(&acpi, &t)) {
		if (acpi_is(t, "APIC") && !machine_find(DEV_IOAPIC, NULL))
			lapic = madt(t);
		else if (acpi_is(t, "MCFG") && !machine_find(DEV_PCI_ECAM, NULL))
			mcfg(t);
		else if (acpi_is(t, "FACP") && !dsdt.code)
			dsdt = fadt(t);
		else if (acpi_is(t, "SPCR"))
			spcr(t);
		else if (acpi_is(t, "SSDT"))
			vmgenid(acpi_code(t));
	}
	vmgenid(dsdt);
	if (dsdt.code && !machine_find(DEV_PCI_ECAM, NULL) && aml_pci(dsdt, &bridge) == 0)
		machine_add(&bridge);
	return lapic;
}
