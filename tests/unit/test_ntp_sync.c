/* sources: net/ntp/filter.c net/ntp/vote.c net/ntp/loop.c net/ntp/leap.c kernel/date.c
 * tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* The arithmetic of the NTP client: filter, vote, discipline, leap seconds. */
#include "tests/unit/fake_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/ntp/impl.h"

#define MS MILLIS(1)
#define US (MILLIS(1) / 1000)

/* ---- Vote ------------------------------------------------------------------------- */

static struct ntp_candidate c[4];
static int64_t offset;

static unsigned vote(unsigned n)
{
	offset = INT64_MIN;
	return ntp_vote(c, n, &offset);
}

static void test_one(void **state)
{
	c[0] = (struct ntp_candidate){ 1795383459876543210, 5 * MS, false };
	assert_int_equal(vote(0), 0);
	assert_int_equal(vote(1), 1);
	assert_true(c[0].chosen && offset == 1795383459876543210);
}

static void test_two(void **state)
{
	c[0] = (struct ntp_candidate){ 0, 5 * MS, false };
	c[1] = (struct ntp_candidate){ 4 * MS, 5 * MS, false };
	assert_int_equal(vote(2), 2);
	assert_in_range(offset, 1990000, 2010000);
	c[1].offset = 11 * MS;
	assert_int_equal(vote(2), 0);
	assert_false(c[0].chosen || c[1].chosen);
	assert_int_equal(offset, INT64_MIN);
}

/* A lone liar, wherever it stands in the list and whatever it says, changes nothing. */
static void test_liar(void **state)
{
	static const int64_t lies[] = { SECONDS(100), -SECONDS(100), 20 * MS, -20 * MS };

	for (unsigned at = 0; at < 4; at++)
		for (unsigned n = 3; n <= 4; n++)
			for (unsigned lie = 0; lie < ARRAY_LEN(lies) && at < n; lie++) {
				for (unsigned i = 0; i < n; i++)
					c[i] = (struct ntp_candidate){ (int)i * MS, 5 * MS, false };
				c[at].offset = lies[lie];
				assert_int_equal(vote(n), n - 1);
				assert_false(c[at].chosen);
				assert_true(offset >= 0 && offset <= 3 * MS);
			}
}

/* Two against two: nobody. */
static void test_split(void **state)
{
	for (unsigned i = 0; i < 4; i++)
		c[i] = (struct ntp_candidate){ i / 2 * SECONDS(1), 5 * MS, false };
	assert_int_equal(vote(4), 0);
}

/* Who claims to know little cannot pull the others out of what they agree on. */
static void test_vague(void **state)
{
	c[0] = (struct ntp_candidate){ 0, 1 * MS, false };
	c[1] = (struct ntp_candidate){ MS / 2, 1 * MS, false };
	c[2] = (struct ntp_candidate){ SECONDS(1), SECONDS(1), false };
	assert_int_equal(vote(3), 3);
	assert_true(offset >= 0 && offset <= 1 * MS);
	c[1] = c[3] = c[2];
	assert_int_equal(vote(4), 4);
	assert_true(offset >= 0 && offset <= 1 * MS);
}

/* The true time, 0, is in the intervals of all honest servers: so is what comes out. */
static void test_random(void **state)
{
	srand(4);
	for (unsigned round = 0; round < 20000; round++) {
		int64_t widest = 0;
		unsigned n = 3 + (unsigned)rand() % 2;

		for (unsigned i = 0; i < n; i++) {
			c[i].distance = 1 + rand() % (20 * MS);
			c[i].offset = rand() % (2 * c[i].distance) - c[i].distance;
			widest = MAX(widest, c[i].distance);
		}
		c[(unsigned)rand() % n].offset = SECONDS(rand() % 1000 - 500);
		assert_true(vote(n) >= n - 1);
		assert_true(llabs(offset) <= 2 * widest);
	}
}

/* ---- Filter ------------------------------------------------------------------------- */

static int64_t line_offset;

static int64_t aim(ktime at)
{
	return at + line_offset;
}

static bool add(struct ntp_filter *f, ktime at, int64_t off, uint32_t delay)
{
	struct ntp_sample s = { .at = at, .unix_ns = at + off, .delay = delay };

	return ntp_filter_add(f, &s, aim);
}

static void test_filter(void **state)
{
	struct ntp_filter f = { 0 };

	line_offset = 0;
	assert_null(ntp_filter_best(&f, 0));
	assert_int_equal(ntp_filter_jitter(&f, 0, aim), 0);
	assert_false(add(&f, SECONDS(10), 3 * MS, 9 * MS));
	assert_false(add(&f, SECONDS(12), 1 * MS, 2 * MS));
	assert_false(add(&f, SECONDS(14), 2 * MS, 4 * MS));
	assert_int_equal(ntp_filter_best(&f, SECONDS(14))->delay, 2 * MS);
	assert_in_range(ntp_filter_jitter(&f, SECONDS(14), aim), 1581138, 1581140);
	for (unsigned i = 0; i < BUDGET_NTP_SAMPLES; i++)      /* the best has gone */
		assert_false(add(&f, SECONDS(16 + i), 2 * MS, 4 * MS));
	assert_int_equal(ntp_filter_best(&f, SECONDS(30))->delay, 4 * MS);
	assert_int_equal(f.count, BUDGET_NTP_SAMPLES);
	assert_false(add(&f, SECONDS(1000), 2 * MS, 6 * MS));  /* age counts, too */
	assert_int_equal(ntp_filter_best(&f, SECONDS(1000))->delay, 6 * MS);
}

