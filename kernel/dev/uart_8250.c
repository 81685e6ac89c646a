/* SPDX-License-Identifier: MIT */
/* 8250-compatible UART in memory, its registers bytes or words (Synopsys DesignWare, as in
 * Allwinner's chips: H3 Datasheet V1.2 §8.3; what ACPI's SPCR names), polled both ways. Speed and
 * format stay as the loader left them. QEMU: the serial ports of -M orangepi-pc. Outside: its
 * registers lie in one page, which has nothing but UARTs. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

enum { RBR = 0, THR = 0, IER = 1, FCR = 2, LSR = 5, REGS = 8 };

#define FCR_ON 0x01            /* FIFOs, as they are */
#define LSR_READY 0x01
#define LSR_EMPTY 0x20         /* of the transmit FIFO */
#define FIFO 16u               /* at least */
#define PORTS_END 0x10000u     /* what lies below is uart_16550.c's */

#define SPINS 20000u           /* then bytes are dropped until the line drains again */

static volatile uint8_t *regs SEALED;
static bool bytes SEALED;      /* a register is one, not a word */
static unsigned room;          /* bytes that surely fit into the FIFO */
static bool stuck;             /* the last wait was in vain: the next are one look */

static uint8_t get(unsigned reg)
{
	return bytes ? regs[reg] : (uint8_t)((volatile uint32_t *)regs)[reg];
}

static void set(unsigned reg, uint8_t value)
{
	if (bytes)
		regs[reg] = value;
	else
		((volatile uint32_t *)regs)[reg] = value;
}

static int uart_open(const struct device *dev)
{
	uintptr_t page = dev->base & ~(uintptr_t)(PAGE_SIZE - 1);

	if (dev->base < PORTS_END)
		return -ENODEV;
	bytes = dev->arg == 1;
	if (dev->base % (bytes ? 1 : 4) || (dev->base & (PAGE_SIZE - 1)) + 4 * REGS > PAGE_SIZE)
		return -EINVAL;
	if (arch_boot_map(page, PAGE_SIZE) != (void *)page)
		return -EINVAL;
	regs = (volatile uint8_t *)(uintptr_t)dev->base;
	arch_map(page, page, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	set(IER, 0);
	set(FCR, FCR_ON);
	return 0;
}

static void uart_putc(char c)
{
	unsigned spins = stuck ? 1 : SPINS;

	for (; room == 0 && spins > 0; spins--)
		if (get(LSR) & LSR_EMPTY)
			room = FIFO;
	stuck = room == 0;
	if (stuck)
		return;
	room--;
	set(THR, (uint8_t)c);
}

static int uart_getc(void)
{
	return get(LSR) & LSR_READY ? get(RBR) : -EAGAIN;
}

const struct uart uart_8250 = {
	.kind = DEV_UART_16550,
	.open = uart_open,
	.putc = uart_putc,
	.getc = uart_getc,
};
