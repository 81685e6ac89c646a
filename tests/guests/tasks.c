/* SPDX-License-Identifier: MIT */
/* Guest: the scheduler's promises (kernel/task.h), ended by arch_exit(): order
 * of turns, latches, deadlines, hand-over before a wait, errno for each task,
 * an empty pool of stacks, and as many tasks at once as there are stacks:
 * 10,000 and more with MEM=192. With fewer stacks than a test would like tasks,
 * it has fewer tasks. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/mem.h"
#include "kernel/task.h"

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail(__LINE__, #cond); \
	} while (0)

static _Noreturn void fail(int line, const char *what)
{
	log_error("tasks: line %d: %s", line, what);
	arch_exit(EXIT_TEST_FAILED);
}

static unsigned free_stacks(void)
{
	struct task_stats s = task_stats();

	return s.stacks - s.used;
}

static char trace[16];
static unsigned trace_len;

static void note(char c)
{
	if (trace_len < sizeof(trace) - 1)
		trace[trace_len++] = c;
}

static void letter(void *arg)
{
	note(*(const char *)arg);
	task_yield();
	note(*(const char *)arg);
}

static void test_turns(void)
{
	const char *want = "mamam";

	CHECK(task_spawn("a", letter, "a") == 0);
	if (free_stacks() > 0) {
		CHECK(task_spawn("b", letter, "b") == 0);
		want = "mabmabm";
	}
	for (unsigned i = 0; i < 3; i++) {
		note('m');
		task_yield();
	}
	for (unsigned i = 0; want[i]; i++)
		CHECK(trace[i] == want[i]);
	CHECK(!task_others_ready());
}

static struct event ping, pong;

static void answer(void *arg)
{
	unsigned *left = arg;

	while (--*left > 0) {
		event_wait(&ping, FOREVER);
		event_signal(&pong);
	}
}

static void test_events(void)
{
	static unsigned left = 1001;
	ktime from = clock_now();

	event_signal(&pong);
	event_signal(&pong);                    /* one latch, not a count */
	CHECK(event_wait(&pong, FOREVER) == 0);
	CHECK(event_wait(&pong, 0) == -ETIMEDOUT);
	CHECK(event_wait(&pong, clock_after_ms(20)) == -ETIMEDOUT);
	CHECK(clock_now() - from >= MILLIS(20));

	CHECK(task_spawn("answer", answer, &left) == 0);
	for (unsigned i = 0; i < 1000; i++) {
		event_signal(&ping);
		CHECK(event_wait(&pong, clock_after_ms(1000)) == 0);
	}
}

static unsigned woken;
static ktime last_woken;

static void sleeper(void *arg)
{
	ktime deadline = *(ktime *)arg;

	task_sleep(deadline);
	CHECK(clock_now() >= deadline);
	CHECK(deadline >= last_woken);          /* in the order of deadlines */
	last_woken = deadline;
	woken++;
}

static void test_sleep(void)
{
	static const int ms[] = { 30, 10, 50, 20, 40, 15 };
	static ktime at[ARRAY_LEN(ms)];
	unsigned n = MIN((unsigned)ARRAY_LEN(ms), free_stacks());
	ktime from = clock_now();

	CHECK(task_sleep(from - 1) == 0);
	for (unsigned i = 0; i < n; i++) {
		at[i] = from + MILLIS(ms[i]);
		CHECK(task_spawn("sleeper", sleeper, &at[i]) == 0);
	}
	CHECK(task_sleep(from + MILLIS(60)) == 0);
	CHECK(woken == n);
}

/* Many waiters with deadlines in no order; every third is signalled instead, at
 * a time in no order either. */
static struct waiter {
	struct event e;
	ktime deadline;
	bool signalled, in_time, done;         /* in_time: before the deadline */
} waiters[100];
static unsigned waiters_done;

static unsigned next_random(void)
{
	static uint32_t x = 12345;

	x = x * 1664525 + 1013904223;
	return x >> 8;
}

