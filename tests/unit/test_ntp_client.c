/* sources: net/ntp/sync.c net/ntp/filter.c net/ntp/vote.c net/ntp/loop.c net/ntp/leap.c
 * kernel/date.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/ntp/sync.c with invented servers: each says the true time, which only the test knows, or
 * what it likes, over a path with a delay. The clock that it is told of is a line. */
#include "tests/unit/fake_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "net/ntp/impl.h"

#define MS MILLIS(1)
#define START 1795383459               /* in November 2026 */

struct ntp_server ntp_servers[BUDGET_NTP_SERVERS];
unsigned ntp_server_count;

static ktime mono, anchor;
static int64_t truth, line;            /* line: the clock's time at `anchor` */
static int32_t rate;
static bool known;
static unsigned restarts;
static int64_t lie[BUDGET_NTP_SERVERS];

ktime clock_now(void)
{
	return mono;
}

int64_t clock_aim_ns(ktime at)
{
	return known ? line + (at - anchor) + (at - anchor) / 1000 * rate / 1000000 : at;
}

void clock_teach(ktime at, int64_t unix_ns, int32_t ppb)
{
	line = unix_ns;
	anchor = at;
	rate = ppb;
	known = true;
}

struct clock_status clock_status(void)
{
	return (struct clock_status){ .source = known ? CLOCK_NTP : CLOCK_NONE };
}

void net_timer_due(ktime t)
{
}

void ntp_restart(ktime when)
{
	restarts++;
	for (unsigned i = 0; i < ntp_server_count; i++)
		ntp_servers[i].filter.count = ntp_servers[i].reach = 0;
	ntp_sync_restart(when);
}

/* The monotonic clock is slow by 30 ppm. */
static void pass(int64_t ns)
{
	truth += ns;
	mono += ns - ns / 1000000 * 30;
	ntp_sync_timer(mono);
}

static int64_t off(void)
{
	return clock_aim_ns(mono) - truth;
}

static void answer(unsigned i, int64_t delay)
{
	struct ntp_sample s = {
		.at = mono, .unix_ns = truth + lie[i], .delay = (uint32_t)delay, .root = 100000,
	};

	ntp_servers[i].reach = (uint8_t)(ntp_servers[i].reach << 1 | 1);
	ntp_servers[i].stratum = 2;
	ntp_sync_sample(&ntp_servers[i], &s);
}

static void silent(unsigned i)
{
	ntp_servers[i].reach = (uint8_t)(ntp_servers[i].reach << 1);
}

/* One round of all servers, each with some delay and half as much noise. */
static void round_of(int64_t noise)
{
	for (unsigned i = 0; i < ntp_server_count; i++) {
		int64_t was = lie[i];

		lie[i] += noise ? rand() % noise - noise / 2 : 0;
		answer(i, MS / 5 + noise);
		lie[i] = was;
	}
}

static void begin(unsigned servers)
{
	memset(ntp_servers, 0, sizeof(ntp_servers));
	memset(lie, 0, sizeof(lie));
	ntp_server_count = servers;
	truth = SECONDS(START);
	mono += SECONDS(100000);
	known = false;
	rate = 0;
	restarts = 0;
	ntp_restart(mono);
}

static void test_first_fix(void **state)
{
	begin(1);
	answer(0, MS);
	assert_true(known && llabs(off()) < 1000);

	begin(2);                              /* the other is silent */
	answer(0, MS);
	assert_false(known);
	pass(MILLIS(1600));
	assert_true(known && llabs(off()) < MS);

	begin(3);                              /* the liar comes first */
	lie[0] = SECONDS(100);
	answer(0, MS);
	pass(MILLIS(1600));
	assert_false(known);
	answer(1, MS);
	assert_false(known);                   /* one against one */
	answer(2, MS);
	assert_true(known && llabs(off()) < MS);
	assert_int_equal(ntp_servers[0].standing, NTP_FALSETICKER);

	begin(3);                              /* two are silent for long */
	answer(1, MS);
	pass(SECONDS(4));
	assert_false(known);
	pass(SECONDS(2));
	assert_true(known);
	begin(3);
	ntp_servers[0].standing = ntp_servers[2].standing = NTP_KISSED;
	answer(1, MS);
	assert_true(known);
}

