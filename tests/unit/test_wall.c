/* sources: kernel/wall.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/wall.c with an invented RTC and invented time: the machine is a true
 * time that only the test knows, a counter that may stop or drift, and an RTC
 * that shows the true time's second. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "kernel/counter.h"
#include "kernel/dev.h"
#include "kernel/task.h"
#include "kernel/wall.h"

#define READ_TIME 500                  /* of the RTC, in ns */

static int64_t truth;                  /* Unix time in ns */
static ktime mono;
static int64_t drift_ppm;
static int rtc_error;
static unsigned elsewhere;             /* reads of which each second is late in coming back */
static bool always_elsewhere;
static ktime updated;                  /* until then the RTC just updates */
static unsigned updates;               /* reads that say so and are late in coming back */
static void (*follower)(void *);
static bool find_wanted;
static bool exact;                     /* the RTC tells nanoseconds */
static unsigned reads, sleeps, late_every;
static jmp_buf out_of_task;

static void pass(int64_t ns)
{
	truth += ns;
	mono += ns + ns / 1000000 * drift_ppm;
}

ktime clock_now(void)
{
	return mono;
}

int rtc_read(int64_t *unix_ns, uint32_t *width)
{
	*width = exact ? 0 : SECONDS(1);
	if (exact) {
		*unix_ns = truth;
		return rtc_error;
	}
	reads++;
	pass(READ_TIME);
	*unix_ns = truth - truth % SECONDS(1);
	if (always_elsewhere || (elsewhere > 0 && elsewhere-- % 2))
		pass(MILLIS(700));
	if (updates > 0) {
		updates--;
		pass(MILLIS(300));
		return -EAGAIN;
	}
	return mono < updated ? -EAGAIN : rtc_error;
}

int task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	follower = fn;
	return 0;
}

int task_sleep(ktime deadline)
{
	sleeps++;
	if (deadline > mono)
		pass(deadline - mono + 20000);
	if (late_every && rand() % late_every == 0)
		pass(rand() % MILLIS(500));
	return 0;
}

void counters_add(struct counter *table, unsigned n)
{
}

void task_state(const char *state)
{
}

void event_signal(struct event *e)
{
	find_wanted = true;
}

/* The follower waits for its next turn: back to the test. */
int event_wait(struct event *e, ktime deadline)
{
	longjmp(out_of_task, 1);
}

static void find_edges(void)
{
	find_wanted = false;
	if (setjmp(out_of_task) == 0)
		follower(NULL);
}

static double off(void)
{
	return clock_unix() - (double)truth / 1e9;
}

static int setup(void **state)
{
	truth = 1795383459876543210;
	mono = 5000000;
	drift_ppm = 0;
	rtc_error = 0;
	sleeps = 0;
	return 0;
}

/* An RTC that shows whole seconds, and one that shows all, read at once. */
static enum wall_verdict compare(struct wall *w, ktime now, int64_t second)
{
	return wall_compare(w, &(struct reading){ now, now, SECONDS(second), SECONDS(1) });
}

static enum wall_verdict compare_ns(struct wall *w, ktime now, int64_t unix_ns)
{
	return wall_compare(w, &(struct reading){ now, now, unix_ns, 0 });
}

/* ---- Pure arithmetic --------------------------------------------------------- */

static void test_never_backwards(void **state)
{
	struct wall w = { .told = true };
	int64_t last = 0;

	srand(1);
	wall_set(&w, 0, 1000000);
	for (ktime now = 0; now < SECONDS(100); now += 1 + rand() % 3000000) {
		int64_t at = wall_at(&w, now);

		assert_true(at >= last);
		last = at;
		if (rand() % 50 == 0)
			wall_correct(&w, now, at + rand() % SECONDS(2) - SECONDS(1));
	}
}

static void test_slew(void **state)
{
	struct wall w = { .told = true };

	wall_set(&w, 0, SECONDS(100));
	wall_correct(&w, 0, SECONDS(100) - MILLIS(300));
	assert_true(wall_at(&w, MILLIS(200)) == SECONDS(100) + MILLIS(100));
	assert_true(wall_at(&w, SECONDS(1)) == SECONDS(101) - MILLIS(300));
	wall_correct(&w, SECONDS(1), SECONDS(101));
	assert_true(wall_at(&w, SECONDS(1)) == SECONDS(101) - MILLIS(300));
	assert_true(wall_at(&w, SECONDS(2)) == SECONDS(102));
	assert_int_equal(w.steps, 0);
	wall_correct(&w, SECONDS(2), SECONDS(200));
	assert_true(wall_at(&w, SECONDS(2)) == SECONDS(200));
	assert_int_equal(w.steps, 1);
	assert_int_equal(w.slews, 2);
	wall_correct(&w, SECONDS(2), SECONDS(200) + MILLIS(1));    /* a small one is slow */
	assert_true(wall_at(&w, SECONDS(2) + MILLIS(128)) == SECONDS(200) + MILLIS(128) + 500000);
	assert_true(wall_at(&w, SECONDS(3)) == SECONDS(201) + MILLIS(1));
}

