/* SPDX-License-Identifier: MIT */
/* Guest: jobs, limits and cancellation (kernel/job.h, kernel/task.h): results, the first of many,
 * all by a deadline, a limit that is inherited and shortens every wait, a cancellation that ends
 * each kind of wait. Where there are few stacks, it has few jobs. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/job.h"
#include "kernel/mem.h"

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail(__LINE__, #cond); \
	} while (0)

#define JOBS_MAX 8

static _Noreturn void fail(int line, const char *what)
{
	log_error("jobs: line %d: %s", line, what);
	arch_exit(EXIT_TEST_FAILED);
}

static unsigned free_stacks(void)
{
	struct task_stats s = task_stats();

	return MIN(s.stacks - s.used, JOBS_MAX);
}

static int add(void *arg)
{
	return *(int *)arg + 1;
}

static int nap_ms(void *arg)
{
	int ms = *(int *)arg, err = task_sleep(clock_after_ms(ms));

	return err < 0 ? err : ms;
}

static void test_join(void)
{
	int one = 1, ms = 20, result = 0;
	struct job j;

	CHECK(job_start(&j, "add", add, &one) == 0);
	CHECK(!job_ended(&j) && job_join(&j, &result, FOREVER) == 0 && result == 2);
	CHECK(job_start(&j, "nap", nap_ms, &ms) == 0);
	CHECK(job_join(&j, &result, clock_after_ms(2)) == -ETIMEDOUT && !job_ended(&j));
	CHECK(job_join(&j, &result, FOREVER) == 0 && result == ms && job_result(&j) == ms);
	CHECK(job_join(&j, NULL, 0) == 0);      /* as often as one likes */
	CHECK(job_start(&j, "add", add, &one) == 0);
	task_yield();
	CHECK(job_ended(&j) && job_join(&j, NULL, 0) == 0);
}

/* Those that end first are told of first, each once, also when it had ended before. */
static void test_any(void)
{
	static int ms[JOBS_MAX] = { 60, 20, 40, 1 };
	unsigned n = MIN(free_stacks(), 4u);
	struct job j[JOBS_MAX], *all[JOBS_MAX];
	int before = 0;

	for (unsigned i = 0; i < n; i++) {
		all[i] = &j[i];
		CHECK(job_start(&j[i], "nap", nap_ms, &ms[i]) == 0);
	}
	if (n > 1) {
		task_sleep(clock_after_ms(30));  /* two have ended meanwhile */
		CHECK(job_any(all, n, 0) == 1 && job_any(all, n, 0) == 3);
		CHECK(job_any(all, n, clock_after_ms(1)) == -ETIMEDOUT);
		CHECK(job_any(all, n, FOREVER) == 2);
	}
	CHECK(job_any(all, n, FOREVER) == 0);
	CHECK(job_any(all, n, FOREVER) == -ECHILD);
	CHECK(job_all(all, n, 0) == 0);
	for (unsigned i = 0; i < n; i++) {
		int got;

		CHECK(job_join(all[i], &got, 0) == 0 && got == ms[i] && got != before);
		before = got;
	}
}

/* The deadline cancels what has not ended, and only that. */
static void test_all(void)
{
	static int ms[JOBS_MAX] = { 5000, 1, 6000, 7000 };
	unsigned n = MIN(free_stacks(), 4u);
	struct job j[JOBS_MAX], *all[JOBS_MAX];
	ktime from = clock_now();

	for (unsigned i = 0; i < n; i++) {
		all[i] = &j[i];
		CHECK(job_start(&j[i], "nap", nap_ms, &ms[i]) == 0);
	}
	CHECK(job_all(all, n, clock_after_ms(20)) == -ETIMEDOUT);
	CHECK(clock_now() - from < MILLIS(3000));
	for (unsigned i = 0; i < n; i++)
		CHECK(job_result(all[i]) == (i == 1 ? 1 : -ECANCELED));
}

static struct event never;

