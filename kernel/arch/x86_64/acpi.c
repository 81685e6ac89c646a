/* SPDX-License-Identifier: MIT */
/* ACPI tables (ACPI 6.4 §5.2): interrupt controllers, PCI's window, power
 * management registers; AML only as far as aml.c scans it. Tables are bounded
 * and of the right signature, else passed over. */
#include <errno.h>
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define TABLE_MAX (1u << 20)
#define HEADER_SIZE 36u
#define RSDP_ANCHOR 0x20445352u            /* "RSD " */
#define BIOS_START 0xe0000u
#define BIOS_END 0x100000u

/* FADT (§5.2.9) by offset. */
enum {
	FADT_DSDT = 40, FADT_SCI = 46, FADT_SMI_CMD = 48, FADT_ACPI_ENABLE = 52,
	FADT_PM1A_EVT = 56, FADT_PM1A_CNT = 64, FADT_PM_TMR = 76, FADT_FLAGS = 112,
	FADT_RESET_REG = 116, FADT_RESET_VALUE = 128, FADT_X_DSDT = 140,
	FADT_SLEEP_CONTROL = 244, FADT_FULL = 268,
};
enum { FLAG_RESET_REG = 1 << 10, FLAG_HW_REDUCED = 1 << 20 };
#define PORT_MAX 0xfffcu                   /* of a block of four bytes */
enum { GAS_MEMORY = 0, GAS_PORT = 1 };
enum { SCI_ENABLED = 1, SLEEP_ENABLE_PM1 = 1 << 13, SLEEP_ENABLE = 1 << 5 };

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

/* The table at `pa` with this signature, or NULL. */
static const uint8_t *table(uint64_t pa, const char *signature, uint32_t *len)
{
	const uint8_t *t = (const uint8_t *)pa;

	if (pa == 0 || pa >= PHYSICAL_END)
		return NULL;
	mmu_boot_map(pa, HEADER_SIZE);
	*len = (uint32_t)get(t + 4, 4);
	if (memcmp(t, signature, 4) || *len < HEADER_SIZE || *len > TABLE_MAX)
		return NULL;
	mmu_boot_map(pa, *len);
	return t;
}

static bool is_rsdp(const uint8_t *p)
{
	uint8_t sum = 0;

	if (memcmp(p, "RSD PTR ", 8))
		return false;
	for (unsigned i = 0; i < 20; i++)
		sum += p[i];
	return sum == 0;
}

/* §5.2.5.1: on a 16-byte boundary of the BIOS area. */
static uint64_t find_rsdp(void)
{
	for (uint64_t at = BIOS_START; at < BIOS_END; at += 16)
		if (get((const uint8_t *)at, 4) == RSDP_ANCHOR && is_rsdp((const uint8_t *)at))
			return at;
	return 0;
}

/* MADT, §5.2.12. */
static uint64_t madt(const uint8_t *t, uint32_t len)
{
	uint64_t lapic = get(t + 36, 4);

	for (uint32_t at = 44; at + 2 <= len && t[at + 1] >= 2; at += t[at + 1]) {
		const uint8_t *e = t + at;

		if (at + e[1] > len)
			break;
		if (e[0] == 1 && e[1] >= 12) {
			struct device dev = { .kind = DEV_IOAPIC };

			dev.base = get(e + 4, 4);
			dev.irq = (uint32_t)get(e + 8, 4);
			machine_add(&dev);
		} else if (e[0] == 2 && e[1] >= 10) {
			irq_override(e[3], (uint32_t)get(e + 4, 4), (unsigned)get(e + 8, 2));
		} else if (e[0] == 5 && e[1] >= 12) {
			lapic = get(e + 4, 8);
		}
	}
	return lapic < PHYSICAL_END ? lapic : 0;
}

/* MCFG (PCI Firmware 3.2 §4.1.2): segment 0. */
static void mcfg(const uint8_t *t, uint32_t len)
{
	for (uint32_t at = 44; at + 16 <= len; at += 16) {
		const uint8_t *e = t + at;
		struct device dev = { .kind = DEV_PCI_ECAM };

		dev.base = get(e, 8);
		dev.size = (e[11] + 1ull) << 20;
		if (get(e + 8, 2) != 0 || e[10] != 0 || dev.base >= PHYSICAL_END)
			continue;
		dev.base2 = pci_window();
		if (dev.base >= dev.base2 && dev.base < PCI_WINDOW_END)
			dev.base2 = dev.base + dev.size;
		dev.size2 = PCI_WINDOW_END - MIN(dev.base2, PCI_WINDOW_END);
		machine_add(&dev);
	}
}

static void add_step(struct warden_step *list, uint32_t kind, uint64_t address, uint32_t value)
{
	unsigned n = 0;

	while (list[n].kind != STEP_END)
		n++;
	if (n < WARDEN_STEPS - 1)
		list[n] = (struct warden_step){ kind, value, address };
}

