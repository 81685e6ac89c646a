/* SPDX-License-Identifier: MIT */
/* Interrupt controllers: local APIC (Intel SDM volume 3A §11.4), I/O APIC
 * (82093AA §3.2, 3.4), MSI (SDM §11.11). Boot only; what the warden needs to
 * answer an interrupt lies in its tables.
 *
 * Lines are programmed as edge-triggered: virtio-mmio's and the power
 * button's are level lines whose rise is the event, and polling after each
 * wake-up finds the rest, so a line that stays up cannot storm. Only PCI's are
 * taken by their level, because functions share them: the warden acknowledges
 * all that are in use here, and no other function may raise one (pci.c). */
#include <errno.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/x86.h"

#define IOAPIC_INDEX 0x00
#define IOAPIC_DATA 0x10
#define IOAPIC_VERSION 1
#define IOAPIC_LINE(n) (0x10 + 2 * (n))
#define LINE_MASKED 0x10000u
#define LINE_LEVEL 0x8000u
#define LINE_LOW 0x2000u
#define ISA_LINES 16u
#define NO_LINE 255u                   /* PCI Local Bus 3.0 §6.2.4 */
#define POLARITY_LOW 3u
#define LAPIC_ENABLE 0x100u
#define LAPIC_PAGE 4096u
#define PIC_MASK_1 0x21
#define PIC_MASK_2 0xa1

static uint64_t lapic SEALED;
static struct {
	bool given, low;
	uint32_t gsi;
} isa[ISA_LINES] SEALED;

uint32_t lapic_read(unsigned reg)
{
	return *(volatile uint32_t *)(lapic + reg);
}

void lapic_write(unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(lapic + reg) = value;
}

static uint32_t ioapic_read(const struct device *io, uint32_t reg)
{
	*(volatile uint32_t *)(io->base + IOAPIC_INDEX) = reg;
	return *(volatile uint32_t *)(io->base + IOAPIC_DATA);
}

static void ioapic_write(const struct device *io, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(io->base + IOAPIC_INDEX) = reg;
	*(volatile uint32_t *)(io->base + IOAPIC_DATA) = value;
}

static uint32_t ioapic_lines(const struct device *io)
{
	return (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
}

void irq_init(uint64_t base)
{
	lapic = base;
	warden_lapic = WARDEN_WINDOW + base;
	mmu_boot_map(base, LAPIC_PAGE);
	out8(PIC_MASK_1, 0xff);
	out8(PIC_MASK_2, 0xff);
	for (const struct device *io = NULL; (io = machine_find(DEV_IOAPIC, io)) != NULL;) {
		mmu_boot_map(io->base, LAPIC_PAGE);
		for (uint32_t n = ioapic_lines(io); n-- > 0;)
			ioapic_write(io, IOAPIC_LINE(n), LINE_MASKED);
	}
	lapic_write(LAPIC_SVR, LAPIC_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);     /* a host's "where is it?" */
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
}

static uint32_t lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static uint64_t device(volatile void *reg)
{
	return reg ? mmu_warden_map((uintptr_t)reg, 4, true) : 0;
}

static void add_ack(volatile void *read, volatile void *write)
{
	struct warden_ack a = { device(read), device(write) };
	unsigned i = 0;

	while ((warden_acks[i].read || warden_acks[i].write) &&
	       (warden_acks[i].read != a.read || warden_acks[i].write != a.write))
		i++;
	if (i == WARDEN_ACKS - 1)
		panic("irq: more than %d devices", WARDEN_ACKS - 1);
	warden_acks[i] = a;
}

/* Routes `irq` as `how` says: 0, or -ENOENT, logged. */
static int route(uint32_t irq, uint32_t how)
{
	const struct device *io = NULL, *best = NULL;

	while ((io = machine_find(DEV_IOAPIC, io)) != NULL)
		if (io->irq <= irq && irq - io->irq < ioapic_lines(io))
			best = io;
	if (!best) {
		log_error("irq %u: no I/O APIC has it", (unsigned)irq);
		return -ENOENT;
	}
	irq -= best->irq;
	ioapic_write(best, IOAPIC_LINE(irq) + 1, lapic_id() << 24);
	ioapic_write(best, IOAPIC_LINE(irq), VECTOR_LINE | how);
	return 0;
}

/* What a look at the status costs, a spurious acknowledge does not. */
void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	if (route(irq, 0) < 0)
		return;
	if (ack)
		add_ack(NULL, ack);
	else if (status)
		add_ack(status, NULL);
}

int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	*address = 0xfee00000 | (uint64_t)lapic_id() << 12;
	*data = status ? VECTOR_LINE : VECTOR_MESSAGE;
	if (status)
		add_ack(status, NULL);
	return 0;
}

void irq_override(unsigned source, uint32_t gsi, unsigned flags)
{
	if (source >= ISA_LINES)
		return;
	isa[source].given = true;
	isa[source].gsi = gsi;
	isa[source].low = (flags & 3) == POLARITY_LOW;
}

/* `line` is what firmware wrote: with the routing that it set up, the ISA interrupt that the pin
 * was led to, high as that is unless ACPI says otherwise; beyond those a pin of the I/O APIC. */
int arch_intx(uint32_t bdf, unsigned pin, unsigned line, volatile void *status)
{
	uint32_t gsi = line;
	bool low = line >= ISA_LINES;

	if (line == 0 || line == NO_LINE)
		return -ENOENT;
	if (line < ISA_LINES && isa[line].given) {
		gsi = isa[line].gsi;
		low = isa[line].low;
	}
	if (route(gsi, LINE_LEVEL | (low ? LINE_LOW : 0)) < 0)
		return -ENOENT;
	add_ack(status, NULL);
	return 0;
}
