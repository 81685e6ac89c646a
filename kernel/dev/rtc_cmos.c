/* SPDX-License-Identifier: MIT */
/* The PC's real-time clock (Motorola MC146818A; century as ACPI 6.4 §5.2.9 and
 * QEMU have it). Outside: it shows UTC (QEMU: -rtc base=utc, the default). */
#include <errno.h>
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/date.h"
#include "kernel/dev.h"

enum {
	SECOND = 0x00, MINUTE = 0x02, HOUR = 0x04, DAY = 0x07, MONTH = 0x08, YEAR = 0x09,
	STATUS_A = 0x0a, STATUS_B = 0x0b, CENTURY = 0x32,
};

#define SHOWN 6                /* registers that a date is in, but for the century */
#define A_UPDATING 0x80
#define B_BINARY 0x04
#define B_24H 0x02
#define HOUR_PM 0x80
#define ABSENT 0xff

static uint16_t base SEALED;
static uint8_t status_b SEALED;

static uint8_t cmos(uint8_t reg)
{
	out8(base, reg);
	return in8(base + 1);
}

static unsigned number(uint8_t value)
{
	return status_b & B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static int cmos_open(const struct device *dev)
{
	base = (uint16_t)dev->base;
	status_b = cmos(STATUS_B);
	if (status_b == ABSENT)
		return -ENODEV;
	port_allow(base, 2);
	return 0;
}

static unsigned hour(uint8_t raw)
{
	unsigned h = number(raw & (uint8_t)~HOUR_PM);

	if (status_b & B_24H)
		return number(raw);
	return h % 12 + (raw & HOUR_PM ? 12 : 0);
}

static int convert(const uint8_t raw[SHOWN], int64_t *unix_s)
{
	unsigned century = number(cmos(CENTURY));
	struct date d = {
		.second = number(raw[0]), .minute = number(raw[1]), .hour = hour(raw[2]),
		.day = number(raw[3]), .month = number(raw[4]), .year = number(raw[5]),
	};

	d.year += century >= 20 && century < 22 ? century * 100 : 2000;
	return date_unix(&d, unix_s);
}

/* The registers may change between two reads: the second is read again last. Mostly they are as
 * they were the last time. */
static int cmos_read(int64_t *unix_s)
{
	static const uint8_t shown[SHOWN] = { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR };
	static struct {
		uint8_t raw[SHOWN];
		int64_t unix_s;
	} last;
	uint8_t raw[SHOWN];

	if (cmos(STATUS_A) & A_UPDATING)
		return -EAGAIN;
	for (unsigned i = 0; i < SHOWN; i++)
		raw[i] = cmos(shown[i]);
	if ((cmos(STATUS_A) & A_UPDATING) || cmos(SECOND) != raw[0])
		return -EAGAIN;
	if (last.unix_s == 0 || memcmp(raw, last.raw, sizeof(raw)) != 0) {
		int err = convert(raw, &last.unix_s);

		if (err < 0) {
			last.unix_s = 0;
			return err;
		}
		memcpy(last.raw, raw, sizeof(raw));
	}
	*unix_s = last.unix_s;
	return 0;
}

const struct rtc rtc_cmos = {
	.kind = DEV_RTC_CMOS,
	.open = cmos_open,
	.read = cmos_read,
};
