/* sources: kernel/clock.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/clock.c: the arithmetic at many rates, and a rate that changes. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>

#include "kernel/arch.h"
#include "kernel/clock_scale.h"

static uint64_t ticks, hz = 1000000000;

uint64_t arch_ticks(void)
{
	return ticks;
}

uint64_t arch_ticks_hz(void)
{
	return hz;
}

static const uint64_t rates[] = {
	CLOCK_HZ_MIN, 1000000, 24000000, 54000000, 62500000, 1000000000, 2893437211, 5000000000,
	CLOCK_HZ_MAX,
};

static void test_scale(void **state)
{
	static const uint64_t seconds[] = { 0, 1, 60, 86400, 86400ull * 365 * 5 };

	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		struct clock_scale s;

		clock_scale_set(&s, 12345, 678, rates[i]);
		for (unsigned k = 0; k < ARRAY_LEN(seconds); k++) {
			ktime want = 678 + SECONDS((int64_t)seconds[k]);
			ktime got = clock_scale_ns(&s, 12345 + seconds[k] * rates[i]);

			assert_true(llabs(got - want) <= 1 + (ktime)(seconds[k] / 1000));
		}
	}
}

/* A deadline is never early, and late by a tick and 2^-30 at most. */
static void test_deadlines(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		struct clock_scale s;

		clock_scale_set(&s, 1000, 0, rates[i]);
		for (ktime ahead = 1; ahead < SECONDS(80000); ahead = ahead * 3 + 1) {
			uint64_t now = 1000 + rates[i] * 100;
			ktime from = clock_scale_ns(&s, now);
			uint64_t at = clock_scale_ticks(&s, now, from + ahead);
			ktime late = clock_scale_ns(&s, at) - (from + ahead);
			double tick = 1e9 / (double)rates[i];

			assert_true(late >= 0);
			assert_true((double)late <= 2 * tick + 2 + (double)ahead * tick / 1e6);
		}
		assert_int_equal(clock_scale_ticks(&s, 5000, -5), 5000);
		assert_true(clock_scale_ticks(&s, 5000, FOREVER - 1) <=
			    5000 + rates[i] * 86400 / 1000 * 1005 + 1);
	}
}

static void test_new_rate(void **state)
{
	ktime last = clock_now(), now;

	for (unsigned i = 0; i < 1000; i++) {
		ticks += 1000000;
		hz = i % 7 == 0 ? 1000000000 + i * 100 : hz;
		now = clock_now();
		assert_true(now > last && now - last <= 1000001 && now - last > 999890);
		last = now;
	}
	assert_true(clock_ticks_at(FOREVER) == UINT64_MAX);
	assert_true(clock_ticks_at(last) == ticks);
	assert_int_equal(clock_after_ms(5), clock_now() + 5000000);
	assert_int_equal(clock_after_ms(-5), clock_now() - 5000000);
	assert_true(clock_after_ms(1000000000000) == clock_now() + SECONDS(1000000000));
	assert_true(clock_after_ms(INT64_MAX) == FOREVER);
	assert_true(clock_after_ms(INT64_MAX / 1000000) == FOREVER);
}

static void test_bad_rate(void **state)
{
	struct clock_scale s;

	assert_true(PANICS(clock_scale_set(&s, 0, 0, 0)));
	assert_true(PANICS(clock_scale_set(&s, 0, 0, CLOCK_HZ_MAX + 1ull)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_new_rate),
		cmocka_unit_test(test_bad_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