/* While nobody has been told the time it may jump, even back. */
static void test_untold(void **state)
{
	struct wall w = { 0 };

	wall_set(&w, 0, SECONDS(7200));
	wall_teach(&w, 0, SECONDS(3600), 0);
	assert_true(wall_at(&w, 0) == SECONDS(3600));
	assert_int_equal(w.steps, 1);
	w.told = true;
	wall_teach(&w, 0, SECONDS(3599), 0);
	assert_true(wall_at(&w, 0) == SECONDS(3600));
	assert_true(wall_at(&w, SECONDS(2)) == SECONDS(3601));
	assert_int_equal(w.steps, 1);
}

/* Without a clock of the machine's own, the first time that is heard is a step. */
static void test_first_heard(void **state)
{
	struct wall w = { 0 };

	wall_teach(&w, 0, SECONDS(3600), 0);
	assert_true(w.known && wall_at(&w, 0) == SECONDS(3600));
	assert_int_equal(w.steps, 1);
	assert_int_equal(w.slews, 0);
}

/* A clock that gains, for months; and before its anchor it is on the same line. */
static void test_rate(void **state)
{
	static const int32_t rates[] = { 0, 1000, -1000, 100000, -WALL_PPB_MAX, WALL_PPB_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		struct wall w = { 0 };
		ktime now = SECONDS(500);

		wall_teach(&w, now, SECONDS(1000), rates[i]);
		for (unsigned days = 1; days < 12; days++) {
			ktime passed = SECONDS(86400) * days;
			int64_t want = passed / 1000000000 * rates[i];
			int64_t got = wall_at(&w, now + passed) - SECONDS(1000) - passed;

			assert_true(llabs(got - want) <= passed >> 32);
			got = wall_aim(&w, now - passed) - SECONDS(1000) + passed;
			assert_true(llabs(got + want) <= passed >> 32);
		}
	}
	{
		struct wall w = { 0 };

		wall_teach(&w, 0, SECONDS(1), INT32_MAX);
		assert_true(wall_at(&w, SECONDS(1)) <= SECONDS(2) + WALL_PPB_MAX);
	}
}

/* A time server knows better than the RTC, which then only tells of pauses. */
static void test_taught(void **state)
{
	struct wall w = { .told = true };
	ktime now = SECONDS(3);

	wall_teach(&w, 0, SECONDS(90), 0);
	assert_true(w.known && w.taught && wall_at(&w, 0) == SECONDS(90));

	w = (struct wall){ .told = true };
	wall_set(&w, 0, SECONDS(100));         /* by an RTC that is late by 0.7 s */
	wall_edge(&w, 0, SECONDS(100), 0);
	wall_teach(&w, 0, SECONDS(100) + MILLIS(700), 0);
	assert_true(wall_at(&w, 0) == SECONDS(100));
	assert_true(wall_aim(&w, 0) == SECONDS(100) + MILLIS(700));
	assert_int_equal(compare(&w, MILLIS(10), 100), WALL_AGREES);    /* while it slews */
	for (int i = 3; i < 100; i++) {
		now = SECONDS(i) + MILLIS(10 * i);
		assert_true(wall_at(&w, now) == SECONDS(100) + MILLIS(700) + now);
		assert_int_equal(compare(&w, now, 100 + i), WALL_AGREES);
	}
	wall_edge(&w, now, SECONDS(199), now - MILLIS(990));
	assert_int_equal(w.behind, MILLIS(700));
	wall_edge(&w, now, SECONDS(199), now - MILLIS(940));    /* the edge is known better */
	assert_int_equal(w.behind, MILLIS(750));
	assert_int_equal(compare(&w, now + MILLIS(80), 199), WALL_DRIFTED);
	assert_int_equal(w.behind, MILLIS(770));
	assert_true(wall_at(&w, now) == SECONDS(100) + MILLIS(700) + now);

	assert_int_equal(compare(&w, now, 4000), WALL_LOST);
	assert_false(w.taught);
	assert_true(wall_at(&w, now) == SECONDS(4000) + MILLIS(1270));
	assert_int_equal(compare(&w, now + MILLIS(1), 4001), WALL_AGREES);
	wall_edge(&w, now + MILLIS(100), SECONDS(4001), now + MILLIS(1));
	assert_true(wall_aim(&w, now + MILLIS(1)) == SECONDS(4001) + MILLIS(770));
	wall_teach(&w, now + MILLIS(200), SECONDS(4002), 0);
	assert_true(wall_at(&w, now + SECONDS(2)) == SECONDS(4003) + MILLIS(800));
}

