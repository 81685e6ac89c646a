/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: cooperative tasks and the one wait.
 *
 * A task runs until it waits. Nothing but the functions marked "waits" here
 * switches tasks, and each of them takes an absolute deadline. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/arch.h"
#include "kernel/clock.h"

struct task;

/* One waiter, one latch. A signal with nobody waiting is kept until the next
 * wait, so check-then-wait cannot lose it. A second waiter is our bug: panic.
 * Zero-initialised is ready to use. */
struct event {
	struct task *waiter;
	bool signalled;
};

/* Starts fn(arg) on a stack from the pool; it runs when its turn comes.
 * `name` is kept by reference. 0, or -ENOMEM when no stack is free. */
int task_spawn(const char *name, void (*fn)(void *), void *arg);

/* The same on the image's one deep stack (kernel/image.h); the task never ends. -ENOMEM: there
 * is none, or it is taken. */
int task_spawn_deep(const char *name, void (*fn)(void *), void *arg);

/* Lets every other ready task run once. Waits. */
void task_yield(void);

/* Waits until `deadline`: 0; -ETIMEDOUT when the task's limit is earlier and has passed;
 * -ECANCELED or -ENOMEM as in event_wait. */
int task_sleep(ktime deadline);

/* Waits for a signal: 0; -ETIMEDOUT when `deadline` or the task's limit passes first; -ECANCELED
 * in a task that was cancelled, whatever has been signalled; -ENOMEM when
 * this task must hand its role on before it may wait (task_before_wait) and no
 * stack is free for that. A pending signal is consumed at once, and a deadline
 * in the past never waits. */
int event_wait(struct event *e, ktime deadline);

/* Wakes e's waiter or sets the latch. Never waits. */
void event_signal(struct event *e);

/* Ends the running task; returning from fn does the same. Not in a coroutine but the main one. */
_Noreturn void task_exit(void);

/* No wait of the running task lasts beyond `limit`, whatever its own deadline; FOREVER: no limit,
 * as tasks and requests begin. Returns the limit before, which puts it back. Jobs inherit it
 * (kernel/job.h); a task of task_spawn(), which nobody waits for, does not. */
ktime task_limit(ktime limit);

/* The earlier of `deadline` and the running task's limit. Never waits. */
ktime task_deadline(ktime deadline);

/* The wait that t is in, if any, and all its later ones return -ECANCELED, so that it comes to an
 * end; what it has started goes on. Never waits. t has not ended. */
void task_cancel(struct task *t);
bool task_cancelled(void);

/* The running task may wait once more, for it has to clean up: true if it was cancelled, and
 * task_cancel(task_self()) puts that back. */
bool task_uncancel(void);

/* The running task's name and the text shown beside it in the task table
 * while it waits; kept by reference. */
struct task *task_self(void);
void task_state(const char *state);

/* Before the running task next really waits, `fn` is called once, on its stack, and disarmed. When
 * fn returns a negative errno, the wait is not made and returns it, and the next one asks again.
 * NULL disarms. The net loop uses this to hand itself over to a fresh stack when a handler turns
 * out to wait (net/net.c). */
void task_before_wait(int (*fn)(void));

/* Calls that function now, when it was not called yet: 0, or its error, and then it stays armed.
 * What starts tasks that it must wait for (kernel/job.h) asks first whether it may. */
int task_may_wait(void);

/* True when another task is ready to run. */
bool task_others_ready(void);

/* Overwrites what is left below on the running task's own stack: keys, maybe. */
void task_wipe_stack(void);

/* Boot only: e is signalled each time the CPU comes back from idle, and every
 * 64 switches while it is never idle. This is how a polled device's task
 * learns that its interrupt fired. At most 4 events. */
void task_poll_event(struct event *e);

/* The value of `errno` is kept per task across switches. */

/* Boot: makes the pool of tasks from mem.h's stacks; task_spawn() works from
 * then on, and what it starts runs once task_run() does. */
void task_init(void);

/* Never returns: runs tasks, starting with `first`, and idles the CPU when none
 * is ready. */
_Noreturn void task_run(void (*first)(void *));

/* For tests and the crash report: one line per task through `line`. */
void task_dump(void (*line)(const char *text));

/* How many stacks the pool has, how many are in use, and the deepest use seen
 * of any one, in bytes (found by scanning its fill pattern: slow). */
struct task_stats {
	unsigned stacks, used, peak, refused;
	size_t stack_size, deepest;
	size_t deep_size, deep_used;   /* of the deep stack */
};
struct task_stats task_stats(void);
