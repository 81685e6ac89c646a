/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: what many tasks wait for at once, on top of task.h's event, which
 * has one waiter: a gate, a semaphore, a bounded queue.
 *
 * Each lives in its owner's memory, without a task waiting when that ends. Waiters are served in
 * the order they came, each exactly once, also when a deadline or a cancellation comes at the same
 * moment: what was given is taken. Every call marked "waits" returns 0; -ETIMEDOUT when the
 * deadline or the task's limit passes first (0: only try); -ECANCELED in a task that was cancelled;
 * -ENOMEM as event_wait(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/clock.h"

/* Private: those who wait, oldest first. Zero-initialised is empty. */
struct waiter;
struct waiters {
	struct waiter *first, *last;
};

/* ---- Gate: open or closed; all who wait pass when it opens ---------------------- */

struct gate {                      /* zero-initialised is closed */
	struct waiters waiters;
	bool is_open;
};

/* Lets all through, those who wait and those who come, until it is closed. Never waits. */
void gate_open(struct gate *g);
void gate_close(struct gate *g);

/* Lets those through who wait now, and stays as it is. Never waits. */
void gate_pulse(struct gate *g);

/* Passes at once where it is open. Waits. */
int gate_wait(struct gate *g, ktime deadline);

/* ---- Semaphore: so many at once; with 1, a lock --------------------------------- */

struct semaphore {                 /* { .units = n } is ready to use */
	struct waiters waiters;
	unsigned units;            /* free now */
};

/* Takes a unit. Waits. */
int semaphore_take(struct semaphore *s, ktime deadline);

/* Gives one back, to the task that has waited longest. Never waits. */
void semaphore_give(struct semaphore *s);

/* ---- Queue: up to `cap` pointers, first in, first out --------------------------- */

struct queue {                     /* { .slots = array, .cap = its length } is ready to use */
	struct waiters getters, putters;
	void **slots;              /* the caller's, `cap` >= 1 of them */
	unsigned cap, first, len;
};

/* Adds `item`, which may be NULL, at the end; where it is full, when there is room. Waits. */
int queue_put(struct queue *q, void *item, ktime deadline);

/* Takes the first; *item is NULL when none came. Waits. */
int queue_get(struct queue *q, void **item, ktime deadline);
