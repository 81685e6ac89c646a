/* SPDX-License-Identifier: MIT */
/* What kernel/task*.c and kernel/coroutine.c share and nobody else sees: what a task is, and
 * the pool of them, each with its stack. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/task.h"

enum task_status { TASK_FREE, TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_COROUTINE };

struct coroutine;

struct task {
	struct arch_ctx ctx;
	struct task *next;         /* in the ready queue or the free list */
	uint64_t *stack;           /* lowest word: the canary */
	size_t size;               /* bytes of it */
	bool painted;
	bool cancelled;
	enum task_status status;
	int error;                 /* errno while it does not run */
	ktime limit;               /* of all its waits */
	struct coroutine *coroutine;   /* that it is in; NULL: it never was in any */

	/* while it waits */
	struct event *event;
	ktime deadline;
	unsigned slot;             /* its place in the heap, 0: not there */
	int result;                /* what event_wait() will return */

	int (*before_wait)(void);
	const char *name, *state;
	void (*fn)(void *);
	void *arg;
};

/* Boot: how many tasks there can be. */
unsigned task_pool_init(void);

/* A free task, or NULL, counted; and back with it. Its stack may still be the running one: nobody
 * can take it before the next switch. */
struct task *task_take(void);
void task_give(struct task *t);

/* 0 to (task_stats().stacks - 1); t is not the one on the deep stack. */
unsigned task_number(const struct task *t);

/* The task on the deep stack; NULL: there is none, or it is taken. */
struct task *task_take_deep(void);

/* Makes t begin at `entry`. The stack's pattern is written only on first use: thousands of
 * untouched stacks cost nothing at boot, and they are not mapped before the seal. */
void task_prepare(struct task *t, void (*entry)(void));

/* Panics when t's stack has overflowed. */
void task_check(const struct task *t);
