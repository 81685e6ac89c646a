/* SPDX-License-Identifier: MIT */
/* Interrupt controllers: GICv2 (IHI 0048B) with its message frame (SBSA,
 * GICv2m), and GICv3 (IHI 0069) by system registers, which start.S enabled.
 *
 * Set up here, at boot; afterwards only the idle gate touches the CPU
 * interface. A line without a virtio-mmio acknowledge is taken as an edge: it
 * ends one sleep, and its driver clears the device when it is polled. */
#include <errno.h>

#include "kernel/arch/aarch64/warden.h"
#include "kernel/machine.h"

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_ICFGR 0xc00
#define GICD_IROUTER 0x6000

#define GICC_CTLR 0x000
#define GICC_PMR 0x004

#define GICR_TYPER 0x008
#define GICR_WAKER 0x014
#define GICR_SGI 0x10000               /* offset of the SGI and PPI frame */
#define GICR_FRAMES 0x20000

#define V2M_TYPER 0x008
#define V2M_SETSPI 0x040

#define FIRST_SPI 32u
#define LAST_SPI 1019u
#define PRIORITY 0xa0u

static uint64_t dist SEALED;           /* distributor */
static bool v3 SEALED;
static uint64_t v2m SEALED;            /* message frame, or 0 */

static volatile uint32_t *reg(uint64_t base, uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(base + offset);
}

static void set_byte(uint64_t base, uint32_t offset, uint8_t value)
{
	*(volatile uint8_t *)(uintptr_t)(base + offset) = value;
}

/* IHI 0069 §12.11.41: a redistributor sleeps until told otherwise. Bounded:
 * one that does not wake gives no interrupts, and the console says so. */
static void wake_redistributor(uint64_t r)
{
	*reg(r, GICR_WAKER) &= ~2u;
	for (unsigned i = 0; i < 100000; i++)
		if (!(*reg(r, GICR_WAKER) & 4))
			return;
	log_error("gic: the redistributor does not wake");
}

/* The frames of this CPU among those of `dev`: Aff3..Aff0 in TYPER's top. */
static uint64_t find_redistributor(const struct device *dev)
{
	uint64_t at = dev->base2;
	uint32_t me = (warden.mpidr & 0xffffff) | (warden.mpidr >> 32 & 0xff) << 24;

	for (; at + GICR_FRAMES <= dev->base2 + dev->size2; at += GICR_FRAMES) {
		uint32_t low = *reg(at, GICR_TYPER);

		if (*reg(at, GICR_TYPER + 4) == me)
			return at;
		if (low & 1 << 4)
			break;
		if (low & 1 << 1)                  /* GICv4: two frames more */
			at += GICR_FRAMES;
	}
	return 0;
}

static void init_v2(const struct device *dev, uint32_t timer)
{
	warden.gicc = dev->base2;
	set_byte(dist, GICD_IPRIORITYR + timer, PRIORITY);
	*reg(dist, GICD_ISENABLER) = 1u << timer;
	*reg(dist, GICD_CTLR) = 1;
	*reg(dev->base2, GICC_PMR) = 0xff;
	*reg(dev->base2, GICC_CTLR) = 1;
}

static void init_v3(const struct device *dev, uint32_t timer)
{
	uint64_t r = find_redistributor(dev);

	v3 = true;
	*reg(dist, GICD_CTLR) = 1 << 4 | 1 << 1 | 1;     /* ARE_NS, group 1 */
	if (!r) {
		log_error("gic: no redistributor for this CPU");
		return;
	}
	wake_redistributor(r);
	r += GICR_SGI;
	*reg(r, GICD_IGROUPR) = ~0u;
	set_byte(r, GICD_IPRIORITYR + timer, PRIORITY);
	*reg(r, GICD_ISENABLER) = 1u << timer;
}

void irq_init(uint32_t timer, uint64_t msi_frame)
{
	const struct device *dev = machine_find(DEV_GICV2, NULL);
	bool is_v3 = !dev;

	if (is_v3)
		dev = machine_find(DEV_GICV3, NULL);
	if (!dev) {
		log_error("gic: none found, nothing will end the CPU's sleep");
		return;
	}
	dist = dev->base;
	*reg(dist, GICD_CTLR) = 0;
	for (unsigned i = 1; i <= (*reg(dist, GICD_TYPER) & 31); i++) {
		*reg(dist, GICD_ICENABLER + 4 * i) = ~0u;
		*reg(dist, GICD_ICPENDR + 4 * i) = ~0u;
	}
	if (is_v3) {
		init_v3(dev, timer);
	} else {
		init_v2(dev, timer);
		v2m = msi_frame;
	}
}

/* IHI 0048B §4.3.12 gives the target bits of the reading CPU in the first
 * words; v3 routes by affinity. */
static void route(uint32_t irq)
{
	if (v3) {
		*reg(dist, GICD_IGROUPR + irq / 32 * 4) |= 1u << irq % 32;
		*reg(dist, GICD_IROUTER + irq * 8) = warden.mpidr & 0xffffff;
		*reg(dist, GICD_IROUTER + irq * 8 + 4) = warden.mpidr >> 32 & 0xff;
	} else {
		set_byte(dist, GICD_ITARGETSR + irq, *reg(dist, GICD_ITARGETSR) & 0xff);
	}
}

void arch_irq_enable(uint32_t irq, volatile void *ack)
{
	uint32_t edge = 2u << irq % 16 * 2;
	volatile uint32_t *config;

	if (!dist || irq < FIRST_SPI || irq > LAST_SPI || warden.acks == W_ACK_MAX) {
		log_error("gic: interrupt %u cannot be routed", (unsigned)irq);
		return;
	}
	if (ack)
		warden.ack[warden.acks++] = (struct warden_ack){ irq, (uintptr_t)ack };
	config = reg(dist, GICD_ICFGR + irq / 16 * 4);
	*config = ack ? *config & ~edge : *config | edge;
	set_byte(dist, GICD_IPRIORITYR + irq, PRIORITY);
	route(irq);
	*reg(dist, GICD_ISENABLER + irq / 32 * 4) = 1u << irq % 32;
}

/* One message for all: the payload polls, it need not know who woke it. */
int arch_msi(uint64_t *address, uint32_t *data)
{
	static uint32_t spi SEALED;

	if (!v2m)
		return -ENOTSUP;
	if (!spi) {
		spi = *reg(v2m, V2M_TYPER) >> 16 & 0x3ff;
		arch_irq_enable(spi, NULL);
	}
	*address = v2m + V2M_SETSPI;
	*data = spi;
	return 0;
}