/* Every kind of wait ends, now and later; a signal that was kept stays kept. */
static int wait_in_vain(void *arg)
{
	struct event kept = { .signalled = true };
	int *how = arg;

	if (*how == 0)
		CHECK(event_wait(&never, FOREVER) == -ECANCELED);
	else if (*how == 1)
		CHECK(event_wait(&never, clock_after_ms(5000)) == -ECANCELED);
	else if (*how == 2)
		CHECK(task_sleep(clock_after_ms(5000)) == -ECANCELED);
	CHECK(!never.waiter && task_cancelled());
	CHECK(event_wait(&kept, FOREVER) == -ECANCELED && kept.signalled);
	CHECK(task_sleep(0) == -ECANCELED);
	task_yield();                           /* is no wait */
	CHECK(task_uncancel() && !task_uncancel() && !task_cancelled());
	CHECK(event_wait(&kept, FOREVER) == 0 && task_sleep(clock_after_ms(1)) == 0);
	task_cancel(task_self());
	return event_wait(&kept, FOREVER);
}

static void test_cancel(void)
{
	struct job j;
	int result;

	for (int how = 0; how < 4; how++) {
		CHECK(job_start(&j, "in vain", wait_in_vain, &how) == 0);
		if (how < 3)
			task_yield();           /* else before it has begun */
		job_cancel(&j);
		job_cancel(&j);
		CHECK(job_join(&j, &result, clock_after_ms(1000)) == 0 && result == -ECANCELED);
		job_cancel(&j);                 /* it has ended: nothing */
	}
	CHECK(!task_cancelled());
}

/* A nurse whose patients lie on her stack: when she is cancelled, they end first. */
static int nurse(void *arg)
{
	static int ms = 5000;
	struct job j, *all[] = { &j };

	CHECK(job_start(&j, "patient", nap_ms, &ms) == 0);
	CHECK(job_all(all, 1, FOREVER) == -ECANCELED);
	CHECK(job_result(&j) == -ECANCELED && task_cancelled());
	return 7;
}

static void test_nested(void)
{
	struct job j;
	int result;

	if (free_stacks() < 2)
		return;
	CHECK(job_start(&j, "nurse", nurse, NULL) == 0);
	task_yield();
	task_yield();
	job_cancel(&j);
	CHECK(job_join(&j, &result, clock_after_ms(1000)) == 0 && result == 7);
}

static int sleep_long(void *arg)
{
	return task_sleep(clock_after_ms(5000));
}

static ktime seen = -1;

static void look_at_limit(void *unused)
{
	seen = task_limit(FOREVER);
}

static void test_limit(void)
{
	ktime from = clock_now(), limit = from + MILLIS(30);
	struct event e = { 0 };
	struct job j, *all[] = { &j };
	int ms = 1, result;

	CHECK(task_limit(limit) == FOREVER);
	CHECK(task_spawn("look", look_at_limit, NULL) == 0);
	CHECK(task_sleep(from + MILLIS(1)) == 0 && seen == FOREVER);    /* only jobs inherit it */
	CHECK(job_start(&j, "long", sleep_long, NULL) == 0);
	CHECK(event_wait(&e, FOREVER) == -ETIMEDOUT);
	CHECK(clock_now() >= limit);
	CHECK(event_wait(&e, FOREVER) == -ETIMEDOUT && task_sleep(FOREVER) == -ETIMEDOUT);
	CHECK(job_join(&j, NULL, FOREVER) == -ETIMEDOUT || job_ended(&j));
	job_all(all, 1, FOREVER);
	CHECK(task_limit(FOREVER) == limit);
	CHECK(job_join(&j, &result, FOREVER) == 0);
	CHECK(result == -ETIMEDOUT || result == -ECANCELED);
	CHECK(clock_now() - from < MILLIS(3000));
	CHECK(job_start(&j, "nap", nap_ms, &ms) == 0);
	CHECK(job_join(&j, &result, FOREVER) == 0 && result == 1);      /* where one had a limit */
}

static int refuse(void)
{
	return -ENOMEM;
}

/* A job that could not be waited for is not started. */
static void test_refused(void)
{
	struct task_stats before = task_stats();
	struct job j;

	task_before_wait(refuse);
	CHECK(job_start(&j, "never", add, NULL) == -ENOMEM);
	task_before_wait(NULL);
	CHECK(task_stats().used == before.used);
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	struct task_stats before = task_stats();

	test_join();
	test_any();
	test_all();
	test_cancel();
	test_nested();
	test_limit();
	test_refused();
	task_yield();
	CHECK(task_stats().used == before.used);
	log_info("jobs: passed");
	arch_exit(EXIT_OK);
}
