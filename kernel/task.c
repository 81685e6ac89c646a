/* SPDX-License-Identifier: MIT */
/* Cooperative tasks (kernel/task.h): a FIFO of ready tasks, a binary heap of
 * sleepers, and one function, reschedule(), that picks who runs next. There is
 * no scheduler stack: the task that waits runs the idle loop on its own stack
 * until some task is ready, and switches to that one directly.
 *
 * Outside: one CPU, no interrupt handlers in the payload. */
#include "kernel/task.h"

#include <errno.h>
#include <stdio.h>

#include "kernel/dev.h"
#include "kernel/mem.h"

#define POLL_EVENTS 4
#define BUSY_SWITCHES 64u      /* a look at devices and sleepers this often while never idle */
#define STACK_PATTERN 0x7a6b7a6b7a6b7a6bu

enum status { FREE, READY, RUNNING, WAITING };

struct task {
	struct arch_ctx ctx;
	struct task *next;         /* in the ready queue or the free list */
	uint64_t *stack;           /* lowest word: the canary */
	size_t size;               /* bytes of it */
	bool painted;
	enum status status;
	int error;                 /* errno while it does not run */

	/* while it waits */
	struct event *event;       /* NULL: only for the deadline */
	ktime deadline;
	unsigned slot;             /* its place in the heap, 0: not there */
	int result;                /* what event_wait() will return */

	int (*before_wait)(void);
	const char *name, *state;
	void (*fn)(void *);
	void *arg;
};

static struct mem_stacks stacks SEALED;
static struct task *tasks SEALED;      /* one for each stack; [0, made) have been used */
static struct task **heap SEALED;      /* [1, sleepers]; the earliest deadline first */
static unsigned sleepers, made, used, peak, refused;
static ktime alarm_deadline = FOREVER;
static uint64_t alarm_at;              /* alarm_deadline in ticks */
static struct task *free_tasks;
static struct task deep;                /* on the deep stack; its size is 0 until it is used */
static struct task *ready, **ready_end = &ready;
static struct task *current;
static unsigned switches;
static struct event *polled[POLL_EVENTS] SEALED;
static unsigned polled_count SEALED;

/* ---- Ready queue --------------------------------------------------------- */