/* What cannot be true together with what was said before replaces it. */
static void test_filter_jump(void **state)
{
	struct ntp_filter f = { 0 };

	line_offset = 0;
	for (unsigned i = 0; i < 5; i++)
		assert_false(add(&f, SECONDS(2 * i), i * MS, 1 * MS));
	assert_true(add(&f, SECONDS(12), SECONDS(3600), 30 * MS));
	assert_int_equal(f.count, 1);
	assert_int_equal(ntp_filter_best(&f, SECONDS(12))->delay, 30 * MS);
	line_offset = SECONDS(3600);                           /* the clock is put right */
	assert_false(add(&f, SECONDS(14), SECONDS(3600), 1 * MS));
	assert_true(add(&f, SECONDS(16), 0, 1 * MS));
}

/* ---- Discipline --------------------------------------------------------------------------- */

/* A clock that is wrong by `ppm`, polled every `poll` seconds through a path with noise: its
 * worst error over the second half of `rounds`, in ns. */
static double disciplined(double ppm, int64_t noise, unsigned poll, unsigned rounds, double *rate)
{
	struct ntp_loop l;
	double ours = 0, worst = 0;            /* error of the clock's aim, ns */
	bool surprise;

	ntp_loop_start(&l, 0, noise + 1, true);
	for (unsigned i = 1; i <= rounds; i++) {
		int64_t measured;

		ours += poll * (l.gain * 1e9 - ppm * 1e3);
		if (i > rounds / 2)
			worst = fmax(worst, fabs(ours));
		measured = (int64_t)-ours + (noise ? rand() % (2 * noise) - noise : 0);
		ours += (double)ntp_loop_step(&l, SECONDS(poll) * i, measured, noise + 10000,
					      &surprise);
	}
	*rate = l.gain * 1e6;
	return worst;
}

static void test_loop(void **state)
{
	static const double rates[] = { 0, 1, -20, 100, -300 };
	double rate;

	srand(5);
	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		assert_true(disciplined(rates[i], 0, 16, 40, &rate) < 20e3);
		assert_true(fabs(rate - rates[i]) < 0.1);
		assert_true(disciplined(rates[i], 100 * US, 16, 60, &rate) < 200e3);
		assert_true(fabs(rate - rates[i]) < 1);
		assert_true(disciplined(rates[i], 5 * MS, 64, 100, &rate) < 6e6);
		assert_true(fabs(rate - rates[i]) < 5);
	}
	disciplined(5000, 0, 16, 60, &rate);                    /* no clock is that bad */
	assert_true(fabs(rate) <= 500.001);
}

/* A pause that nothing else told of: corrected at once, and not taken for a wrong rate. */
static void test_loop_pause(void **state)
{
	struct ntp_loop l;
	bool surprise;

	ntp_loop_start(&l, 0, 100 * US, true);
	for (unsigned i = 1; i < 20; i++) {
		assert_true(llabs(ntp_loop_step(&l, SECONDS(16) * i, 0, 100 * US, &surprise)) < US);
		assert_false(surprise);
	}
	assert_true(ntp_loop_step(&l, SECONDS(320), SECONDS(3600), 100 * US, &surprise) ==
		    SECONDS(3600));
	assert_true(surprise && fabs(l.gain) < 1e-7);
}

/* One bad sample of a steady clock moves it little. */
static void test_loop_spike(void **state)
{
	struct ntp_loop l;
	bool surprise;

	ntp_loop_start(&l, 0, 100 * US, true);
	for (unsigned i = 1; i < 20; i++)
		ntp_loop_step(&l, SECONDS(16) * i, 0, 100 * US, &surprise);
	assert_true(ntp_loop_step(&l, SECONDS(320), 10 * MS, 3 * MS, &surprise) < MS);
}

/* ---- Leap seconds ------------------------------------------------------------------ */

static void test_month_end(void **state)
{
	static const struct { int64_t now, end; } months[] = {
		{ 1795383459, 1796083200 },    /* in November 2026 */
		{ 1796083199, 1796083200 },    /* its last second */
		{ 1796083200, 1798761600 },    /* the first of December */
		{ 1830297599, 1830297600 },
		{ 1835308800, 1835481600 },    /* a leap year */
		{ 1803772800, 1803859200 },
		{ 1835481599, 1835481600 },
	};
	int64_t last = 0;

	for (unsigned i = 0; i < ARRAY_LEN(months); i++)
		assert_int_equal(ntp_month_end(months[i].now), months[i].end);
	for (int64_t now = 1795383459; now < 1795383459 + 40ll * 31556952; now += 86400 * 3) {
		int64_t end = ntp_month_end(now);

		assert_true(end > now && end - now <= 31 * 86400 && end % 86400 == 0);
		assert_true(end >= last);
		last = end;
	}
	assert_true(ntp_month_end(9999999999) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_liar),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_vague),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_jump),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loop_pause),
		cmocka_unit_test(test_loop_spike),
		cmocka_unit_test(test_month_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
