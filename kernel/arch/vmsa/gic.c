/* SPDX-License-Identifier: MIT */
/* The GIC's distributor and, for GICv2, its CPU interface (IHI 0048B).
 *
 * Set up here, at boot; afterwards only the idle gate touches the CPU
 * interface. A line without an acknowledge is taken as an edge: it ends one
 * sleep, and its driver clears the device when it is polled. */
#include <errno.h>

#include "kernel/arch/vmsa/vmsa.h"

#define GICC_CTLR 0x000
#define GICC_PMR 0x004

#define FIRST_SPI 32u
#define LAST_SPI 1019u

static uint64_t dist SEALED;           /* distributor */

volatile uint32_t *gic_reg(uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(dist + offset);
}

void gic_set_byte(uint32_t offset, uint8_t value)
{
	*(volatile uint8_t *)(uintptr_t)(dist + offset) = value;
}

void gic_open(uint64_t base)
{
	dist = base;
	*gic_reg(GICD_CTLR) = 0;
	for (unsigned i = 1; i <= (*gic_reg(GICD_TYPER) & 31); i++) {
		*gic_reg(GICD_ICENABLER + 4 * i) = ~0u;
		*gic_reg(GICD_ICPENDR + 4 * i) = ~0u;
	}
}

void gic_v2_init(uint64_t cpu, uint32_t timer)
{
	volatile uint32_t *interface = (volatile uint32_t *)(uintptr_t)cpu;

	warden.reg[REG_GICC] = (uintptr_t)cpu;
	gic_set_byte(GICD_IPRIORITYR + timer, GIC_PRIORITY);
	*gic_reg(GICD_ISENABLER) = 1u << timer;
	*gic_reg(GICD_CTLR) = 1;
	interface[GICC_PMR / 4] = 0xff;
	interface[GICC_CTLR / 4] = 1;
}

/* IHI 0048B §4.3.12 gives the target bits of the reading CPU in the first words. */
void gic_v2_route(uint32_t irq)
{
	gic_set_byte(GICD_ITARGETSR + irq, *gic_reg(GICD_ITARGETSR) & 0xff);
}

int gic_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	uint32_t edge = 2u << irq % 16 * 2;
	volatile uint32_t *config;

	if (!dist || irq < FIRST_SPI || irq > LAST_SPI || warden.acks == W_ACK_MAX) {
		log_error("gic: interrupt %u cannot be routed", (unsigned)irq);
		return -ENOENT;
	}
	if (status)
		warden.ack[warden.acks++] = (struct warden_ack){
			.irq = irq, .status = (uintptr_t)status, .ack = (uintptr_t)ack,
		};
	config = gic_reg(GICD_ICFGR + irq / 16 * 4);
	*config = status ? *config & ~edge : *config | edge;
	gic_set_byte(GICD_IPRIORITYR + irq, GIC_PRIORITY);
	irq_route(irq);
	*gic_reg(GICD_ISENABLER + irq / 32 * 4) = 1u << irq % 32;
	return 0;
}

void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	(void)gic_enable(irq, status, ack);
}