static void make_ready(struct task *t)
{
	t->status = READY;
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

static void wake_sleepers(void)
{
	ktime now = clock_now();

	while (sleepers > 0 && heap[1]->deadline <= now) {
		struct task *t = heap[1];

		heap_remove(t);
		if (t->event)
			t->event->waiter = NULL;
		t->result = -ETIMEDOUT;
		make_ready(t);
	}
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

static void check_canary(const struct task *t)
{
	if (t->stack[0] != STACK_PATTERN)
		panic("task %s: stack overflow", t->name);
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

	check_canary(self);
	t = pick();
	t->status = RUNNING;
	if (t == self)
		return;
	self->error = errno;
	current = t;
	arch_ctx_switch(&self->ctx, &t->ctx);
	errno = self->error;
}

/* Before a real wait: 0, or why it may not be made. */
static int leave_role(void)
{
	int (*fn)(void) = current->before_wait;

	if (!fn)
		return 0;
	current->before_wait = NULL;
	return fn();
}

static int wait(struct event *e, ktime deadline)
{
	struct task *self = current;

	self->status = WAITING;
	self->event = e;
	if (e)
		e->waiter = self;
	if (deadline != FOREVER)
		heap_add(self, deadline);
	reschedule();
	return self->result;
}

/* ---- What tasks call ----------------------------------------------------- */

int event_wait(struct event *e, ktime deadline)
{
	int err;

	ASSERT(current && !e->waiter);
	if (!e->signalled) {
		if (deadline != FOREVER && deadline <= clock_now())
			return -ETIMEDOUT;
		err = leave_role();
		if (err < 0)
			return err;
	}
	if (e->signalled) {
		e->signalled = false;
		return 0;
	}
	return wait(e, deadline);
}

void event_signal(struct event *e)
{
	struct task *t = e->waiter;

	if (!t) {
		e->signalled = true;
		return;
	}
	e->waiter = NULL;
	if (t->slot)
		heap_remove(t);
	t->result = 0;
	make_ready(t);
}

int task_sleep(ktime deadline)
{
	int err;

	ASSERT(current);
	if (deadline != FOREVER && deadline <= clock_now())
		return 0;
	err = leave_role();
	if (err < 0)
		return err;
	wait(NULL, deadline);
	return 0;
}

void task_yield(void)
{
	ASSERT(current);
	if (leave_role() < 0)
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

	/* Nobody can take its stack before reschedule() has left it. */
	self->status = FREE;
	self->next = free_tasks;
	free_tasks = self;
	used--;
	reschedule();
	panic("task %s: ran after its end", self->name);
}

void task_init(void)
{
	stacks = mem_stacks();
	tasks = mem_take(stacks.count * sizeof(*tasks));
	heap = mem_take((stacks.count + 2) * sizeof(struct task *));
	if (!tasks || !heap)
		panic("task: no memory for a table of %u", stacks.count);
}

/* A task whose stack has never been used, or NULL. */
static struct task *make_task(void)
{
	struct task *t = &tasks[made];

	if (made == stacks.count)
		return NULL;
	*t = (struct task){
		.stack = (uint64_t *)(stacks.base + made * stacks.stride), .size = stacks.size,
	};
	made++;
	return t;
}

/* The pattern is written only on first use: thousands of untouched stacks cost
 * nothing at boot. */
static void prepare_stack(struct task *t)
{
	if (!t->painted) {
		for (size_t i = 0; i < t->size / sizeof(uint64_t); i++)
			t->stack[i] = STACK_PATTERN;
		t->painted = true;
	}
	arch_ctx_init(&t->ctx, t->stack, t->size, task_start);
}

static void begin(struct task *t, const char *name, void (*fn)(void *), void *arg)
{
	t->name = name;
	t->state = "";
	t->fn = fn;
	t->arg = arg;
	t->event = NULL;
	t->before_wait = NULL;
	if (current)
		prepare_stack(t);
	make_ready(t);
}

int task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = free_tasks;

	if (t)
		free_tasks = t->next;
	else
		t = make_task();
	if (!t) {
		refused++;
		return -ENOMEM;
	}
	if (++used > peak)
		peak = used;
	begin(t, name, fn, arg);
	return 0;
}

int task_spawn_deep(const char *name, void (*fn)(void *), void *arg)
{
	struct mem_stack s = mem_deep_stack();

	if (deep.size || !s.size)
		return -ENOMEM;
	deep = (struct task){ .stack = (uint64_t *)s.base, .size = s.size };
	begin(&deep, name, fn, arg);
	return 0;
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
	prepare_stack(t);
	for (struct task *e = ready; e; e = e->next)
		prepare_stack(e);               /* stacks are not mapped before the seal */
	t->status = RUNNING;
	current = t;
	arch_ctx_switch(&boot, &t->ctx);
	panic("task: back on the boot stack");
}

#define WIPE_MARGIN 256                /* bytes below here that this function itself is on */

/* With the pattern of a fresh stack: the deepest use is counted anew. */
__attribute__((noinline)) void task_wipe_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) - WIPE_MARGIN;

	for (volatile uint64_t *p = current->stack; (uintptr_t)p < here; p++)
		*p = STACK_PATTERN;
}

/* ---- For people and tests ------------------------------------------------ */

static size_t deepest_use(const struct task *t)
{
	size_t i = 0, words = t->size / sizeof(uint64_t);

	while (i < words && t->stack[i] == STACK_PATTERN)
		i++;
	return (words - i) * sizeof(uint64_t);
}

void task_dump(void (*line)(const char *text))
{
	static const char *const words[] = { "free", "ready", "running", "waiting" };
	ktime now = clock_now();
	char text[120];

	for (unsigned i = 0; i <= made; i++) {
		const struct task *t = i < made ? &tasks[i] : &deep;
		int n;

		if (t->status == FREE)
			continue;
		n = snprintf(text, sizeof(text), "task %u %s: %s %s, stack %zu of %zu", i, t->name,
			     words[t->status], t->state, deepest_use(t), t->size);
		if (t->status == WAITING && t->slot && n > 0 && (size_t)n < sizeof(text))
			snprintf(text + n, sizeof(text) - (size_t)n, ", wakes in %lld ms",
				 (long long)((t->deadline - now) / 1000000));
		line(text);
	}
}

struct task_stats task_stats(void)
{
	struct task_stats s = {
		.stacks = stacks.count, .used = used, .peak = peak,
		.refused = refused, .stack_size = stacks.size,
		.deep_size = deep.size, .deep_used = deepest_use(&deep),
	};

	for (unsigned i = 0; i < made; i++)
		s.deepest = MAX(s.deepest, deepest_use(&tasks[i]));
	return s;
}