static void test_compare(void **state)
{
	struct wall w = { .told = true };

	wall_set(&w, 0, SECONDS(100) + MILLIS(500));
	assert_int_equal(compare(&w, MILLIS(530), 100), WALL_AGREES);   /* not phased yet */
	assert_int_equal(compare(&w, MILLIS(990), 100), WALL_AGREES);
	wall_edge(&w, 0, SECONDS(100), MILLIS(-500));
	assert_int_equal(compare(&w, 0, 100), WALL_AGREES);
	assert_int_equal(compare(&w, MILLIS(503), 100), WALL_AGREES);
	assert_int_equal(compare(&w, MILLIS(530), 100), WALL_DRIFTED);
	assert_int_equal(compare(&w, MILLIS(530), 90), WALL_SET_BACK);
	assert_int_equal(compare(&w, MILLIS(530), 170), WALL_LOST);
	assert_true(wall_at(&w, MILLIS(530)) == SECONDS(170) + MILLIS(500));
}

/* A reading that was long in coming agrees with all that its time allows, and no more. */
static void test_window(void **state)
{
	struct wall w = { .told = true };
	struct reading r = { SECONDS(1), SECONDS(3), SECONDS(101), SECONDS(1) };

	wall_set(&w, 0, SECONDS(100));
	wall_edge(&w, 0, SECONDS(100), 0);
	assert_int_equal(wall_compare(&w, &r), WALL_AGREES);
	r.time = SECONDS(103);
	assert_int_equal(wall_compare(&w, &r), WALL_AGREES);
	r.time = SECONDS(103) + MILLIS(50);
	assert_int_equal(wall_compare(&w, &r), WALL_DRIFTED);
	assert_true(wall_aim(&w, SECONDS(3)) == SECONDS(103) + MILLIS(50));
	r = (struct reading){ SECONDS(5), SECONDS(6), SECONDS(104), SECONDS(1) };
	assert_int_equal(wall_compare(&w, &r), WALL_DRIFTED);   /* that second was over before */
	assert_true(wall_aim(&w, SECONDS(5)) == SECONDS(105));
	r.time = SECONDS(500);
	assert_int_equal(wall_compare(&w, &r), WALL_LOST);
	assert_true(wall_at(&w, SECONDS(6)) == SECONDS(501));    /* the middle of 500 to 502 */

	r = (struct reading){ SECONDS(8), SECONDS(9), SECONDS(503) + MILLIS(500), 0 };
	assert_int_equal(wall_compare(&w, &r), WALL_AGREES);
	r.time = SECONDS(600);
	assert_int_equal(wall_compare(&w, &r), WALL_LOST);
	assert_true(wall_at(&w, SECONDS(9)) == SECONDS(600) + MILLIS(500));
}

/* A pause of 1.2 s before the first edge. */
static void test_early_pause(void **state)
{
	struct wall w = { .told = true };

	wall_set(&w, 0, SECONDS(100) + MILLIS(500));
	assert_int_equal(compare(&w, MILLIS(100), 101), WALL_AGREES);
	assert_int_equal(compare(&w, MILLIS(100), 102), WALL_LOST);
}

/* An RTC that stands still, or was set back, changes nothing once somebody knows better. */
static void test_set_back(void **state)
{
	struct wall w = { .told = true };
	int64_t aim;

	wall_set(&w, 0, SECONDS(100) + MILLIS(500));
	wall_teach(&w, 0, SECONDS(100) + MILLIS(700), 0);
	aim = wall_aim(&w, SECONDS(3));
	assert_int_equal(compare(&w, SECONDS(3), 100), WALL_SET_BACK);
	assert_true(w.taught);
	assert_true(wall_aim(&w, SECONDS(3)) == aim);
	assert_int_equal(compare(&w, SECONDS(3), 100), WALL_AGREES);
}

/* One that has shown no edge yet is not followed back: it may stand still. */
static void test_stands_still(void **state)
{
	struct wall w = { 0 };

	wall_set(&w, 0, SECONDS(100) + MILLIS(500));
	for (unsigned s = 1; s < 100; s++) {
		assert_int_equal(compare(&w, SECONDS(s), 100), WALL_AGREES);
		assert_true(wall_at(&w, SECONDS(s)) == SECONDS(100 + s) + MILLIS(500));
	}
	assert_int_equal(compare(&w, SECONDS(100), 300), WALL_LOST);
}

