/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: tasks that somebody waits for, cancels or limits.
 *
 * A job that was started must be joined, by job_join() or job_all(), before its memory is reused:
 * it is the caller's. One task at a time waits for a job. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/clock.h"
#include "kernel/task.h"

struct job {                       /* private */
	struct task *task;         /* while it runs */
	struct event *watcher;     /* of the task that waits for it */
	int (*fn)(void *arg);
	void *arg;
	ktime limit;
	int result;
	bool cancelled, ended, told;
};

/* Starts fn(arg) as a task; its result is kept. It inherits the starter's limit (task_limit).
 * `name` is kept by reference. 0, or -ENOMEM: no stack is free, or none for the role that this task
 * must hand on before it may wait (task_may_wait); then there is nothing to join. */
int job_start(struct job *j, const char *name, int (*fn)(void *arg), void *arg);

/* Waits until it has ended: 0 and *result (if not NULL); -ETIMEDOUT, or -ECANCELED in a task that
 * was cancelled, when it goes on. Waits. */
int job_join(struct job *j, int *result, ktime deadline);

/* Waits until one of n has ended that no call has told of before: its index; -ECHILD: all have been
 * told of; else as job_join. Its result is then job_result(). Waits. */
int job_any(struct job *const jobs[], unsigned n, ktime deadline);

/* Waits until all have ended: 0. At the deadline, or in a task that was or is being cancelled,
 * cancels the rest, waits for them all the same, and returns -ETIMEDOUT or -ECANCELED. Waits. */
int job_all(struct job *const jobs[], unsigned n, ktime deadline);

/* Its wait, if it is in one, and every later one returns -ECANCELED, until it ends. Never waits. */
void job_cancel(struct job *j);
bool job_ended(const struct job *j);

/* What fn returned, of a job that has ended. */
int job_result(const struct job *j);
