/* SPDX-License-Identifier: MIT */
/* 16550A serial port, polled both ways, at I/O ports (National Semiconductor
 * PC16550D §8). 115200 baud, 8N1, FIFO on. */
#include <errno.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/dev.h"

enum { DATA, IER, FCR, LCR, MCR, LSR, MSR, SCR, PORTS };

#define DIVISOR_115200 1
#define LCR_8N1 0x03
#define LCR_DIVISOR 0x83
#define FCR_ON 0x07            /* enabled, both FIFOs cleared */
#define MCR_ON 0x03            /* DTR, RTS */
#define LSR_READY 0x01
#define LSR_EMPTY 0x20         /* of the transmit FIFO */
#define FIFO 16u

#define SPINS 20000u           /* then bytes are dropped until the line drains again */
#define PROBE 0x5a

static uint16_t base SEALED;
static unsigned room;          /* bytes that surely fit into the FIFO */
static bool stuck;             /* the last wait was in vain: the next are one look */

static int uart_open(const struct device *dev)
{
	if (dev->base > 0xffff - PORTS)
		return -ENODEV;             /* uart_8250.c's */
	base = (uint16_t)dev->base;
	out8(base + SCR, PROBE);
	if (in8(base + SCR) != PROBE)
		return -ENODEV;
	out8(base + LCR, LCR_DIVISOR);
	out8(base + DATA, DIVISOR_115200);
	out8(base + IER, 0);
	out8(base + LCR, LCR_8N1);
	out8(base + IER, 0);
	out8(base + FCR, FCR_ON);
	out8(base + MCR, MCR_ON);
	port_allow(base, PORTS);
	return 0;
}

/* A look at LSR costs as much as a byte where a hypervisor answers it: one for
 * each FIFO full. */
static void uart_putc(char c)
{
	unsigned spins = stuck ? 1 : SPINS;

	for (; room == 0 && spins > 0; spins--)
		if (in8(base + LSR) & LSR_EMPTY)
			room = FIFO;
	stuck = room == 0;
	if (stuck)
		return;
	room--;
	out8(base + DATA, (uint8_t)c);
}

static int uart_getc(void)
{
	return in8(base + LSR) & LSR_READY ? in8(base + DATA) : -EAGAIN;
}

const struct uart uart_16550 = {
	.kind = DEV_UART_16550,
	.open = uart_open,
	.putc = uart_putc,
	.getc = uart_getc,
};