static void test_poll(void **state)
{
	unsigned rounds = 0;

	srand(6);
	begin(3);
	while (ntp_sync_poll() < 1024 && rounds < 100) {
		round_of(MS / 10);
		pass(SECONDS(ntp_sync_poll()));
		rounds++;
	}
	assert_in_range(rounds, 12, 60);
	assert_true(llabs(off()) < MS);
	assert_true(abs(rate - 30000) < 3000);
	for (unsigned i = 0; i < 3; i++)
		lie[i] = MILLIS(15);           /* they have changed their minds */
	for (unsigned i = 0; i < 2; i++) {
		round_of(0);
		pass(SECONDS(60));
	}
	lie[0] = lie[1] = lie[2] = MILLIS(45);
	pass(SECONDS(600));
	round_of(0);
	assert_true(ntp_sync_poll() < 1024);
}

/* The honest ones fall silent: while they are remembered, nobody believes the liar. */
static void test_loss(void **state)
{
	struct ntp_status before, after;

	begin(3);
	lie[2] = SECONDS(-50);
	for (unsigned i = 0; i < 10; i++) {
		round_of(0);
		pass(SECONDS(16));
	}
	before = ntp_status();
	for (unsigned i = 0; i < 7; i++) {
		silent(0);
		silent(1);
		answer(2, MS);
		pass(SECONDS(16));
	}
	after = ntp_status();
	assert_true(llabs(off()) < MS && before.synchronised);
	assert_int_equal(after.last_sync, before.last_sync);
	assert_true(after.error - before.error > 7 * 16 * 14000);
	assert_true(after.error - before.error < 7 * 16 * 16000);
}

/* The counter stood still for an hour and nothing else told of it. */
static void test_unseen_pause(void **state)
{
	begin(3);
	for (unsigned i = 0; i < 10; i++) {
		round_of(0);
		pass(SECONDS(16));
	}
	truth += SECONDS(3600);
	answer(0, MS);
	assert_true(off() < -SECONDS(3000));   /* one against two */
	answer(1, MS);
	assert_true(llabs(off()) < 2 * MS);
	answer(2, MS);
	pass(SECONDS(16));
	round_of(0);
	assert_true(llabs(off()) < 2 * MS);
	assert_true(abs(rate - 30000) < 20000);
}

static void leap_of(int seconds)
{
	int64_t end = SECONDS(ntp_month_end(START)), before;

	begin(3);
	truth = end - SECONDS(40);
	ntp_servers[0].leap = ntp_servers[1].leap = (int8_t)seconds;
	for (unsigned i = 0; i < 4; i++) {
		round_of(0);
		pass(SECONDS(2));
	}
	assert_int_equal(ntp_status().leap, seconds);
	restarts = 0;
	pass(end - truth - MILLIS(20));
	assert_int_equal(restarts, 0);
	before = off();
	pass(MILLIS(25));
	assert_int_equal(restarts, 1);
	assert_true(llabs(off() - before + seconds * SECONDS(1)) < MS);
	assert_int_equal(ntp_status().leap, 0);
	truth -= seconds * SECONDS(1);         /* what the servers do */
	ntp_servers[0].leap = ntp_servers[1].leap = 0;
	pass(SECONDS(2));
	round_of(0);
	pass(SECONDS(3));
	assert_int_equal(restarts, 1);
	assert_true(llabs(off()) < MS);
}

static void test_leap(void **state)
{
	leap_of(1);
	leap_of(-1);
	begin(3);                              /* one alone does not announce */
	ntp_servers[2].leap = 1;
	round_of(0);
	assert_int_equal(ntp_status().leap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_fix),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_unseen_pause),
		cmocka_unit_test(test_leap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
