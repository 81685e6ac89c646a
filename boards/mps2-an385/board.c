/* SPDX-License-Identifier: MIT */
/* Arm MPS2 with the Cortex-M3 image AN385, all of it clocked with 25 MHz.
 * Arm application note AN385: table 3-1 (memory), table 3-5 (interrupts). */
#include "kernel/dev.h"
#include "net/netdev.h"

#define HZ 25000000u

extern const struct uart uart_cmsdk;
extern const struct watchdog watchdog_cmsdk;
extern const struct netdev_ops lan9118;

static const struct device devices[] = {
	{ .kind = DEV_UART_CMSDK, .irq = 0, .base = 0x40004000, .size = 0x1000, .arg = HZ },
	{ .kind = DEV_LAN9118, .irq = 13, .base = 0x40200000, .size = 0x1000 },
	{ .kind = DEV_WATCHDOG_CMSDK, .base = 0x40008000, .size = 0x1000, .arg = HZ },
	{ .kind = DEV_NONE },
};

const struct board board = {
	.name = "mps2-an385",
	.devices = devices,
	.clock_hz = HZ,
	.settings = { 0x3ff000, 4096 },
};

const struct bus *const board_buses[] = { NULL };
const struct uart *const board_uarts[] = { &uart_cmsdk, NULL };
const struct rtc *const board_rtcs[] = { NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { NULL };
const struct watchdog *const board_watchdogs[] = { &watchdog_cmsdk, NULL };
const struct source *const board_sources[] = { NULL };
const struct netdev_ops *const board_netdevs[] = { &lan9118, NULL };
