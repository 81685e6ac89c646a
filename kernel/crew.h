/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: many jobs (kernel/job.h) of which at most so many run at once, as
 * gevent's Pool.
 *
 * A crew lives in its owner's memory and is used by one task from crew_open() to crew_close(). */
#pragma once

#include <stddef.h>

#include "kernel/job.h"

struct crew {                      /* private */
	const char *name;
	struct job **jobs;         /* [size]; the first `used` were started */
	unsigned size, used;
	int error;
};

/* Makes room for `size` >= 1 jobs at once; `name` is kept by reference, and its tasks have it: 0,
 * or -ENOMEM, and there is nothing to close. */
int crew_open(struct crew *c, const char *name, unsigned size);

/* Starts fn(arg), which returns 0 or -errno, as soon as fewer than `size` run: 0; -ETIMEDOUT, or
 * -ECANCELED in a task that was cancelled; -ENOMEM no stack is free. Waits. */
int crew_start(struct crew *c, int (*fn)(void *arg), void *arg, ktime deadline);

/* Waits for all: 0, or the first negative result that one had. At the deadline, or in a task that
 * was cancelled, cancels the rest, waits for them all the same, and returns -ETIMEDOUT or
 * -ECANCELED. Waits. */
int crew_close(struct crew *c, ktime deadline);

/* fn(item) for each of the n items of `size` bytes from `items` on, at most `at_once` at a time:
 * what crew_close() returns, or the first error of crew_start(), after which no more are started.
 * What an item comes to is left in it. -ENOMEM: no room for `at_once`. Waits. */
int crew_map(const char *name, unsigned at_once, int (*fn)(void *item), void *items, size_t size,
	     unsigned n, ktime deadline);
