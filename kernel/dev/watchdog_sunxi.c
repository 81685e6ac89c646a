/* SPDX-License-Identifier: MIT */
/* The watchdog of Allwinner's chips (H3 Datasheet V1.2, §4.6.3: in the timer block).
 *
 * Its page has the clock control unit's registers, too: after the seal it is fed by the warden,
 * which writes one value for us. QEMU models it from version 8.1 on. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"

#define WDOG_CTRL 0x10
#define CTRL_FEED (0xa57u << 1 | 1)
#define WDOG_CFG 0x14
#define CFG_WHOLE_SYSTEM 1u
#define WDOG_MODE 0x18
#define MODE_ON 1u
#define MODE_INTERVAL(code) ((code) << 4)

/* By code: 0 is half a second, 6 and below are seconds, the rest are these. */
static const uint16_t interval_ms[] = {
	500, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10000, 12000, 14000, 16000,
};

static unsigned bell SEALED;

static int sunxi_open(const struct device *dev, uint32_t timeout_ms)
{
	volatile uint32_t *regs = (volatile uint32_t *)(uintptr_t)dev->base;
	struct arch_queue feed = {
		.notify = regs + WDOG_CTRL / 4, .notify_value = CTRL_FEED, .size = 1,
		.notify_width = 4,
	};
	unsigned code = ARRAY_LEN(interval_ms) - 1;
	int number;

	while (code > 0 && interval_ms[code] > timeout_ms)
		code--;
	if (interval_ms[code] > timeout_ms)
		return -EINVAL;
	number = arch_queue_add(&feed);
	if (number < 0)
		return number;
	bell = (unsigned)number;
	regs[WDOG_CFG / 4] = CFG_WHOLE_SYSTEM;
	regs[WDOG_MODE / 4] = MODE_INTERVAL(code) | MODE_ON;
	if (!(regs[WDOG_MODE / 4] & MODE_ON))
		return -ENODEV;                /* an emulator without it */
	arch_notify(bell);
	return interval_ms[code];
}

static void sunxi_feed(void)
{
	arch_notify(bell);
}

const struct watchdog watchdog_sunxi = {
	.kind = DEV_WATCHDOG_SUNXI,
	.open = sunxi_open,
	.feed = sunxi_feed,
};
