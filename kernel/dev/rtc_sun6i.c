/* SPDX-License-Identifier: MIT */
/* The real-time clock of Allwinner's chips from the A31 on (H3 Datasheet V1.2, §4.8). Counted in
 * years from 1970, of which six bits hold those up to 2033; Linux reads it the same way. One
 * that stands still (its crystal does, or QEMU 7.2's -M orangepi-pc, which shows when it was
 * started) is believed once, and no more. Outside: it shows UTC. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/date.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define YY_MM_DD 0x10
#define HH_MM_SS 0x14
#define YEAR_BASE 1970u
#define STILL MILLIS(1100)     /* as long as this no second lasts */

static uintptr_t base SEALED;
static uint32_t shown;         /* HH_MM_SS when it was seen to change */
static ktime changed;
static bool still;

static uint32_t get(unsigned offset)
{
	return *(volatile uint32_t *)(base + offset);
}

static int sun6i_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = (uintptr_t)dev->base;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_DEVICE);
	shown = get(HH_MM_SS);
	changed = clock_now();
	return 0;
}

static bool stands(uint32_t time)
{
	if (time != shown) {
		shown = time;
		changed = clock_now();
	} else if (!still && clock_now() - changed > STILL) {
		log_warn("clock: the real-time clock stands still");
		still = true;
	}
	return still;
}

/* Midnight may pass between the two registers: the date is read again last. */
static int sun6i_read(int64_t *unix_s)
{
	uint32_t day = get(YY_MM_DD), time = get(HH_MM_SS);
	struct date d = {
		.second = time & 0x3f, .minute = time >> 8 & 0x3f, .hour = time >> 16 & 0x1f,
		.day = day & 0x1f, .month = day >> 8 & 0xf, .year = YEAR_BASE + (day >> 16 & 0x3f),
	};

	if (stands(time))
		return -EIO;
	if (get(YY_MM_DD) != day)
		return -EAGAIN;
	return date_unix(&d, unix_s);
}

const struct rtc rtc_sun6i = {
	.kind = DEV_RTC_SUN6I,
	.open = sun6i_open,
	.read = sun6i_read,
};
