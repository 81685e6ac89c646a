/* SPDX-License-Identifier: MIT */
/* PCI at boot: finds functions, places BARs that no firmware placed, routes
 * interrupts (PCI Local Bus 3.0 §6.1, §6.2, §6.7, §6.8; PCI Express 2.0 §7.2).
 *
 * Buses behind bridges are followed where firmware numbered them; what it left
 * out is numbered here (PCI-to-PCI Bridge 1.2 §3.2.5). Configuration space is
 * out of reach after the seal. */
#include "kernel/dev/pci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/mem.h"

enum {
	CFG_ID = 0x00,
	CFG_COMMAND = 0x04,            /* status in the upper half */
	CFG_CLASS = 0x08,
	CFG_HEADER = 0x0c,             /* header type in bits 16-23 */
	CFG_BAR0 = 0x10,
	CFG_BUSES = 0x18,              /* bridge: primary, secondary, subordinate */
	CFG_MEMORY = 0x20,             /* bridge: first MiB and last, in bits 4-15 of each half */
	CFG_PREFETCH = 0x24,
	CFG_CAPS = 0x34,
	CFG_INTERRUPT = 0x3c,          /* line, pin */
};

#define COMMAND_PORTS 1u
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_INTX_OFF (1u << 10)
#define STATUS_CAPS (1u << 20)
#define HEADER_MULTI 0x80u
#define CLASS_BRIDGE 6u
#define BARS 6u
#define CAP_MSI 0x05
#define CAP_MSIX 0x11
#define MSI_ENABLE (1u << 16)          /* of a capability's first word */
#define MSI_VECTORS (7u << 20)         /* how many are enabled */
#define MSI_WIDE (1u << 23)
#define MSIX_MASKED (1u << 30)
#define MSIX_ENABLE (1u << 31)
#define CAPS_MAX 48u                   /* that many fit; more is a loop */
#define BUSES_MAX 256u
#define BRIDGES_DEEP 4u                /* what lies behind more is not looked for */
#define MIB (1ull << 20)
#define WINDOW_CLOSED 0x0000fff0u      /* its last MiB lies before its first */

static int set_irq(const char *value);

static const struct setting settings[] = {
	{ .key = "pci.irq", .boot = true, .type = SETTING_CHECKED, .check = set_irq,
	  .expected = "msix, msi, intx or poll" },
};
static enum pci_irq irq_first SEALED;  /* those before it are not tried */
static const struct pci_access *access SEALED;

/* Where the next BAR goes in the window of the host bridge. */
static uint64_t window_next SEALED;

static uint8_t present[BUSES_MAX] SEALED;
static const struct device *host SEALED;
static unsigned bus_count SEALED, last_bus SEALED;     /* that the host has; that is numbered */
static unsigned depth SEALED;          /* of bridges that are being numbered */

uint32_t pci_read(const struct device *fn, unsigned offset)
{
	return access->read(fn, offset);
}

void pci_write(const struct device *fn, unsigned offset, uint32_t value)
{
	access->write(fn, offset, value);
}

uint8_t pci_read8(const struct device *fn, unsigned offset)
{
	return (uint8_t)(pci_read(fn, offset & ~3u) >> (offset & 3) * 8);
}

void pci_name(const struct device *fn, char *buf, size_t len)
{
	snprintf(buf, len, "pci %02x:%02x.%x", fn->irq >> 8 & 0xff, fn->irq >> 3 & 31, fn->irq & 7);
}

/* The upper half is status, where writing 1 clears: it is left 0. */
static void set_command(const struct device *fn, uint32_t off, uint32_t on)
{
	pci_write(fn, CFG_COMMAND, (pci_read(fn, CFG_COMMAND) & 0xffff & ~off) | on);
}

unsigned pci_cap(const struct device *fn, uint8_t id, unsigned prev)
{
	unsigned at = prev ? prev + 1 : CFG_CAPS;

	if (!(pci_read(fn, CFG_COMMAND) & STATUS_CAPS))
		return 0;
	for (unsigned hops = 0; hops < CAPS_MAX; hops++) {
		unsigned next = pci_read8(fn, at) & ~3u;

		if (next < 0x40)
			return 0;
		if (pci_read8(fn, next) == id)
			return next;
		at = next + 1;
	}
	return 0;
}

/* Where memory BAR `bar` lies; 0 when it is unplaced, absent or for ports. */
static uint64_t bar_address(const struct device *fn, unsigned bar)
{
	uint32_t low = pci_read(fn, CFG_BAR0 + bar * 4);
	uint64_t address = low & ~15u;

	if (low & 1)
		return 0;
	if ((low >> 1 & 3) == 2 && bar + 1 < BARS)
		address |= (uint64_t)pci_read(fn, CFG_BAR0 + bar * 4 + 4) << 32;
	return address;
}

static uint64_t window_at(const struct device *fn)
{
	bool in = window_next >= fn->base2 && window_next - fn->base2 <= fn->size2;

	return in ? window_next : fn->base2;
}

/* Gives memory BAR `bar` an address from the window; memory decoding is off.
 * 1 when it takes two registers, 0, or -ENOSPC. */