static void test_compare_ns(void **state)
{
	struct wall w = { .told = true };

	wall_set(&w, 0, SECONDS(100));
	assert_int_equal(compare_ns(&w, SECONDS(1), SECONDS(101) + 10), WALL_AGREES);
	assert_int_equal(w.slews, 0);
	assert_int_equal(compare_ns(&w, SECONDS(1), SECONDS(101) + MILLIS(1)), WALL_DRIFTED);
	assert_true(wall_aim(&w, SECONDS(1)) == SECONDS(101) + MILLIS(1));
	wall_teach(&w, SECONDS(2), SECONDS(107), 0);
	assert_int_equal(w.behind, SECONDS(5) - MILLIS(1));
	assert_int_equal(compare_ns(&w, SECONDS(3), SECONDS(103)), WALL_DRIFTED);
	assert_int_equal(w.behind, SECONDS(5));
	assert_int_equal(compare_ns(&w, SECONDS(3), SECONDS(9000)), WALL_LOST);
	assert_true(wall_at(&w, SECONDS(3)) == SECONDS(9005));
}

/* ---- The whole clock, in this order: its state is the module's ---------------- */

static void test_unknown(void **state)
{
	int64_t ns;

	rtc_error = -ENODEV;
	clock_start_wall();
	assert_null(follower);
	assert_true(isnan(clock_unix()));
	assert_int_equal(clock_unix_ns(&ns), -EAGAIN);
	rtc_error = -ERANGE;
	clock_start_wall();
	pass(SECONDS(3));
	assert_true(isnan(clock_unix()));
	rtc_error = -EAGAIN;
	pass(SECONDS(3));
	assert_true(isnan(clock_unix()));
	rtc_error = 0;
	elsewhere = 1;
	truth += MILLIS(500) - truth % SECONDS(1);
	pass(MILLIS(1));                        /* not a second later */
	assert_true(fabs(off()) <= 0.5);
}

static void test_boot(void **state)
{
	clock_start_wall();
	assert_true(fabs(off()) <= 0.5);
	find_edges();
	assert_in_range(sleeps, 3, 110);
	pass(SECONDS(2));
	assert_true(fabs(off()) < 0.0003);
}

/* A busy machine: looks come late, by up to half a second. */
static void test_late_looks(void **state)
{
	srand(3);
	for (unsigned i = 0; i < 20; i++) {
		late_every = 60 + rand() % 100;
		find_edges();
		late_every = 0;
		pass(SECONDS(2));
		assert_true(fabs(off()) < 0.0003);
	}
}

static unsigned pauses_told;

static void count_pause(void)
{
	pauses_told++;
}

static void test_pause(void **state)
{
	static const int64_t pauses[] = { MILLIS(1500), SECONDS(10), SECONDS(60), SECONDS(86400) };

	clock_on_pause(count_pause);
	for (unsigned i = 0; i < ARRAY_LEN(pauses); i++) {
		double before = clock_unix();

		pass(MILLIS(2));
		truth += pauses[i];             /* the counter stood still */
		assert_true(fabs(off()) <= 1.005);
		assert_true(clock_unix() > before);
		assert_int_equal(pauses_told, i + 1);
		if (find_wanted)
			find_edges();
		pass(SECONDS(3));
		clock_unix();
		pass(SECONDS(3));
		assert_true(fabs(off()) < 0.2);
	}
	find_edges();
	pass(SECONDS(2));
	assert_true(fabs(off()) < 0.0003);
}

/* One that falls within the millisecond after a look, before a request comes. */
static void test_pause_at_once(void **state)
{
	double before = clock_unix();

	truth += SECONDS(3600);
	pass(MILLIS(1) / 10);
	clock_expire();
	assert_true(fabs(off()) <= 1.005);
	assert_true(clock_unix() > before + 3598);
	find_edges();
	pass(SECONDS(3));
}

static void test_cost(void **state)
{
	reads = 0;
	for (unsigned i = 0; i < 100000; i++) {
		clock_unix();
		pass(30000);
	}
	assert_in_range(reads, 2000, 3001);
	reads = 0;
	for (unsigned i = 0; i < 100; i++) {
		clock_expire();                 /* a batch of requests looks once */
		for (unsigned j = 0; j < 10; j++) {
			clock_unix();
			pass(1000);
		}
	}
	assert_in_range(reads, 100, 101);
}

