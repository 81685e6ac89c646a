/* SPDX-License-Identifier: MIT */
/* Crews (kernel/crew.h): an array of jobs, each used again once it has ended. */
#include "kernel/crew.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/kernel.h"

/* The pointers that job_any() wants, and behind them what they point to. */
int crew_open(struct crew *c, const char *name, unsigned size)
{
	struct job *jobs;

	ASSERT(size > 0);
	*c = (struct crew){ .name = name, .size = size };
	c->jobs = malloc(size * (sizeof(struct job *) + sizeof(struct job)));
	if (!c->jobs)
		return -ENOMEM;
	jobs = (struct job *)(c->jobs + size);
	for (unsigned i = 0; i < size; i++)
		c->jobs[i] = &jobs[i];
	return 0;
}

static void note(struct crew *c, int result)
{
	if (c->error == 0 && result < 0)
		c->error = result;
}

/* The index of a job that can be started, or why there is none. */
static int place(struct crew *c, ktime deadline)
{
	int i;

	if (task_cancelled())
		return -ECANCELED;
	if (c->used < c->size)
		return (int)c->used;
	i = job_any(c->jobs, c->used, deadline);
	if (i >= 0)
		note(c, job_result(c->jobs[i]));
	return i;
}

/* One that could not be started changes places with the last, which is no longer used. */
static void give_up(struct crew *c, unsigned i)
{
	struct job *idle = c->jobs[i];

	if (i == c->used)
		return;
	c->used--;
	c->jobs[i] = c->jobs[c->used];
	c->jobs[c->used] = idle;
}

int crew_start(struct crew *c, int (*fn)(void *arg), void *arg, ktime deadline)
{
	int i = place(c, deadline), err;

	if (i < 0)
		return i;
	err = job_start(c->jobs[i], c->name, fn, arg);
	if (err < 0) {
		give_up(c, (unsigned)i);
		return err;
	}
	c->used = MAX(c->used, (unsigned)i + 1);
	return 0;
}

int crew_close(struct crew *c, ktime deadline)
{
	int err = job_all(c->jobs, c->used, deadline);

	for (unsigned i = 0; i < c->used; i++)
		note(c, job_result(c->jobs[i]));
	free(c->jobs);
	return err < 0 ? err : c->error;
}

int crew_map(const char *name, unsigned at_once, int (*fn)(void *item), void *items, size_t size,
	     unsigned n, ktime deadline)
{
	struct crew c;
	int err = crew_open(&c, name, at_once), last;

	if (err < 0)
		return err;
	for (unsigned i = 0; i < n && err == 0; i++)
		err = crew_start(&c, fn, (char *)items + i * size, deadline);
	last = crew_close(&c, deadline);
	return err < 0 ? err : last;
}