static int bar_place(const struct device *fn, unsigned bar)
{
	unsigned reg = CFG_BAR0 + bar * 4;
	uint32_t low = pci_read(fn, reg);
	int wide = !(low & 1) && (low >> 1 & 3) == 2 && bar + 1 < BARS;
	char name[16];
	uint32_t size;
	uint64_t at;

	if (low & 1 || bar_address(fn, bar) != 0)
		return wide;

	/* §6.2.5.1: the lowest bit that is 1 after writing ones tells the size. */
	pci_write(fn, reg, 0xffffffff);
	size = pci_read(fn, reg) & ~15u;
	size &= 0 - size;
	pci_write(fn, reg, low);
	if (size == 0)
		return wide;           /* no BAR, or one of 4 GiB and more */

	at = ALIGN_UP(window_at(fn), (uint64_t)size);
	if (at == 0 || at + size > fn->base2 + fn->size2 || at + size > UINT32_MAX) {
		pci_name(fn, name, sizeof(name));
		log_error("%s: no room for BAR %u of %u bytes", name, bar, (unsigned)size);
		return -ENOSPC;
	}
	window_next = at + size;
	pci_write(fn, reg, (uint32_t)at);
	if (wide)
		pci_write(fn, reg + 4, 0);
	return wide;
}

static int place_bars(const struct device *fn)
{
	set_command(fn, COMMAND_MEMORY, 0);
	for (unsigned bar = 0; bar < BARS; bar++) {
		int rc = bar_place(fn, bar);

		if (rc < 0)
			return rc;
		bar += (unsigned)rc;
	}
	return 0;
}

int pci_enable(const struct device *fn)
{
	int rc = place_bars(fn);

	if (rc < 0)
		return rc;
	set_command(fn, COMMAND_MASTER, COMMAND_MEMORY | COMMAND_INTX_OFF);
	return 0;
}

void pci_master(const struct device *fn)
{
	set_command(fn, 0, COMMAND_MASTER);
}

void pci_disable(const struct device *fn)
{
	set_command(fn, COMMAND_MASTER | COMMAND_MEMORY, 0);
}

void pci_enable_ports(const struct device *fn)
{
	set_command(fn, 0, COMMAND_PORTS);
}

/* ---- Finding functions ------------------------------------------------------ */

static bool is_bridge(const struct device *fn)
{
	return (pci_read(fn, CFG_HEADER) >> 16 & 0x7f) == 1;
}

static void found(struct device *fn)
{
	uint32_t id = pci_read(fn, CFG_ID);

	if (is_bridge(fn)) {
		uint8_t behind = pci_read8(fn, CFG_BUSES + 1);

		/* Firmware numbers upwards: one pass finds all. */
		if (behind > fn->irq >> 8)
			present[behind] = 1;
		last_bus = MAX(last_bus, MAX(behind, pci_read8(fn, CFG_BUSES + 2)));
	}
	if (pci_read(fn, CFG_CLASS) >> 24 == CLASS_BRIDGE)
		return;
	set_command(fn, COMMAND_MASTER, COMMAND_INTX_OFF);
	fn->arg = id << 16 | id >> 16;
	machine_add(fn);
}

/* Calls `what` for every function of a bus. */
static void each(unsigned bus, void (*what)(struct device *fn))
{
	unsigned functions = 1;

	for (unsigned i = 0; i < 32 * 8; i += i % 8 + 1 < functions ? 1 : 8 - i % 8) {
		struct device fn = {
			.kind = DEV_PCI_FUNCTION,
			.irq = bus << 8 | i,
			.base2 = host->base2,
			.size2 = host->size2,
		};

		access->locate(host, fn.irq, &fn);
		functions = i % 8 ? functions : 1;
		if ((pci_read(&fn, CFG_ID) & 0xffff) == 0xffff)
			continue;
		if (i % 8 == 0 && pci_read(&fn, CFG_HEADER) >> 16 & HEADER_MULTI)
			functions = 8;
		what(&fn);
	}
}

/* Behind a bridge that is numbered here BARs get their places at once, which are its window. */
static void found_behind(struct device *fn)
{
	if (is_bridge(fn))
		return;
	found(fn);
	place_bars(fn);
}

/* Numbers the bus behind a bridge that has no number for it, and those behind that one. */
static void number(struct device *bridge)
{
	unsigned bus = last_bus + 1;
	uint64_t first, end;

	if (!is_bridge(bridge) || pci_read8(bridge, CFG_BUSES + 1) || bus >= bus_count ||
	    depth == BRIDGES_DEEP || !host->size2)
		return;
	last_bus = bus;
	pci_write(bridge, CFG_BUSES, bridge->irq >> 8 | bus << 8 | (bus_count - 1) << 16);
	first = window_next = ALIGN_UP(window_at(bridge), MIB);
	each(bus, found_behind);
	depth++;
	each(bus, number);
	depth--;
	end = window_next = ALIGN_UP(window_next, MIB);
	pci_write(bridge, CFG_BUSES, bridge->irq >> 8 | bus << 8 | last_bus << 16);
	pci_write(bridge, CFG_PREFETCH, WINDOW_CLOSED);
	pci_write(bridge, CFG_MEMORY, first == end ? WINDOW_CLOSED :
		  (uint32_t)(first >> 16 | (end - MIB)));
	set_command(bridge, 0, COMMAND_MEMORY | COMMAND_MASTER);
}