/* An RTC that cannot be asked: there may have been a pause. */
static void test_doubt(void **state)
{
	int64_t ns, before;

	rtc_error = -EAGAIN;
	pass(MILLIS(1));
	assert_int_equal(clock_unix_ns(&ns), -EAGAIN);
	assert_int_equal(clock_unix_ns(&ns), -EAGAIN);
	pass(MILLIS(1));
	before = truth;
	assert_int_equal(clock_unix_ns(&ns), -EAGAIN);
	assert_in_range(truth - before, 1, MILLIS(6));   /* not all that a busy host may take */
	rtc_error = 0;
	pass(MILLIS(1));
	assert_int_equal(clock_unix_ns(&ns), 0);
}

/* The longest update of an MC146818A hides no time, nor does a host that does it late. */
static void test_update(void **state)
{
	int64_t ns;

	pass(MILLIS(1));
	updated = mono + 2200000;
	assert_int_equal(clock_unix_ns(&ns), 0);
	pass(MILLIS(1));
	updated = mono + MILLIS(100);
	assert_int_equal(clock_unix_ns(&ns), 0);
	updated = 0;
	pass(MILLIS(1));
	updates = 1;                            /* nor one that was busy elsewhere for long */
	assert_int_equal(clock_unix_ns(&ns), 0);
}

/* What was read is not the time at which it comes back, and however late that is, the time is
 * known; a pause is seen all the same. */
static void test_elsewhere(void **state)
{
	unsigned told = pauses_told;

	for (unsigned i = 0; i < 20; i++) {
		elsewhere = 3;
		pass(MILLIS(1370));
		assert_true(fabs(off()) < 0.01);
	}
	always_elsewhere = true;
	for (unsigned i = 0; i < 20; i++) {
		pass(MILLIS(1370));
		assert_true(fabs(off()) < 0.01);
	}
	find_edges();                           /* nor is a good clock moved */
	assert_true(fabs(off()) < 0.01);
	assert_int_equal(pauses_told, told);
	truth += SECONDS(3600);
	pass(MILLIS(1));
	assert_true(fabs(off()) < 1);
	assert_int_equal(pauses_told, told + 1);
	always_elsewhere = false;
	find_edges();
	pass(MILLIS(1500));
	assert_true(fabs(off()) < 0.01);
}

static void test_drift(void **state)
{
	double worst = 0, last = 0;

	drift_ppm = 300;
	srand(2);
	for (unsigned i = 0; i < 20000; i++) {
		pass(1 + rand() % MILLIS(400));
		assert_true(clock_unix() >= last);
		last = clock_unix();
		worst = fmax(worst, fabs(off()));
		if (find_wanted)
			find_edges();
	}
	assert_true(worst < 0.1);
}

static void test_dead_rtc(void **state)
{
	struct finder f = { 0 };
	ktime next, now = 1;

	do {
		struct reading r = { now, now, SECONDS(4711), SECONDS(1) };

		next = finder_step(&f, &r);
		now = next;
	} while (next > 0);
	assert_int_equal(next, FINDER_FAILED);
	rtc_error = -EIO;
	find_edges();
	assert_non_null(follower);
}

/* An RTC that tells nanoseconds: right at once after a pause, and no search. */
static void test_exact(void **state)
{
	unsigned before = pauses_told;
	double last;

	exact = true;
	drift_ppm = 0;
	rtc_error = 0;
	follower = NULL;
	find_wanted = false;
	clock_start_wall();
	assert_null(follower);
	pass(SECONDS(10));
	clock_unix();
	assert_true(fabs(off()) < 1e-6);
	last = clock_unix();
	truth += SECONDS(7);
	pass(MILLIS(1));
	assert_true(fabs(off()) < 1e-6);
	assert_true(clock_unix() > last);
	assert_int_equal(pauses_told, before + 1);
	assert_false(find_wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_never_backwards, setup),
		cmocka_unit_test_setup(test_slew, setup),
		cmocka_unit_test_setup(test_taught, setup),
		cmocka_unit_test_setup(test_untold, setup),
		cmocka_unit_test_setup(test_first_heard, setup),
		cmocka_unit_test_setup(test_rate, setup),
		cmocka_unit_test_setup(test_compare, setup),
		cmocka_unit_test_setup(test_window, setup),
		cmocka_unit_test_setup(test_early_pause, setup),
		cmocka_unit_test_setup(test_stands_still, setup),
		cmocka_unit_test_setup(test_compare_ns, setup),
		cmocka_unit_test_setup(test_set_back, setup),
		cmocka_unit_test_setup(test_unknown, setup),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_late_looks),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_pause_at_once),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_dead_rtc),
		cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
