/* SPDX-License-Identifier: MIT */
/* Interrupt controllers: GICv2 (kernel/arch/vmsa/gic.c) with its message frame (SBSA,
 * GICv2m), and GICv3 (IHI 0069) by system registers, which start.S enabled. */
#include <errno.h>

#include "kernel/arch/vmsa/vmsa.h"

#define GICR_TYPER 0x008
#define GICR_WAKER 0x014
#define GICR_SGI 0x10000               /* offset of the SGI and PPI frame */
#define GICR_FRAMES 0x20000
#define GICD_IROUTER 0x6000

#define V2M_TYPER 0x008
#define V2M_SETSPI 0x040

static bool v3 SEALED;
static uint64_t v2m SEALED;            /* message frame, or 0 */

static volatile uint32_t *reg(uint64_t base, uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(base + offset);
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

static void init_v3(const struct device *dev, uint32_t timer)
{
	uint64_t r = find_redistributor(dev);

	v3 = true;
	*gic_reg(GICD_CTLR) = 1 << 4 | 1 << 1 | 1;     /* ARE_NS, group 1 */
	if (!r) {
		log_error("gic: no redistributor for this CPU");
		return;
	}
	wake_redistributor(r);
	r += GICR_SGI;
	*reg(r, GICD_IGROUPR) = ~0u;
	*(volatile uint8_t *)(uintptr_t)(r + GICD_IPRIORITYR + timer) = GIC_PRIORITY;
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
	gic_open(dev->base);
	if (is_v3) {
		init_v3(dev, timer);
	} else {
		gic_v2_init(dev->base2, timer);
		v2m = msi_frame;
	}
}

/* v3 routes by affinity. */
void irq_route(uint32_t irq)
{
	if (!v3) {
		gic_v2_route(irq);
		return;
	}
	*gic_reg(GICD_IGROUPR + irq / 32 * 4) |= 1u << irq % 32;
	*gic_reg(GICD_IROUTER + irq * 8) = warden.mpidr & 0xffffff;
	*gic_reg(GICD_IROUTER + irq * 8 + 4) = warden.mpidr >> 32 & 0xff;
}

/* One message for all: the payload polls, it need not know who woke it. Its acknowledgements
 * are added to those of the interrupt, which stays an edge. */
int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	static uint32_t spi SEALED;

	if (!v2m || (status && warden.acks == W_ACK_MAX))
		return -ENOTSUP;
	if (!spi) {
		spi = *reg(v2m, V2M_TYPER) >> 16 & 0x3ff;
		arch_irq_enable(spi, NULL, NULL);
	}
	if (status)
		warden.ack[warden.acks++] = (struct warden_ack){ spi, (uintptr_t)status, 0 };
	*address = v2m + V2M_SETSPI;
	*data = spi;
	return 0;
}

int arch_intx(uint32_t bdf, unsigned pin, unsigned line, volatile void *status)
{
	uint32_t irq = pci_pin_irq(bdf, pin);

	return irq ? gic_enable(irq, status, NULL) : -ENOENT;
}
