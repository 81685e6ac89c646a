/* SPDX-License-Identifier: MIT */
/* Cooperative tasks (kernel/task.h): a FIFO of ready tasks, a binary heap of
 * sleepers, and one function, reschedule(), that picks who runs next. There is
 * no scheduler stack: the task that waits runs the idle loop on its own stack
 * until some task is ready, and switches to that one directly.
 *
 * Outside: one CPU, no interrupt handlers in the payload. */
#include "kernel/task.h"

#include <errno.h>

#include "kernel/coroutine.h"
#include "kernel/dev.h"
#include "kernel/mem.h"
#include "kernel/task_pool.h"

#define POLL_EVENTS 4
#define BUSY_SWITCHES 64u      /* a look at devices and sleepers this often while never idle */

static struct task **heap SEALED;      /* [1, sleepers]; the earliest deadline first */
static unsigned sleepers;
static ktime alarm_deadline = FOREVER;
static uint64_t alarm_at;              /* alarm_deadline in ticks */
static struct task *ready, **ready_end = &ready;
static struct task *current;
static unsigned switches;
static struct event *polled[POLL_EVENTS] SEALED;
static unsigned polled_count SEALED;

/* ---- Ready queue --------------------------------------------------------- */

static void make_ready(struct task *t)
{
	t->status = TASK_READY;
	t->next = NULL;
	*ready_end = t;
	ready_end = &t->next;
}

static struct task *next_ready(void)
{
	struct task *t = ready;

	if (t) {
		ready = t->next;
		if (!ready)
			ready_end = &ready;
	}
	return t;
}

/* ---- Sleepers ------------------------------------------------------------ */

static void heap_place(struct task *t, unsigned slot)
{
	heap[slot] = t;
	t->slot = slot;
}

/* Moves t from the hole at `slot` to where it belongs. */
static void heap_settle(struct task *t, unsigned slot)
{
	unsigned child;

	while (slot > 1 && heap[slot / 2]->deadline > t->deadline) {
		heap_place(heap[slot / 2], slot);
		slot /= 2;
	}
	while ((child = slot * 2) <= sleepers) {
		if (child < sleepers && heap[child + 1]->deadline < heap[child]->deadline)
			child++;
		if (heap[child]->deadline >= t->deadline)
			break;
		heap_place(heap[child], slot);
		slot = child;
	}
	heap_place(t, slot);
}

static void heap_add(struct task *t, ktime deadline)
{
	t->deadline = deadline;
	heap_settle(t, ++sleepers);
}

static void heap_remove(struct task *t)
{
	struct task *last = heap[sleepers--];
	unsigned slot = t->slot;

	t->slot = 0;
	if (last != t)
		heap_settle(last, slot);
}

/* Takes t out of its wait, which returns `result`. */
static void wake(struct task *t, int result)
{
	t->event->waiter = NULL;
	if (t->slot)
		heap_remove(t);
	t->result = result;
	make_ready(t);
}

static void wake_sleepers(void)
{
	ktime now = clock_now();

	while (sleepers > 0 && heap[1]->deadline <= now)
		wake(heap[1], -ETIMEDOUT);
}

/* The earliest deadline in ticks, worked out once for each. */
static uint64_t alarm_ticks(void)
{
	if (sleepers == 0)
		return UINT64_MAX;
	if (heap[1]->deadline != alarm_deadline) {
		alarm_deadline = heap[1]->deadline;
		alarm_at = clock_ticks_at(alarm_deadline);
	}
	return alarm_at;
}

/* ---- Switching ----------------------------------------------------------- */

static void look_at_devices(void)
{
	watchdog_feed();
	for (unsigned i = 0; i < polled_count; i++)
		event_signal(polled[i]);
}

/* The next task to run, taken off the ready queue; idles until there is one. */
static struct task *pick(void)
{
	struct task *t;

	if (++switches % BUSY_SWITCHES == 0) {
		look_at_devices();
		wake_sleepers();
	}
	while (!(t = next_ready())) {
		uint64_t alarm = alarm_ticks();

		arch_idle(watchdog_alarm(alarm));
		clock_expire();
		look_at_devices();
		if (arch_ticks() >= alarm) {
			wake_sleepers();
			alarm_deadline = FOREVER;       /* the clock's rate may have changed */
		}
	}
	return t;
}

/* Runs others until the current task is ready again. */
static void reschedule(void)
{
	struct task *self = current, *t;

	task_check(self);
	t = pick();
	t->status = TASK_RUNNING;
	if (t == self)
		return;
	self->error = errno;
	current = t;
	arch_ctx_switch(&self->ctx, &t->ctx);
	errno = self->error;
}

