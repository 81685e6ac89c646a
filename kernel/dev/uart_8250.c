/* SPDX-License-Identifier: MIT */
/* 8250-compatible UART with registers of four bytes (Synopsys DesignWare, as in Allwinner's
 * chips: H3 Datasheet V1.2 §8.3), polled both ways. Speed and format stay as the loader left
 * them. QEMU: the serial ports of -M orangepi-pc. Outside: its registers lie in one page,
 * which has nothing but UARTs. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

/* Registers, each in a word. */
enum { RBR = 0, THR = 0, IER = 1, FCR = 2, LSR = 5 };

#define FCR_ON 0x01            /* FIFOs, as they are */
#define LSR_READY 0x01
#define LSR_EMPTY 0x20         /* of the transmit FIFO */
#define FIFO 16u               /* at least */

#define SPINS 20000u           /* then bytes are dropped until the line drains again */

static volatile uint32_t *regs SEALED;
static unsigned room;          /* bytes that surely fit into the FIFO */
static bool stuck;             /* the last wait was in vain: the next are one look */

static int uart_open(const struct device *dev)
{
	uintptr_t page = dev->base & ~(uintptr_t)(PAGE_SIZE - 1);

	if (dev->base % 4 || dev->base < PAGE_SIZE)
		return -EINVAL;
	regs = (volatile uint32_t *)(uintptr_t)dev->base;
	arch_map(page, page, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	regs[IER] = 0;
	regs[FCR] = FCR_ON;
	return 0;
}

static void uart_putc(char c)
{
	unsigned spins = stuck ? 1 : SPINS;

	for (; room == 0 && spins > 0; spins--)
		if (regs[LSR] & LSR_EMPTY)
			room = FIFO;
	stuck = room == 0;
	if (stuck)
		return;
	room--;
	regs[THR] = (uint8_t)c;
}

static int uart_getc(void)
{
	return regs[LSR] & LSR_READY ? (int)(regs[RBR] & 0xff) : -EAGAIN;
}

const struct uart uart_8250 = {
	.kind = DEV_UART_16550,
	.open = uart_open,
	.putc = uart_putc,
	.getc = uart_getc,
};
