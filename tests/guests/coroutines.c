/* SPDX-License-Identifier: MIT */
/* Guest: coroutines (kernel/coroutine.h): values both ways, errors thrown, parents, ends, one that
 * waits, one that goes over to another task, one taken back. Where there is one stack, there is
 * one coroutine. */
#include "kernel/coroutine.h"

#include <errno.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/job.h"

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail(__LINE__, #cond); \
	} while (0)

#define SWITCHES 1000

static char a[] = "a", b[] = "b", z[] = "z";
static struct coroutine one, two;

static _Noreturn void fail(int line, const char *what)
{
	log_error("coroutines: line %d: %s", line, what);
	arch_exit(EXIT_TEST_FAILED);
}

static unsigned free_stacks(void)
{
	struct task_stats s = task_stats();

	return s.stacks - s.used;
}

static void make(struct coroutine *c, coroutine_fn *fn)
{
	coroutine_init(c, "test", fn);
	CHECK(!coroutine_ended(c) && coroutine_parent(c) == coroutine_self());
}

/* ---- Values, errors, ends ----------------------------------------------------- */

/* Passes back what it is given until that is NULL, with sums in registers. */
static int echo(void *value, void **result)
{
	double sum = 0.5;

	errno = 7;
	for (unsigned n = 0; value; n++) {
		sum += n;
		CHECK(coroutine_switch(coroutine_parent(coroutine_self()), value, &value) == 0);
	}
	CHECK(sum == 0.5 + SWITCHES * (SWITCHES - 1) / 2);
	*result = z;
	return 0;
}

static void test_values(void)
{
	double sum = 0.25;
	void *got;

	make(&one, echo);
	for (unsigned n = 0; n < SWITCHES; n++) {
		sum += n;
		CHECK(coroutine_switch(&one, n % 2 ? a : b, &got) == 0);
		CHECK(got == (n % 2 ? a : b) && errno == 7);
	}
	CHECK(sum == 0.25 + SWITCHES * (SWITCHES - 1) / 2);
	CHECK(coroutine_switch(&one, NULL, &got) == 0 && got == z && coroutine_ended(&one));
	/* One that has ended passes on to its parent, here to who asks. */
	CHECK(coroutine_switch(&one, a, &got) == 0 && got == a);
	CHECK(coroutine_throw(&one, -EIO, &got) == -EIO);
	CHECK(coroutine_switch(coroutine_self(), b, &got) == 0 && got == b);
	coroutine_free(&one);
	CHECK(!coroutine_self() && !coroutine_parent(NULL));
}

/* Ends with the error that is thrown into it. */
static int catch(void *value, void **result)
{
	*result = z;
	return coroutine_switch(coroutine_parent(coroutine_self()), value, NULL);
}

static int forever(void *value, void **result)
{
	while (coroutine_switch(coroutine_parent(coroutine_self()), a, NULL) != -EPIPE)
		;
	return 0;
}

static void test_errors(void)
{
	void *got;

	make(&one, catch);
	CHECK(coroutine_switch(&one, a, &got) == 0 && got == a);
	CHECK(coroutine_throw(&one, -EDOM, &got) == -EDOM && !got && coroutine_ended(&one));
	make(&one, catch);
	CHECK(coroutine_throw(&one, -ENOENT, &got) == -ENOENT && coroutine_ended(&one));
	make(&one, catch);
	CHECK(coroutine_switch(&one, a, &got) == 0 && got == a);
	CHECK(coroutine_throw(&one, -ECANCELED, &got) == 0 && !got && coroutine_ended(&one));
	make(&one, forever);
	CHECK(coroutine_switch(&one, NULL, NULL) == 0);
	CHECK(coroutine_throw(&one, -EDOM, &got) == 0 && got == a);      /* it goes on */
	CHECK(coroutine_throw(&one, -EPIPE, &got) == 0 && !got && coroutine_ended(&one));
}

/* ---- Parents --------------------------------------------------------------------- */

static int child(void *value, void **result)
{
	*result = value;
	return value ? 0 : -EXDEV;
}

static int parent(void *value, void **result)
{
	void *got;
	int err;

	CHECK(coroutine_set_parent(&two, coroutine_self()) == 0);
	CHECK(coroutine_set_parent(coroutine_self(), &two) == -EINVAL);
	err = coroutine_switch(&two, value, &got);
	CHECK(coroutine_ended(&two) && got == value);
	*result = b;
	return err;
}

