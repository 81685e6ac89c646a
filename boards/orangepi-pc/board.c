/* SPDX-License-Identifier: MIT */
/* Xunlong Orange Pi PC: console on UART0, three pins beside the power jack; Ethernet with the
 * PHY on the chip. Allwinner H3 Datasheet V1.2: §3.1 (memory), §4.12 (interrupts). */
#include "kernel/dev.h"
#include "kernel/dev/chip_h3.h"
#include "net/netdev.h"

extern const struct uart uart_8250;
extern const struct rtc rtc_sun6i;
extern const struct watchdog watchdog_sunxi;
extern const struct netdev_ops sun8i_emac;

static const struct device devices[] = {
	{ .kind = DEV_UART_16550, .irq = 32 + 0, .base = 0x01c28000, .size = 0x400 },
	{ .kind = DEV_GICV2, .base = 0x01c81000, .size = 0x1000, .base2 = 0x01c82000,
	  .size2 = 0x2000 },
	{ .kind = DEV_RTC_SUN6I, .irq = 32 + 40, .base = 0x01f00000, .size = 0x400 },
	{ .kind = DEV_WATCHDOG_SUNXI, .irq = 32 + 25, .base = 0x01c20ca0, .size = 0x20 },
	{ .kind = DEV_SUN8I_EMAC, .irq = 32 + 82, .base = 0x01c30000, .size = 0x10000,
	  .base2 = H3_SYSCON_EMAC, .size2 = 4, .arg = H3_SID },
	{ .kind = DEV_NONE },
};

const struct board board = {
	.name = "Orange Pi PC",
	.devices = devices,
	.clock_hz = 24000000,              /* of the generic timer, should CNTFRQ not tell */
	.start = h3_start,
};

const struct bus *const board_buses[] = { NULL };
const struct uart *const board_uarts[] = { &uart_8250, NULL };
const struct rtc *const board_rtcs[] = { &rtc_sun6i, NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { NULL };
const struct watchdog *const board_watchdogs[] = { &watchdog_sunxi, NULL };
const struct source *const board_sources[] = { NULL };
const struct netdev_ops *const board_netdevs[] = { &sun8i_emac, NULL };
