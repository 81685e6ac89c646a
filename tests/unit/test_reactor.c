/* sources: net/reactor/reactor.c net/reactor/connection.c kernel/deferred.c
 * tests/unit/fake_kernel.c tests/unit/fake_clock.c */
/* SPDX-License-Identifier: MIT */
/* net/reactor.h: timers in any number and order against a plain list, set, moved and cleared from
 * their own callbacks; delays and timeouts; connections. */
#include "net/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/task.h"
#include "net/net.h"
#include "net/stream.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_kernel.h"

#define TIMERS 3000
#define STEPS 60000

static ktime (*loop_timer)(ktime now);
static ktime due = FOREVER;
static int (*before_wait)(void);

void net_timer_add(ktime (*fn)(ktime now))
{
	loop_timer = fn;
}

void net_timer_due(ktime t)
{
	due = MIN(due, t);
}

void task_before_wait(int (*fn)(void))
{
	before_wait = fn;
}

/* The loop: at `now`, until nothing more is due. */
static void turn(ktime now)
{
	fake_clock = now;
	do
		due = loop_timer(now);
	while (due <= now);
}

static int setup(void **state)
{
	reactor_init();
	return 0;
}

/* ---- Timers -------------------------------------------------------------------------- */

static struct item {
	struct timer timer;
	bool wanted;
	ktime at;
} items[TIMERS];
static unsigned called;
static ktime last_at;

static void on_time(struct timer *t)
{
	struct item *i = container_of(t, struct item, timer);

	assert_true(i->wanted && i->at <= fake_clock && i->at >= last_at);
	assert_int_equal(before_wait(), -EDEADLK);
	last_at = i->at;
	i->wanted = false;
	called++;
}

static void test_timers(void **state)
{
	ktime now = 0;
	unsigned wanted = 0;

	srand(1);
	for (unsigned step = 0; step < STEPS; step++) {
		struct item *i = &items[rand() % TIMERS];

		if (rand() % 4) {
			i->at = now + rand() % 1000;
			i->wanted = true;
			timer_set(&i->timer, i->at, on_time);
			assert_true(due <= i->at);
		} else {
			timer_clear(&i->timer);
			i->wanted = false;
		}
		if (rand() % 50 == 0) {
			now += rand() % 100;
			last_at = 0;
			turn(now);
			for (unsigned n = 0; n < TIMERS; n++)
				assert_false(items[n].wanted && items[n].at <= now);
		}
	}
	for (unsigned n = 0; n < TIMERS; n++)
		wanted += items[n].wanted;
	called = 0;
	last_at = 0;
	turn(now + 1000);
	assert_int_equal(called, wanted);
	assert_true(wanted > TIMERS / 10 && due == FOREVER && !before_wait);
}

static struct timer many[100];
static unsigned rounds;

static void clear_others(struct timer *t)
{
	for (unsigned n = 0; n < ARRAY_LEN(many); n++)
		timer_clear(&many[n]);
	rounds++;
}

static void again(struct timer *t)
{
	if (++rounds < 10)
		timer_set(t, fake_clock + 5, again);
}

/* Callbacks that change the heap under its feet; and more that are due than one batch. */
static void test_callbacks(void **state)
{
	turn(10000);
	for (unsigned n = 0; n < ARRAY_LEN(many); n++)
		timer_set(&many[n], 10010, clear_others);
	turn(10020);
	assert_int_equal(rounds, 1);
	rounds = 0;
	timer_set(&many[0], 10021, again);
	for (ktime now = 10020; now < 10100; now++)
		turn(now);
	assert_int_equal(rounds, 10);
	rounds = 0;
	for (unsigned n = 0; n < ARRAY_LEN(many); n++)
		timer_set(&many[n], 10110, again);
	assert_true(loop_timer(10110) <= 10110 && rounds < ARRAY_LEN(many));
	assert_true(rounds > 0);
	for (unsigned n = 0; n < ARRAY_LEN(many); n++)
		timer_clear(&many[n]);
	assert_int_equal(loop_timer(10110), FOREVER);
}

