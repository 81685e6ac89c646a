/* sources: kernel/crew.c kernel/job.c kernel/task.c kernel/task_pool.c
 * tests/unit/fake_tasks.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/crew.c: at most so many at once, results, deadlines, cancellation, stacks that run out. */
#include "tests/unit/fake_tasks.h"

#include <errno.h>

#include "kernel/crew.h"
#include "kernel/task.h"

#define N 20

struct item { int ms, result, seen; };

static unsigned inside, most, done;

static int work(void *arg)
{
	struct item *i = arg;
	int err;

	inside++;
	most = MAX(most, inside);
	err = task_sleep(clock_after_ms(i->ms));
	inside--;
	i->seen = err < 0 ? err : i->ms;
	done++;
	return err < 0 ? err : i->result;
}

static void reset(struct item *items)
{
	inside = most = done = 0;
	for (int i = 0; i < N; i++)
		items[i] = (struct item){ .ms = 10 + i };
}

static void test_at_once(void **state)
{
	struct item items[N];

	for (unsigned at_once = 1; at_once <= 2 * N; at_once *= 3) {
		reset(items);
		assert_int_equal(crew_map("work", at_once, work, items, sizeof(*items), N, FOREVER),
				 0);
		assert_int_equal(most, MIN(at_once, N));
		assert_int_equal(done, N);
		for (int i = 0; i < N; i++)
			assert_int_equal(items[i].seen, 10 + i);
	}
	assert_int_equal(fake_tasks_used(), 1);
}

static void test_time(void **state)
{
	struct item items[N];
	ktime began = clock_now();

	reset(items);
	for (int i = 0; i < N; i++)
		items[i].ms = 100;
	assert_int_equal(crew_map("work", 5, work, items, sizeof(*items), N, FOREVER), 0);
	assert_int_equal(clock_now() - began, MILLIS(100) * N / 5);
}

static void test_results(void **state)
{
	struct item items[N];

	reset(items);
	items[7].result = -EIO;
	items[3].result = -EPROTO;
	assert_int_equal(crew_map("work", 4, work, items, sizeof(*items), N, FOREVER), -EPROTO);
	assert_int_equal(done, N);                     /* an error ends no other */
	reset(items);
	items[N - 1].result = -EIO;
	assert_int_equal(crew_map("work", N, work, items, sizeof(*items), N, FOREVER), -EIO);
}

static void test_none(void **state)
{
	struct crew c;

	assert_int_equal(crew_open(&c, "work", 3), 0);
	assert_int_equal(crew_close(&c, FOREVER), 0);
	assert_int_equal(crew_map("work", 3, work, NULL, 1, 0, FOREVER), 0);
}

static void test_deadline(void **state)
{
	struct item items[N];
	ktime deadline = clock_after_ms(15);
	struct crew c;

	reset(items);
	assert_int_equal(crew_map("work", N, work, items, sizeof(*items), N, deadline), -ETIMEDOUT);
	assert_int_equal(clock_now(), deadline);
	assert_int_equal(done, N);                     /* all have ended, some before their time */
	assert_int_equal(items[0].seen, 10);
	assert_int_equal(items[N - 1].seen, -ECANCELED);
	/* The deadline passes while it waits for a place. */
	reset(items);
	assert_int_equal(crew_open(&c, "work", 1), 0);
	assert_int_equal(crew_start(&c, work, &items[0], FOREVER), 0);
	assert_int_equal(crew_start(&c, work, &items[1], clock_after_ms(5)), -ETIMEDOUT);
	assert_int_equal(crew_start(&c, work, &items[2], FOREVER), 0);
	assert_int_equal(crew_close(&c, FOREVER), 0);
	assert_int_equal(done, 2);
}

static struct task *owner_task;

static void owner(void *result)
{
	struct item items[N];

	owner_task = task_self();
	reset(items);
	*(int *)result = crew_map("work", 3, work, items, sizeof(*items), N, FOREVER);
}

static void test_cancel(void **state)
{
	int result = 1;

	assert_int_equal(task_spawn("owner", owner, &result), 0);
	task_sleep(clock_after_ms(5));
	assert_int_equal(inside, 3);
	task_cancel(owner_task);
	task_sleep(clock_after_ms(1));
	assert_int_equal(result, -ECANCELED);
	assert_int_equal(inside, 0);
	assert_int_equal(done, 3);
	assert_int_equal(fake_tasks_used(), 1);
}

static void test_no_stack(void **state)
{
	struct crew c;
	struct item items[N], many[200] = { { .ms = 0 } }, one = { .ms = 5 };
	int started = 0, err;

	assert_int_equal(crew_open(&c, "work", 200), 0);
	while ((err = crew_start(&c, work, &many[started], FOREVER)) == 0)
		started++;
	assert_int_equal(err, -ENOMEM);
	assert_in_range(started, N, 199);
	assert_int_equal(crew_close(&c, FOREVER), 0);
	/* A place whose job could not be started again is free all the same. */
	reset(items);
	assert_int_equal(crew_open(&c, "work", 2), 0);
	assert_int_equal(crew_start(&c, work, &items[0], FOREVER), 0);
	assert_int_equal(crew_start(&c, work, &items[1], FOREVER), 0);
	assert_int_equal(crew_start(&c, work, &one, FOREVER), 0);
	assert_int_equal(crew_close(&c, FOREVER), 0);
	assert_int_equal(done, 3);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_at_once), cmocka_unit_test(test_time),
		cmocka_unit_test(test_results), cmocka_unit_test(test_none),
		cmocka_unit_test(test_deadline), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_stack),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	fake_tasks_run(tests);
}