/* ---- What tasks call ----------------------------------------------------- */

int task_may_wait(void)
{
	int (*fn)(void) = current->before_wait;
	int err;

	if (!fn)
		return 0;
	current->before_wait = NULL;
	err = fn();
	if (err < 0)
		current->before_wait = fn;
	return err;
}

int event_wait(struct event *e, ktime deadline)
{
	struct task *self = current;
	int err;

	ASSERT(self && !e->waiter);
	deadline = MIN(deadline, self->limit);
	if (self->cancelled)
		return -ECANCELED;
	if (!e->signalled) {
		if (deadline != FOREVER && deadline <= clock_now())
			return -ETIMEDOUT;
		err = task_may_wait();
		if (err < 0)
			return err;
	}
	if (e->signalled) {
		e->signalled = false;
		return 0;
	}
	self->status = TASK_WAITING;
	self->event = e;
	e->waiter = self;
	if (deadline != FOREVER)
		heap_add(self, deadline);
	reschedule();
	return self->result;
}

void event_signal(struct event *e)
{
	if (e->waiter)
		wake(e->waiter, 0);
	else
		e->signalled = true;
}

int task_sleep(ktime deadline)
{
	struct event never = { 0 };
	int err = event_wait(&never, deadline);

	return err == -ETIMEDOUT && deadline <= current->limit ? 0 : err;
}

ktime task_limit(ktime limit)
{
	ktime was = current->limit;

	current->limit = limit;
	return was;
}

ktime task_deadline(ktime deadline)
{
	return MIN(deadline, current->limit);
}

void task_cancel(struct task *t)
{
	t->cancelled = true;
	if (t->status == TASK_WAITING)
		wake(t, -ECANCELED);
}

bool task_cancelled(void)
{
	return current->cancelled;
}

bool task_uncancel(void)
{
	bool was = current->cancelled;

	current->cancelled = false;
	return was;
}

void task_yield(void)
{
	ASSERT(current);
	if (task_may_wait() < 0)
		return;
	make_ready(current);
	reschedule();
}

bool task_others_ready(void)
{
	return ready != NULL;
}

struct task *task_self(void)
{
	return current;
}

void task_state(const char *state)
{
	current->state = state;
}

void task_before_wait(int (*fn)(void))
{
	current->before_wait = fn;
}

void task_poll_event(struct event *e)
{
	ASSERT(polled_count < POLL_EVENTS);
	polled[polled_count++] = e;
}

/* ---- Beginning and end --------------------------------------------------- */

static void task_start(void)
{
	errno = 0;
	current->fn(current->arg);
	task_exit();
}

_Noreturn void task_exit(void)
{
	struct task *self = current;

	if (!self->coroutine || !self->coroutine->stack) {
		task_give(self);
		reschedule();
	}
	panic("task %s: ended twice or in a coroutine", self->name);
}

void task_init(void)
{
	unsigned n = task_pool_init();

	heap = mem_take((n + 2) * sizeof(struct task *));
	if (!heap)
		panic("task: no memory for a table of %u", n);
}

static int begin(struct task *t, const char *name, void (*fn)(void *), void *arg)
{
	if (!t)
		return -ENOMEM;
	t->name = name;
	t->state = "";
	t->fn = fn;
	t->arg = arg;
	t->event = NULL;
	t->before_wait = NULL;
	t->cancelled = false;
	t->coroutine = NULL;
	t->limit = FOREVER;
	if (current)
		task_prepare(t, task_start);
	make_ready(t);
	return 0;
}

int task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return begin(task_take(), name, fn, arg);
}

int task_spawn_deep(const char *name, void (*fn)(void *), void *arg)
{
	return begin(task_take_deep(), name, fn, arg);
}

_Noreturn void task_run(void (*first)(void *))
{
	static struct arch_ctx boot;
	struct task *earlier = ready, **earlier_end = ready_end;
	struct task *t;
	int err;

	ready = NULL;
	ready_end = &ready;
	err = task_spawn("main", first, NULL);
	ASSERT(err == 0);
	t = next_ready();
	if (earlier) {
		ready = earlier;
		ready_end = earlier_end;
	}
	task_prepare(t, task_start);
	for (struct task *e = ready; e; e = e->next)
		task_prepare(e, task_start);    /* stacks are not mapped before the seal */
	t->status = TASK_RUNNING;
	current = t;
	arch_ctx_switch(&boot, &t->ctx);
	panic("task: back on the boot stack");
}
