/* SPDX-License-Identifier: MIT */
/* Jobs (kernel/job.h): a task's end and result, seen through one event of whoever waits. */
#include "kernel/job.h"

#include <errno.h>

#include "kernel/kernel.h"

static void run(void *arg)
{
	struct job *j = arg;

	j->task = task_self();
	task_limit(j->limit);
	if (j->cancelled)
		task_cancel(j->task);
	j->result = j->fn(j->arg);
	j->task = NULL;
	j->ended = true;
	if (j->watcher)
		event_signal(j->watcher);
}

int job_start(struct job *j, const char *name, int (*fn)(void *arg), void *arg)
{
	int err = task_may_wait();

	*j = (struct job){ .fn = fn, .arg = arg, .limit = task_limit(FOREVER) };
	task_limit(j->limit);
	return err < 0 ? err : task_spawn(name, run, j);
}

/* The index of one that has ended and was not told of; -ECHILD: all were; -EAGAIN. */
static int look(struct job *const jobs[], unsigned n)
{
	int found = -ECHILD;

	for (unsigned i = 0; i < n; i++) {
		if (jobs[i]->told)
			continue;
		if (jobs[i]->ended) {
			jobs[i]->told = true;
			return (int)i;
		}
		found = -EAGAIN;
	}
	return found;
}

int job_any(struct job *const jobs[], unsigned n, ktime deadline)
{
	struct event e = { 0 };
	int found = look(jobs, n), err = 0;

	if (found != -EAGAIN)
		return found;
	for (unsigned i = 0; i < n; i++) {
		ASSERT(!jobs[i]->watcher);
		jobs[i]->watcher = &e;
	}
	/* One that had ended and been told of before does not signal. */
	err = event_wait(&e, deadline);
	for (unsigned i = 0; i < n; i++)
		jobs[i]->watcher = NULL;
	return err < 0 ? err : look(jobs, n);
}

int job_join(struct job *j, int *result, ktime deadline)
{
	int err = 0;

	j->told = j->ended;
	if (!j->ended)
		err = job_any(&j, 1, deadline);
	if (err == 0 && result)
		*result = j->result;
	return err;
}

int job_all(struct job *const jobs[], unsigned n, ktime deadline)
{
	bool cancelled = false;
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++)
		err = job_join(jobs[i], NULL, deadline);
	if (err == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		job_cancel(jobs[i]);
	/* They lie in the caller's memory: no limit and no cancellation lets it go on before. */
	for (unsigned i = 0; i < n; i++) {
		while (!jobs[i]->ended) {
			ktime limit = task_limit(FOREVER);

			cancelled |= task_uncancel();
			int e = job_join(jobs[i], NULL, FOREVER);

			ASSERT(e == 0 || e == -ECANCELED);
			task_limit(limit);
		}
	}
	if (cancelled)
		task_cancel(task_self());
	return err;
}

void job_cancel(struct job *j)
{
	j->cancelled = true;
	if (j->task)
		task_cancel(j->task);
}

bool job_ended(const struct job *j)
{
	return j->ended;
}

int job_result(const struct job *j)
{
	ASSERT(j->ended);
	return j->result;
}