static void test_parents(void)
{
	void *got;

	if (free_stacks() < 2)
		return;
	for (unsigned turn = 0; turn < 2; turn++) {
		make(&one, parent);
		make(&two, child);
		CHECK(coroutine_switch(&one, turn ? NULL : a, &got) == (turn ? -EXDEV : 0));
		CHECK(coroutine_ended(&one) && got == (turn ? NULL : b));
	}
	/* Its parent has ended: the end goes to the parent's parent. */
	make(&one, child);
	make(&two, child);
	CHECK(coroutine_set_parent(&two, &one) == 0);
	CHECK(coroutine_switch(&one, a, NULL) == 0 && coroutine_ended(&one));
	CHECK(coroutine_switch(&two, b, &got) == 0 && got == b);
	/* Its parent has not begun: it begins with what the child ended with. */
	make(&one, child);
	make(&two, child);
	CHECK(coroutine_set_parent(&two, &one) == 0);
	CHECK(coroutine_switch(&two, b, &got) == 0 && got == b && coroutine_ended(&one));
}

/* ---- Tasks ------------------------------------------------------------------------ */

static int napper(void *value, void **result)
{
	struct event e = { 0 };

	CHECK(task_sleep(clock_after_ms(2)) == 0);
	CHECK(event_wait(&e, clock_after_ms(1)) == -ETIMEDOUT);
	*result = task_self();
	return 0;
}

static void test_wait(void)
{
	ktime from = clock_now();
	void *got;

	make(&one, napper);
	CHECK(coroutine_switch(&one, NULL, &got) == 0 && got == task_self());
	CHECK(clock_now() - from >= MILLIS(3));
}

static int nap_long(void *value, void **result)
{
	return task_sleep(clock_after_ms(5000)) == -ECANCELED ? -EXDEV : 0;
}

/* A task that is in a coroutine that waits. */
static int inside(void *arg)
{
	int err = coroutine_switch(&one, NULL, NULL);

	CHECK(task_cancelled());
	return err;
}

static int take_over(void *arg)
{
	struct task *was = one.task;
	void *got;

	CHECK(coroutine_switch(&one, b, &got) == 0 && got == b && one.task == task_self());
	CHECK(was != task_self() && !one.parent);
	return coroutine_switch(&one, NULL, &got) == 0 && got == z;
}

static int echo_long(void *value, void **result)
{
	while (value)
		CHECK(coroutine_switch(coroutine_parent(coroutine_self()), value, &value) == 0);
	*result = z;
	return 0;
}

static void test_tasks(void)
{
	struct job j;
	void *got;
	int result;

	if (free_stacks() < 2)
		return;
	make(&one, nap_long);
	CHECK(job_start(&j, "inside", inside, NULL) == 0);
	task_yield();
	CHECK(coroutine_switch(&one, NULL, NULL) == -EBUSY);
	CHECK(coroutine_throw(&one, -EIO, NULL) == -EBUSY);
	job_cancel(&j);
	CHECK(job_join(&j, &result, FOREVER) == 0 && result == -EXDEV && coroutine_ended(&one));
	task_yield();
	make(&one, echo_long);
	CHECK(coroutine_switch(&one, a, &got) == 0 && got == a);
	CHECK(job_start(&j, "take over", take_over, NULL) == 0);
	CHECK(job_join(&j, &result, FOREVER) == 0 && result == 1 && coroutine_ended(&one));
	task_yield();
}

/* ---- Stacks ------------------------------------------------------------------------ */

static void nothing(void *arg)
{
}

static void test_stacks(void)
{
	struct task_stats before = task_stats(), s;

	make(&one, forever);
	coroutine_free(&one);                   /* never begun */
	while (task_spawn("nothing", nothing, NULL) == 0)
		;
	make(&one, forever);
	CHECK(coroutine_switch(&one, NULL, NULL) == -ENOMEM && !coroutine_ended(&one));
	CHECK(coroutine_throw(&one, -EIO, NULL) == -ENOMEM);
	task_yield();
	CHECK(task_stats().used == before.used);
	CHECK(coroutine_switch(&one, NULL, NULL) == 0);
	s = task_stats();
	CHECK(s.used == before.used + 1 && s.deepest > 0);
	coroutine_free(&one);
	CHECK(coroutine_ended(&one) && task_stats().used == before.used);
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	struct task_stats before = task_stats();

	test_values();
	test_errors();
	test_parents();
	test_wait();
	test_tasks();
	test_stacks();
	CHECK(task_stats().used == before.used);
	log_info("coroutines: passed");
	arch_exit(EXIT_OK);
}
