/* SPDX-License-Identifier: MIT */
/* ACPI tables (kernel/acpi.h). */
#include "kernel/acpi.h"

#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"

#define TABLE_MAX (1u << 20)
#define TABLES_MAX 256u
#define HEADER_SIZE 36u
#define MCFG_FIRST 44u
#define MCFG_ENTRY 16u
#define PORT_MAX 0xffffu

/* Generic address structure (§5.2.3.2). */
enum { GAS_SPACE = 0, GAS_BITS = 1, GAS_ADDRESS = 4, GAS_MEMORY = 0, GAS_PORT = 1 };

/* SPCR by offset; interface types (Microsoft, "Debug Port Table 2", table 3). */
enum { SPCR_TYPE = 36, SPCR_BASE = 40 };
enum {
	UART_16550 = 0, UART_16450 = 1, UART_PL011 = 3, UART_SBSA_32 = 13, UART_SBSA = 14,
	UART_16550_GAS = 18,
};

uint64_t acpi_get(struct acpi_table t, uint32_t offset, unsigned bytes)
{
	uint64_t v = 0;

	if (offset <= t.len && bytes <= t.len - offset)
		memcpy(&v, t.at + offset, bytes);
	return v;
}

bool acpi_is(struct acpi_table t, const char *signature)
{
	return t.at && !memcmp(t.at, signature, 4);
}

/* The table at `pa`, or none. */
static struct acpi_table table(uint64_t pa)
{
	struct acpi_table t = { (const uint8_t *)(uintptr_t)pa, HEADER_SIZE };

	if (pa == 0 || !acpi_reach(pa, HEADER_SIZE))
		return (struct acpi_table){ NULL, 0 };
	t.len = (uint32_t)acpi_get(t, 4, 4);
	if (t.len < HEADER_SIZE || t.len > TABLE_MAX || !acpi_reach(pa, t.len))
		return (struct acpi_table){ NULL, 0 };
	return t;
}

bool acpi_is_rsdp(const uint8_t *p)
{
	uint8_t sum = 0;

	if (memcmp(p, "RSD PTR ", 8))
		return false;
	for (unsigned i = 0; i < 20; i++)
		sum += p[i];
	return sum == 0;
}

bool acpi_open(struct acpi *acpi, uint64_t rsdp)
{
	struct acpi_table p = { (const uint8_t *)(uintptr_t)rsdp, ACPI_RSDP };

	*acpi = (struct acpi){ .next = HEADER_SIZE };
	if (!rsdp || !acpi_reach(rsdp, ACPI_RSDP) || !acpi_is_rsdp(p.at))
		return false;
	if (p.at[15] >= 2) {
		acpi->root = table(acpi_get(p, 24, 8));
		acpi->width = 8;
	}
	if (!acpi_is(acpi->root, "XSDT")) {
		acpi->root = table(acpi_get(p, 16, 4));
		acpi->width = 4;
		return acpi_is(acpi->root, "RSDT");
	}
	return true;
}

bool acpi_next(struct acpi *acpi, struct acpi_table *t)
{
	uint32_t end = MIN(acpi->root.len, HEADER_SIZE + TABLES_MAX * acpi->width);

	while (acpi->next + acpi->width <= end) {
		*t = table(acpi_get(acpi->root, acpi->next, acpi->width));
		acpi->next += acpi->width;
		if (t->at)
			return true;
	}
	return false;
}

bool acpi_entry(struct acpi_table t, uint32_t *at, struct acpi_table *entry)
{
	uint32_t len = (uint32_t)acpi_get(t, *at + 1, 1);

	if (len < 2 || len > t.len - *at)
		return false;
	*entry = (struct acpi_table){ t.at + *at, len };
	*at += len;
	return true;
}

struct aml acpi_code(struct acpi_table t)
{
	return (struct aml){ t.at + HEADER_SIZE, t.len - HEADER_SIZE };
}

struct aml acpi_dsdt(struct acpi_table fadt)
{
	uint64_t at = acpi_get(fadt, FADT_X_DSDT, 8);
	struct acpi_table t = table(at ? at : acpi_get(fadt, FADT_DSDT, 4));

	return acpi_is(t, "DSDT") ? acpi_code(t) : (struct aml){ NULL, 0 };
}

void acpi_reduced(struct aml dsdt)
{
	struct device ged = { .kind = DEV_POWER_GED, .size = 4 };

	aml_virtio(dsdt);
	if (aml_ged(dsdt, &ged.base, &ged.irq) == 0)
		machine_add(&ged);
}

int acpi_mcfg(struct acpi_table t, unsigned i, struct device *dev)
{
	uint32_t at = MCFG_FIRST + MCFG_ENTRY * i;

	if (at + MCFG_ENTRY > t.len)
		return -ENOENT;
	dev->base = acpi_get(t, at, 8);
	dev->size = (acpi_get(t, at + 11, 1) + 1) << 20;
	if (acpi_get(t, at + 8, 2) != 0 || acpi_get(t, at + 10, 1) != 0 || dev->base == 0 ||
	    dev->base >= AML_ADDRESS_END)
		return -EINVAL;
	return 0;
}

int acpi_spcr(struct acpi_table t, struct device *dev)
{
	uint64_t type = acpi_get(t, SPCR_TYPE, 1), space = acpi_get(t, SPCR_BASE + GAS_SPACE, 1);

	dev->base = acpi_get(t, SPCR_BASE + GAS_ADDRESS, 8);
	if (dev->base == 0 || dev->base >= AML_ADDRESS_END)
		return -ENOENT;
	if (type == UART_PL011 || type == UART_SBSA || type == UART_SBSA_32)
		dev->kind = DEV_UART_PL011;
	else if (type == UART_16550 || type == UART_16450 || type == UART_16550_GAS)
		dev->kind = DEV_UART_16550;
	else
		return -ENOENT;
	if (space == GAS_PORT)
		return dev->kind == DEV_UART_16550 && dev->base <= PORT_MAX ? 0 : -ENOENT;
	dev->arg = acpi_get(t, SPCR_BASE + GAS_BITS, 1) == 8 && dev->kind == DEV_UART_16550;
	return space == GAS_MEMORY && dev->base > PORT_MAX ? 0 : -ENOENT;
}
