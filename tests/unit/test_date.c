/* SPDX-License-Identifier: MIT */
/* kernel/date.c against the C library; kernel/dev/rtc_sun6i.c on a clock that runs, stands still
 * and talks nonsense. */
/* sources: kernel/date.c kernel/dev/rtc_sun6i.c tests/unit/fake_mmio.c
 * tests/unit/fake_kernel.c */
#define _GNU_SOURCE
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <time.h>

#include "kernel/clock.h"
#include "kernel/date.h"
#include "kernel/dev.h"
#include "tests/unit/fake_mmio.h"

#define YY_MM_DD 0x10
#define HH_MM_SS 0x14

extern const struct rtc rtc_sun6i;

static uintptr_t base;
static ktime now;
static uint32_t day, second_of_day;
static bool midnight;                  /* falls between two looks */

ktime clock_now(void)
{
	return now;
}

static uint32_t packed_day(unsigned year, unsigned month, unsigned d)
{
	return (year - 1970) << 16 | month << 8 | d;
}

static uint32_t rtc_word(unsigned offset)
{
	if (offset == YY_MM_DD)
		return day;
	assert_int_equal(offset, HH_MM_SS);
	if (midnight)
		day = packed_day(2026, 11, 26);
	return second_of_day;
}

static void never(unsigned offset, uint32_t value)
{
	fail_msg("wrote %#x at %#x", (unsigned)value, offset);
}

static int setup(void **state)
{
	static const struct fake_mmio model = { rtc_word, never };

	if (!base)
		base = fake_mmio_map(&model);
	day = packed_day(2026, 11, 25);
	second_of_day = 17 << 16 | 40 << 8 | 59;
	midnight = false;
	return 0;
}

static void test_every_day(void **state)
{
	for (int64_t t = 946684800; t < 7258118400; t += 86399) {
		time_t libc = (time_t)t;
		struct tm tm;
		int64_t unix_s;

		gmtime_r(&libc, &tm);
		assert_int_equal(date_unix(&(struct date){
			(unsigned)tm.tm_sec, (unsigned)tm.tm_min, (unsigned)tm.tm_hour,
			(unsigned)tm.tm_mday, (unsigned)tm.tm_mon + 1,
			(unsigned)tm.tm_year + 1900 }, &unix_s), 0);
		assert_true(unix_s == t);
	}
}

static void test_no_dates(void **state)
{
	static const struct date bad[] = {
		{ 60, 0, 0, 1, 1, 2026 }, { 0, 60, 0, 1, 1, 2026 }, { 0, 0, 24, 1, 1, 2026 },
		{ 0, 0, 0, 0, 1, 2026 }, { 0, 0, 0, 32, 1, 2026 }, { 0, 0, 0, 31, 4, 2026 },
		{ 0, 0, 0, 29, 2, 2026 }, { 0, 0, 0, 29, 2, 2100 }, { 0, 0, 0, 1, 0, 2026 },
		{ 0, 0, 0, 1, 13, 2026 }, { 0, 0, 0, 1, 1, 1999 }, { 0, 0, 0, 1, 1, 2200 },
	};
	int64_t unix_s;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(date_unix(&bad[i], &unix_s), -ERANGE);
	assert_int_equal(date_unix(&(struct date){ 0, 0, 0, 29, 2, 2024 }, &unix_s), 0);
}

/* In this order: a clock that stood still once is not believed again. */
static void test_chip(void **state)
{
	const struct device dev = { .kind = DEV_RTC_SUN6I, .base = base };
	const struct device odd = { .kind = DEV_RTC_SUN6I, .base = base + 4 };
	int64_t unix_s;

	assert_int_equal(rtc_sun6i.open(&odd), -EINVAL);
	assert_int_equal(rtc_sun6i.open(&dev), 0);
	assert_int_equal(rtc_sun6i.read(&unix_s), 0);
	assert_int_equal(unix_s, 1795628459);

	now += SECONDS(1);
	second_of_day = 17 << 16 | 41 << 8;
	midnight = true;
	assert_int_equal(rtc_sun6i.read(&unix_s), -EAGAIN);
	assert_int_equal(rtc_sun6i.read(&unix_s), 0);

	now += SECONDS(1);
	second_of_day = 63;
	assert_int_equal(rtc_sun6i.read(&unix_s), -ERANGE);
	midnight = false;
	day = 0;
	assert_int_equal(rtc_sun6i.read(&unix_s), -ERANGE);

	now += SECONDS(2);
	assert_int_equal(rtc_sun6i.read(&unix_s), -EIO);
	assert_string_equal(fake_log, "clock: the real-time clock stands still");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_no_dates),
		mmio_unit_test_setup(test_chip, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
