/* SPDX-License-Identifier: MIT */
/* Guest: gates, semaphores and queues (kernel/sync.h): in the order they came, none lost and none
 * given twice, also when a deadline or a cancellation meets what is given. With few stacks, it has
 * few waiters. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/job.h"
#include "kernel/sync.h"

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail(__LINE__, #cond); \
	} while (0)

#define JOBS_MAX 6
#define ITEMS 200
#define TURNS 300

static _Noreturn void fail(int line, const char *what)
{
	log_error("sync: line %d: %s", line, what);
	arch_exit(EXIT_TEST_FAILED);
}

static struct job jobs[JOBS_MAX], *all[JOBS_MAX];
static int numbers[JOBS_MAX];
static unsigned count;

/* Starts as many as there are stacks for, and lets each come to its first wait. */
static void start(int (*fn)(void *))
{
	struct task_stats s = task_stats();

	count = MIN(s.stacks - s.used, JOBS_MAX);
	for (unsigned i = 0; i < count; i++) {
		all[i] = &jobs[i];
		numbers[i] = (int)i;
		CHECK(job_start(&jobs[i], "job", fn, &numbers[i]) == 0);
		task_yield();
	}
}

static void join_all(void)
{
	CHECK(job_all(all, count, clock_after_ms(5000)) == 0);
	task_yield();
}

/* ---- Gate ---------------------------------------------------------------------- */

static struct gate gate;

static int pass(void *arg)
{
	return gate_wait(&gate, FOREVER);
}

static void test_gate(void)
{
	CHECK(gate_wait(&gate, 0) == -ETIMEDOUT);
	start(pass);
	gate_pulse(&gate);
	CHECK(gate_wait(&gate, clock_after_ms(1)) == -ETIMEDOUT);
	join_all();
	start(pass);
	job_cancel(all[0]);
	gate_open(&gate);                       /* after: it was still on the list */
	join_all();
	for (unsigned i = 0; i < count; i++)
		CHECK(job_result(all[i]) == 0);
	CHECK(gate_wait(&gate, 0) == 0 && gate_wait(&gate, FOREVER) == 0);
	gate_close(&gate);
	start(pass);
	job_cancel(all[0]);
	task_yield();
	gate_open(&gate);
	join_all();
	CHECK(job_result(all[0]) == -ECANCELED && !gate.waiters.first && !gate.waiters.last);
}

/* ---- Semaphore ------------------------------------------------------------------- */

static struct semaphore lock = { .units = 1 };
static int order[JOBS_MAX];
static unsigned entered;
static bool inside;

static int enter(void *arg)
{
	int err = semaphore_take(&lock, FOREVER);

	if (err < 0)
		return err;
	CHECK(!inside);
	inside = true;
	order[entered++] = *(int *)arg;
	task_sleep(clock_after_ms(1));
	inside = false;
	semaphore_give(&lock);
	return 0;
}

static void test_semaphore(void)
{
	CHECK(semaphore_take(&lock, 0) == 0 && semaphore_take(&lock, 0) == -ETIMEDOUT);
	entered = 0;
	start(enter);
	semaphore_give(&lock);
	CHECK(semaphore_take(&lock, 0) == -ETIMEDOUT);  /* it went to the first of those who wait */
	join_all();
	CHECK(entered == count && lock.units == 1);
	for (unsigned i = 0; i < count; i++)
		CHECK(order[i] == (int)i);
	/* Given to one that is cancelled at that moment: it has it, and gives it back. */
	CHECK(semaphore_take(&lock, 0) == 0);
	entered = 0;
	start(enter);
	job_cancel(all[0]);
	semaphore_give(&lock);
	join_all();
	CHECK(job_result(all[0]) == 0 && lock.units == 1);
	CHECK(semaphore_take(&lock, 0) == 0);
	entered = 0;
	start(enter);
	job_cancel(all[count - 1]);
	task_yield();
	semaphore_give(&lock);
	join_all();
	CHECK(job_result(all[count - 1]) == -ECANCELED && lock.units == 1);
}

/* ---- Queue ------------------------------------------------------------------------- */

static void *slots[3];
static struct queue queue = { .slots = slots, .cap = ARRAY_LEN(slots) };
static char items[ITEMS + 1];

static int put_all(void *arg)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		CHECK(queue_put(&queue, &items[i], clock_after_ms(5000)) == 0);
		if (i % 7 == 0)
			task_sleep(clock_after_ms(1));
	}
	return 0;
}

static int get_one(void *arg)
{
	void *item;
	int err = queue_get(&queue, &item, clock_after_ms(5000));

	CHECK((err == 0) == (item != NULL));
	return err < 0 ? err : (int)((char *)item - items);
}

static void test_queue(void)
{
	struct job putter;
	void *item;

	CHECK(queue_get(&queue, &item, 0) == -ETIMEDOUT && !item);
	CHECK(job_start(&putter, "put", put_all, NULL) == 0);
	for (unsigned i = 0; i < ITEMS; i++) {
		CHECK(queue_get(&queue, &item, clock_after_ms(5000)) == 0 && item == &items[i]);
		if (i % 11 == 0)
			task_sleep(clock_after_ms(3));  /* it becomes full meanwhile */
	}
	CHECK(job_join(&putter, NULL, FOREVER) == 0);
	task_yield();
	for (unsigned i = 0; i < ARRAY_LEN(slots); i++)
		CHECK(queue_put(&queue, &items[i], 0) == 0);
	CHECK(queue_put(&queue, items, clock_after_ms(1)) == -ETIMEDOUT);
	for (unsigned i = 0; i < ARRAY_LEN(slots); i++)
		CHECK(queue_get(&queue, &item, 0) == 0 && item == &items[i]);
	start(get_one);
	for (unsigned i = 0; i < count; i++)
		CHECK(queue_put(&queue, &items[i], 0) == 0);
	join_all();
	for (unsigned i = 0; i < count; i++)
		CHECK(job_result(all[i]) == (int)i);
}

/* ---- Deadlines that meet what is given --------------------------------------------- */

static struct semaphore units;
static unsigned taken;

static int take_often(void *arg)
{
	uint32_t x = (uint32_t)*(int *)arg + 1;

	for (unsigned i = 0; i < TURNS; i++) {
		x = x * 1664525 + 1013904223;
		if (semaphore_take(&units, clock_now() + (x >> 8) % MILLIS(1)) == 0)
			taken++;
	}
	return 0;
}

static void test_race(void)
{
	unsigned given = 0;

	start(take_often);
	while (!job_ended(all[count - 1])) {
		semaphore_give(&units);
		given++;
		task_sleep(clock_now() + MILLIS(1) / 5);
	}
	join_all();
	CHECK(taken > 0 && taken + units.units == given && !units.waiters.first);
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	struct task_stats before = task_stats();

	test_gate();
	test_semaphore();
	test_queue();
	test_race();
	CHECK(task_stats().used == before.used);
	log_info("sync: passed, %u units given", taken);
	arch_exit(EXIT_OK);
}