/* ---- Deferreds ------------------------------------------------------------------------- */

static int got_error;
static unsigned got_values;

static int on_value(void *arg, void **value)
{
	got_values++;
	return 0;
}

static int on_error(void *arg, int error, void **value)
{
	got_error = error;
	return 0;
}

static void test_delay(void **state)
{
	struct delay y;
	struct deferred_link l;

	turn(20000);
	delay_start(&y, 20100);
	deferred_add(&y.d, &l, on_value, on_error, NULL);
	turn(20099);
	assert_int_equal(got_values, 0);
	turn(20100);
	assert_int_equal(got_values, 1);
	delay_start(&y, 20200);
	deferred_add(&y.d, &l, on_value, on_error, NULL);
	deferred_cancel(&y.d);
	assert_int_equal(got_error, -ECANCELED);
	turn(20300);
	assert_int_equal(got_values, 1);
	assert_int_equal(due, FOREVER);
}

/* In time; too late; cancelled for another reason; failed for another reason. */
static void test_timeout(void **state)
{
	for (int how = 0; how < 4; how++) {
		static const int want[] = { 0, -ETIMEDOUT, -ECANCELED, -EIO };
		struct timeout o;
		struct deferred d;
		struct deferred_link l;
		ktime now = 30000 + how * 1000;

		got_error = 0;
		got_values = 0;
		turn(now);
		deferred_init(&d, NULL);
		timeout_start(&o, &d, now + 100);
		deferred_add(&d, &l, on_value, on_error, NULL);
		turn(now + 50);
		if (how == 0)
			deferred_fire(&d, NULL);
		else if (how == 2)
			deferred_cancel(&d);
		else if (how == 3)
			deferred_fail(&d, -EIO);
		turn(now + 200);
		assert_int_equal(got_error, want[how]);
		assert_int_equal(got_values, how == 0);
		assert_int_equal(due, FOREVER);
	}
}

/* ---- Connections ------------------------------------------------------------------------- */

static const struct stream_ops *stream_ops;
static void *stream_conn;
static size_t arrived;

static size_t peek(struct stream *s, const uint8_t **data)
{
	*data = (const uint8_t *)"x";
	return arrived;
}

static void consume(struct stream *s, size_t n) { arrived -= n; }
static bool ended(struct stream *s) { return false; }

static unsigned expected;

void stream_expect(struct stream *s)
{
	expected++;
}

int stream_connect(struct stream **s, const struct endpoint *to, const struct stream_ops *ops,
		   void *conn)
{
	static const struct stream_io io = { .peek = peek, .consume = consume, .ended = ended };
	static struct stream stream = { .io = &io };

	stream_ops = ops;
	stream_conn = conn;
	*s = &stream;
	return 0;
}

bool net_in_loop(void) { return true; }
void net_kick(void) { }

static char order[8];

static void note(char what)
{
	assert_int_equal(before_wait(), -EDEADLK);
	strncat(order, &what, 1);
}

static void made(struct connection *c) { note('m'); }
static void received(struct connection *c, const void *data, size_t len) { note('r'); }
static void lost(struct connection *c, int why) { note('l'); }

/* No callback may put the loop to sleep. */
static void test_connection(void **state)
{
	static const struct protocol p = { .made = made, .received = received, .lost = lost };
	struct connection c;
	struct endpoint to = { .port = 80 };

	assert_int_equal(connection_open(&c, &to, &p), 0);
	arrived = 1;
	stream_ops->ready(stream_conn);
	assert_true(!before_wait);
	assert_int_equal(expected, 0);
	connection_expect(&c);
	assert_int_equal(expected, 1);
	stream_ops->gone(stream_conn, -ECONNRESET);
	connection_expect(&c);
	assert_int_equal(expected, 1);
	assert_true(!before_wait);
	assert_string_equal(order, "mrl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_callbacks),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_connection),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
