/* SPDX-License-Identifier: MIT */
/* ARM PL011 UART, polled both ways (ARM DDI 0183G, §3.3).
 * QEMU: the serial port of -M virt, and of -M lm3s6965evb. Speed and format stay as
 * the loader or the machine left them, unless the device's clock, dev->arg in Hz, is
 * known: then it is set up for 115200 baud, 8N1. Outside: its registers fill one page
 * of their own. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define DR 0x00
#define FR 0x18
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define IBRD 0x24
#define FBRD 0x28
#define LCRH 0x2c
#define LCRH_8N1 (3u << 5 | 1u << 4)             /* with FIFOs */
#define CR 0x30
#define CR_ON (1u << 9 | 1u << 8 | 1u << 0)      /* RXE, TXE, UARTEN */

#define BAUD 115200u
#define SPINS 20000u           /* then bytes are dropped until the line drains again */

static uintptr_t base SEALED;
static bool stuck;             /* the last wait was in vain: the next are one look */

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

/* §3.3.6: the divisor in 64ths; §3.3.7: a write to LCRH takes it over. */
static void set_speed(uint32_t hz)
{
	uint32_t divisor = (hz * 4 + BAUD / 2) / BAUD;

	*reg(CR) = 0;
	*reg(IBRD) = divisor / 64;
	*reg(FBRD) = divisor % 64;
	*reg(LCRH) = LCRH_8N1;
}

static int pl011_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	if (dev->arg)
		set_speed(dev->arg);
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
