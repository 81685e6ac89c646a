/* SPDX-License-Identifier: MIT */
/* ARM PL011 UART, polled both ways (ARM DDI 0183G, §3.3).
 * QEMU: the serial port of -M virt. Speed and format stay as the loader or the
 * machine left them. Outside: its registers fill one page of their own. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define DR 0x00
#define FR 0x18
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define CR 0x30
#define CR_ON (1u << 9 | 1u << 8 | 1u << 0)      /* RXE, TXE, UARTEN */

#define SPINS 20000u           /* then bytes are dropped until the line drains again */

static uintptr_t base SEALED;
static bool stuck;             /* the last wait was in vain: the next are one look */

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static int pl011_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	if ((*reg(CR) & CR_ON) != CR_ON)
		*reg(CR) = CR_ON;
	return 0;
}

static void pl011_putc(char c)
{
	unsigned spins = stuck ? 1 : SPINS;

	while ((stuck = *reg(FR) & FR_TXFF) && --spins > 0)
		;
	if (stuck)
		return;
	*reg(DR) = (unsigned char)c;
}

static int pl011_getc(void)
{
	return *reg(FR) & FR_RXFE ? -EAGAIN : (int)(*reg(DR) & 0xff);
}

const struct uart uart_pl011 = {
	.kind = DEV_UART_PL011,
	.open = pl011_open,
	.putc = pl011_putc,
	.getc = pl011_getc,
};