void pci_scan(const struct device *on, const struct pci_access *how, unsigned buses)
{
	if (!access)
		config_declare(settings, ARRAY_LEN(settings));
	access = how;
	host = on;
	bus_count = MIN(buses, BUSES_MAX);
	last_bus = 0;
	memset(present, 0, sizeof(present));
	present[0] = 1;
	for (unsigned bus = 0; bus < bus_count; bus++)
		if (present[bus])
			each(bus, found);
	each(0, number);
}

volatile void *pci_map(const struct device *fn, unsigned bar, uint64_t offset, uint64_t len)
{
	uint64_t base, at, page;
	char *mapped;

	if (bar >= BARS || len == 0 || len > UINT32_MAX || offset > UINT32_MAX)
		return NULL;
	base = bar_address(fn, bar);
	if (base == 0 || base + offset + len < base)
		return NULL;
	at = base + offset;
	page = at & ~(uint64_t)(PAGE_SIZE - 1);
	mapped = arch_boot_map(page, (size_t)ALIGN_UP(at + len - page, (uint64_t)PAGE_SIZE));
	return mapped ? mapped + (at - page) : NULL;
}

const volatile void *pci_show(const struct device *fn, unsigned bar, uint64_t offset)
{
	const volatile void *page = pci_map(fn, bar, offset, PAGE_SIZE);

	/* Where boot sees it elsewhere, its own address is none of the payload's. */
	if (!page || (uintptr_t)page % PAGE_SIZE ||
	    (uintptr_t)page != bar_address(fn, bar) + offset)
		return NULL;
	arch_map((uintptr_t)page, (uintptr_t)page, PAGE_SIZE, PROT_R | PROT_DEVICE);
	return page;
}

static int msix(const struct device *fn)
{
	unsigned cap = pci_cap(fn, CAP_MSIX, 0);
	volatile uint32_t *entry;
	uint64_t address;
	uint32_t data, where;

	if (!cap || arch_msi(&address, &data, NULL) < 0)
		return -ENOTSUP;

	/* §6.8.2.4: BAR and offset of the table; entry 0 is ours. */
	where = pci_read(fn, cap + 4);
	entry = pci_map(fn, where & 7, where & ~7u, 16);
	if (!entry)
		return -ENOTSUP;
	entry[0] = (uint32_t)address;
	entry[1] = (uint32_t)(address >> 32);
	entry[2] = data;
	entry[3] = 0;                          /* not masked */

	/* §6.8.2.3: enable, and lift the mask over all vectors. */
	pci_write(fn, cap, (pci_read(fn, cap) & ~MSIX_MASKED) | MSIX_ENABLE);
	return 0;
}

/* §6.8.1: one vector. */
static int msi(const struct device *fn, volatile void *status)
{
	unsigned cap = pci_cap(fn, CAP_MSI, 0);
	uint64_t address;
	uint32_t data, control;

	if (!cap || arch_msi(&address, &data, status) < 0)
		return -ENOTSUP;
	control = pci_read(fn, cap) & ~MSI_VECTORS;
	pci_write(fn, cap + 4, (uint32_t)address);
	if (control & MSI_WIDE)
		pci_write(fn, cap + 8, (uint32_t)(address >> 32));
	else if (address >> 32)
		return -ENOTSUP;
	pci_write(fn, cap + (control & MSI_WIDE ? 12 : 8), data);
	pci_write(fn, cap, control | MSI_ENABLE);
	return 0;
}

static int intx(const struct device *fn, volatile void *status)
{
	uint32_t where = pci_read(fn, CFG_INTERRUPT);
	unsigned pin = where >> 8 & 0xff;
	int rc = -ENOENT;

	if (status && pin >= 1 && pin <= 4)
		rc = arch_intx(fn->irq, pin, where & 0xff, status);
	if (rc == 0)
		set_command(fn, COMMAND_INTX_OFF, 0);
	return rc;
}

static int set_irq(const char *value)
{
	static const char *const names[] = { "msix", "msi", "intx", "poll" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			irq_first = i;
			return 0;
		}
	}
	return -EINVAL;
}

enum pci_irq pci_interrupt(const struct device *fn, volatile void *status, bool acks)
{
	char name[16];

	if (irq_first <= PCI_MSIX && !acks && msix(fn) == 0)
		return PCI_MSIX;
	if (irq_first <= PCI_MSI && msi(fn, acks ? status : NULL) == 0)
		return PCI_MSI;
	if (irq_first <= PCI_INTX && intx(fn, status) == 0)
		return PCI_INTX;
	pci_name(fn, name, sizeof(name));
	log_warn("%s: its interrupt cannot be routed, it is looked at by time", name);
	return PCI_POLLED;
}
