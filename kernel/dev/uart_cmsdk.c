/* SPDX-License-Identifier: MIT */
/* UART of Arm's Cortex-M System Design Kit, polled both ways (ARM DDI 0479D,
 * §4.3). QEMU: the serial ports of -M mps2-an385. Outside: its registers fill one
 * page of their own, its clock is dev->arg Hz. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define DATA 0x00
#define STATE 0x04
#define STATE_TXFULL (1u << 0)
#define STATE_RXFULL (1u << 1)
#define CTRL 0x08
#define CTRL_ON (1u << 1 | 1u << 0)    /* RX, TX enable; no interrupts */
#define BAUDDIV 0x10
#define BAUDDIV_MIN 16u

#define BAUD 115200u
#define SPINS 20000u           /* then bytes are dropped until the line drains again */

static uintptr_t base SEALED;
static bool stuck;             /* the last wait was in vain: the next are one look */

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static int cmsdk_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	*reg(BAUDDIV) = MAX(dev->arg / BAUD, BAUDDIV_MIN);
	*reg(CTRL) = CTRL_ON;
	return 0;
}

static void cmsdk_putc(char c)
{
	unsigned spins = stuck ? 1 : SPINS;

	while ((stuck = *reg(STATE) & STATE_TXFULL) && --spins > 0)
		;
	if (stuck)
		return;
	*reg(DATA) = (unsigned char)c;
}

static int cmsdk_getc(void)
{
	return *reg(STATE) & STATE_RXFULL ? (int)(*reg(DATA) & 0xff) : -EAGAIN;
}

const struct uart uart_cmsdk = {
	.kind = DEV_UART_CMSDK,
	.open = cmsdk_open,
	.putc = cmsdk_putc,
	.getc = cmsdk_getc,
};
