/* SPDX-License-Identifier: MIT */
/* A power button on a line of an ARM PL061 GPIO block (ARM DDI 0190B, §3.3).
 * QEMU: on -M virt, line 3 of the first block, pressed by system_powerdown.
 *
 * Rising edges are latched in RIS until pressed() clears them. The interrupt
 * controller takes the block's line as an edge too (kernel/arch.h: no ack), so
 * that a press nobody has looked at yet does not keep the CPU from sleeping. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define DIR 0x400
#define IS 0x404               /* 1: level */
#define IBE 0x408              /* 1: both edges */
#define IEV 0x40c              /* 1: rising */
#define IE 0x410
#define RIS 0x414
#define IC 0x41c

#define LINES 8u

static uintptr_t base SEALED;
static uint32_t line SEALED;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static int pl061_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1) || dev->arg >= LINES)
		return -EINVAL;
	base = dev->base;
	line = 1u << dev->arg;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	*reg(DIR) &= ~line;
	*reg(IS) &= ~line;
	*reg(IBE) &= ~line;
	*reg(IEV) |= line;
	*reg(IC) = line;
	*reg(IE) = line;
	arch_irq_enable(dev->irq, NULL, NULL);
	return 0;
}

static int pl061_pressed(void)
{
	if (!(*reg(RIS) & line))
		return 0;
	*reg(IC) = line;
	return 1;
}

const struct button power_pl061 = {
	.kind = DEV_POWER_PL061,
	.open = pl061_open,
	.pressed = pl061_pressed,
};