static void await(void *arg)
{
	struct waiter *w = arg;
	int err = event_wait(&w->e, w->deadline);

	if (w->in_time)
		CHECK(err == 0);
	else if (err == 0)
		CHECK(w->signalled);
	else
		CHECK(err == -ETIMEDOUT && clock_now() >= w->deadline);
	w->done = true;
	waiters_done++;
}

static void test_heap(void)
{
	unsigned n = MIN((unsigned)ARRAY_LEN(waiters), free_stacks());
	ktime from = clock_now();

	for (unsigned i = 0; i < n; i++) {
		waiters[i].deadline = from + MILLIS(2) + next_random() % MILLIS(60);
		CHECK(task_spawn("waiter", await, &waiters[i]) == 0);
	}
	for (unsigned i = 0; i < (n + 2) / 3; i++) {
		struct waiter *w = &waiters[next_random() % n];

		task_sleep(clock_now() + next_random() % MILLIS(2));
		if (!w->done && !w->signalled) {
			w->signalled = true;
			event_signal(&w->e);
			w->in_time = clock_now() < w->deadline;
		}
	}
	task_sleep(from + MILLIS(200));
	CHECK(waiters_done == n);
}

static int handed;

static int hand_over(void)
{
	handed++;
	return 0;
}

static int refuse(void)
{
	return -ENOMEM;
}

static void test_before_wait(void)
{
	struct event e = { 0 };

	task_before_wait(hand_over);
	event_signal(&e);
	CHECK(event_wait(&e, FOREVER) == 0 && handed == 0);     /* did not wait */
	CHECK(event_wait(&e, clock_after_ms(1)) == -ETIMEDOUT && handed == 1);
	CHECK(event_wait(&e, clock_after_ms(1)) == -ETIMEDOUT && handed == 1);
	task_before_wait(refuse);
	CHECK(event_wait(&e, clock_after_ms(1)) == -ENOMEM);
	CHECK(task_sleep(clock_after_ms(1)) == -ENOMEM);        /* asked again */
	CHECK(task_may_wait() == -ENOMEM);
	task_before_wait(hand_over);
	task_before_wait(NULL);
	CHECK(task_sleep(clock_after_ms(1)) == 0 && handed == 1);
}

static void own_errno(void *arg)
{
	CHECK(errno == 0);
	errno = *(int *)arg;
	for (unsigned i = 0; i < 10; i++) {
		task_yield();
		CHECK(errno == *(int *)arg);
	}
	task_sleep(clock_after_ms(2));
	CHECK(errno == *(int *)arg);
}

static void test_errno(void)
{
	static int one = EDOM, two = ERANGE;

	errno = EILSEQ;
	CHECK(task_spawn("one", own_errno, &one) == 0);
	if (free_stacks() > 0)
		CHECK(task_spawn("two", own_errno, &two) == 0);
	task_sleep(clock_after_ms(10));
	CHECK(errno == EILSEQ);
}

static unsigned started, finished;
static struct event all_done;

static void one_of_many(void *arg)
{
	started++;
	task_sleep(clock_now() + MILLIS(5 + started % 50));
	if (++finished == started)
		event_signal(&all_done);
}

/* Every stack in use at once, twice over. */
static void test_many(void)
{
	struct task_stats before = task_stats(), after;
	unsigned count = before.stacks - before.used;

	for (unsigned round = 0; round < 2; round++) {
		started = finished = 0;
		for (unsigned i = 0; i < count; i++)
			CHECK(task_spawn("many", one_of_many, NULL) == 0);
		CHECK(task_spawn("one more", one_of_many, NULL) == -ENOMEM);
		CHECK(event_wait(&all_done, clock_after_ms(60000)) == 0);
		CHECK(started == count && finished == count);
		task_yield();
	}
	after = task_stats();
	CHECK(after.used == before.used);
	CHECK(after.peak == after.stacks);
	CHECK(after.refused == before.refused + 2);
	CHECK(after.deepest < after.stack_size);
	log_info("tasks: %u at once, deepest stack %zu of %zu bytes", after.peak, after.deepest,
		 after.stack_size);
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	test_turns();
	test_events();
	test_sleep();
	test_heap();
	test_before_wait();
	test_errno();
	test_many();
	log_info("tasks: passed");
	arch_exit(EXIT_OK);
}
