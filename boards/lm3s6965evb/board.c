/* SPDX-License-Identifier: MIT */
/* Stellaris LM3S6965 evaluation board (EKK-LM3S6965): an 8 MHz crystal, the console on UART0
 * behind the debugger's USB port, Ethernet with the PHY on the chip.
 * LM3S6965 data sheet: table 2-1 (memory), table 2-9 (interrupts). */
#include "kernel/dev.h"
#include "kernel/dev/chip_stellaris.h"
#include "net/netdev.h"

extern const struct uart uart_pl011;
extern const struct watchdog watchdog_luminary;
extern const struct netdev_ops stellaris_eth;

static const struct device devices[] = {
	{ .kind = DEV_UART_PL011, .irq = 5, .base = 0x4000c000, .size = 0x1000,
	  .arg = STELLARIS_HZ },
	{ .kind = DEV_STELLARIS_ETH, .irq = 42, .base = 0x40048000, .size = 0x1000,
	  .base2 = STELLARIS_USER_REG0, .size2 = 8, .arg = STELLARIS_HZ },
	{ .kind = DEV_WATCHDOG_LUMINARY, .irq = 18, .base = 0x40000000, .size = 0x1000,
	  .base2 = STELLARIS_SYSCTL, .arg = STELLARIS_HZ },
	{ .kind = DEV_NONE },
};

const struct board board = {
	.name = "lm3s6965evb",
	.devices = devices,
	.clock_hz = STELLARIS_HZ,
	.start = stellaris_start,
	.settings = { 0x3f000, 4096 },
};

const struct bus *const board_buses[] = { NULL };
const struct uart *const board_uarts[] = { &uart_pl011, NULL };
const struct rtc *const board_rtcs[] = { NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { NULL };
const struct watchdog *const board_watchdogs[] = { &watchdog_luminary, NULL };
const struct source *const board_sources[] = { NULL };
const struct netdev_ops *const board_netdevs[] = { &stellaris_eth, NULL };