/* A one-byte register given as generic address structure (§5.2.3.2). */
static void add_gas(struct warden_step *list, const uint8_t *gas, uint32_t value)
{
	uint64_t address = get(gas + 4, 8);

	if (address == 0)
		return;
	if (gas[0] == GAS_PORT && address <= 0xffff)
		add_step(list, STEP_PORT8, address, value);
	else if (gas[0] == GAS_MEMORY && address < PHYSICAL_END)
		add_step(list, STEP_MEMORY8, WARDEN_WINDOW + address, value);
}

/* §5.6.9, §4.8.3.7: hardware-reduced ACPI, QEMU's microvm. */
static void reduced(const uint8_t *t, uint32_t len, struct aml dsdt)
{
	struct device ged = { .kind = DEV_POWER_GED, .size = 4 };
	int type = aml_s5(dsdt);

	aml_virtio(dsdt);
	if (aml_ged(dsdt, &ged.base, &ged.irq) == 0)
		machine_add(&ged);
	if (type >= 0 && len >= FADT_FULL)
		add_gas(warden_off, t + FADT_SLEEP_CONTROL, (uint32_t)type << 2 | SLEEP_ENABLE);
}

/* §4.8.3: fixed hardware, a PC. */
static void fixed(const uint8_t *t, struct aml dsdt)
{
	struct device power = { .kind = DEV_POWER_ACPI };
	struct device timer = { .kind = DEV_PMTIMER, .size = 4 };
	int type = aml_s5(dsdt);
	uint16_t smi = (uint16_t)get(t + FADT_SMI_CMD, 4);

	power.base = get(t + FADT_PM1A_EVT, 4);
	power.base2 = get(t + FADT_PM1A_CNT, 4);
	power.irq = (uint32_t)get(t + FADT_SCI, 2);
	timer.base = get(t + FADT_PM_TMR, 4);
	if (timer.base && timer.base <= PORT_MAX)
		machine_add(&timer);
	if (!power.base || power.base > PORT_MAX || !power.base2 || power.base2 > PORT_MAX)
		return;
	if (smi && t[FADT_ACPI_ENABLE] && !(in16((uint16_t)power.base2) & SCI_ENABLED))
		out8(smi, t[FADT_ACPI_ENABLE]);
	machine_add(&power);
	if (type >= 0)
		add_step(warden_off, STEP_PORT16, power.base2,
			 (uint32_t)type << 10 | SLEEP_ENABLE_PM1);
}

static struct aml code_of(const uint8_t *t, uint32_t len)
{
	return (struct aml){ t + HEADER_SIZE, len - HEADER_SIZE };
}

/* Returns the DSDT's code, empty when there is none. */
static struct aml fadt(const uint8_t *t, uint32_t len)
{
	uint64_t dsdt_at = get(t + FADT_DSDT, 4);
	uint32_t flags = (uint32_t)get(t + FADT_FLAGS, 4);
	struct aml dsdt = { NULL, 0 };

	if (len >= FADT_X_DSDT + 8 && get(t + FADT_X_DSDT, 8))
		dsdt_at = get(t + FADT_X_DSDT, 8);
	dsdt.code = table(dsdt_at, "DSDT", &dsdt.len);
	if (!dsdt.code)
		return (struct aml){ NULL, 0 };
	dsdt = code_of(dsdt.code, dsdt.len);
	if (flags & FLAG_HW_REDUCED)
		reduced(t, len, dsdt);
	else
		fixed(t, dsdt);
	if ((flags & FLAG_RESET_REG) && len > FADT_RESET_VALUE)
		add_gas(warden_reset, t + FADT_RESET_REG, t[FADT_RESET_VALUE]);
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

uint64_t acpi_discover(uint64_t rsdp)
{
	struct device bridge = { .kind = DEV_PCI_ECAM };
	struct aml dsdt = { NULL, 0 };
	uint32_t len, table_len;
	uint64_t lapic = 0;
	const uint8_t *root, *t;
	unsigned width = 4;

	if (!rsdp)
		rsdp = find_rsdp();
	if (!rsdp || rsdp >= PHYSICAL_END)
		return 0;
	mmu_boot_map(rsdp, HEADER_SIZE);
	t = (const uint8_t *)rsdp;
	if (!is_rsdp(t))
		return 0;
	root = NULL;
	if (t[15] >= 2 && (root = table(get(t + 24, 8), "XSDT", &len)) != NULL)
		width = 8;
	if (!root)
		root = table(get(t + 16, 4), "RSDT", &len);
	if (!root)
		return 0;
	for (uint32_t at = HEADER_SIZE; at + width <= len; at += width) {
		uint64_t pa = get(root + at, width);

		if ((t = table(pa, "APIC", &table_len)) != NULL && table_len >= 44)
			lapic = madt(t, table_len);
		else if ((t = table(pa, "MCFG", &table_len)) != NULL)
			mcfg(t, table_len);
		else if ((t = table(pa, "FACP", &table_len)) != NULL && table_len >= FADT_RESET_REG)
			dsdt = fadt(t, table_len);
		else if ((t = table(pa, "SSDT", &table_len)) != NULL)
			vmgenid(code_of(t, table_len));
	}
	vmgenid(dsdt);
	if (dsdt.code && !machine_find(DEV_PCI_ECAM, NULL) && aml_pci(dsdt, &bridge) == 0)
		machine_add(&bridge);
	return lapic;
}
