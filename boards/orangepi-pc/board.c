/* SPDX-License-Identifier: MIT */
/* Xunlong Orange Pi PC: console on UART0, three pins beside the power jack; Ethernet with the
 * PHY on the chip. Allwinner H3 Datasheet V1.2: §3.1 (memory), §4.12 (interrupts). */
#include "kernel/dev.h"
#include "net/netdev.h"

extern const struct uart uart_8250;

static const struct device devices[] = {
	{ .kind = DEV_UART_16550, .irq = 32 + 0, .base = 0x01c28000, .size = 0x400 },
	{ .kind = DEV_GICV2, .base = 0x01c81000, .size = 0x1000, .base2 = 0x01c82000,
	  .size2 = 0x2000 },
	{ .kind = DEV_NONE },
};

const struct board board = {
	.name = "Orange Pi PC",
	.devices = devices,
	.clock_hz = 24000000,              /* of the generic timer, should CNTFRQ not tell */
};

const struct bus *const board_buses[] = { NULL };
const struct uart *const board_uarts[] = { &uart_8250, NULL };
const struct rtc *const board_rtcs[] = { NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { NULL };
const struct watchdog *const board_watchdogs[] = { NULL };
const struct netdev_ops *const board_netdevs[] = { NULL };
