/* SPDX-License-Identifier: MIT */
/* For tests/bench: the same query, again and again, by so many tasks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/queries/queries.h"
#include "kernel/job.h"

#define BATCH 16

struct bench {
	struct job job;
	uint32_t n;
	bool pipelined;
};

static int one_by_one(struct pg *db, uint32_t n)
{
	int32_t one;
	int e = 1;

	for (uint32_t i = 0; i < n && e == 1; i++) {
		e = pg_query(db, "SELECT 1");
		if (e == 0)
			e = pg_row(db, pg_to_int4(&one));
	}
	return e;
}

static int by_sixteen(struct pg *db, uint32_t n)
{
	int32_t one;
	int e = 1;

	for (uint32_t i = 0; i < n && e >= 0; i += BATCH) {
		e = 0;
		for (int k = 0; k < BATCH && e == 0; k++)
			e = pg_add(db, "SELECT 1");
		if (e == 0)
			e = pg_run(db);
		while (e >= 0 && (e = pg_row(db, pg_to_int4(&one))) == 1 && (e = pg_next(db)) == 1)
			;
	}
	return e;
}

static int run_bench(void *arg)
{
	struct bench *b = arg;
	struct pg *db;
	int e = pg_get(&db, FOREVER);

	if (e < 0)
		return e;
	e = b->pipelined ? by_sixteen(db, b->n) : one_by_one(db, b->n);
	pg_put(db);
	return e;
}

void bench(struct request *req, struct response *res)
{
	unsigned tasks = (unsigned)MIN(number(req, "tasks"), 32ul), started = 0;
	struct bench *b = calloc(tasks + 1, sizeof(*b));
	struct job *jobs[32];
	ktime began = clock_now();
	int e = b ? 0 : -ENOMEM;

	for (; started < tasks && e == 0; started += e == 0) {
		b[started].n = (uint32_t)number(req, "n");
		b[started].pipelined = strcmp(request_param(req, "how"), "pipelined") == 0;
		jobs[started] = &b[started].job;
		e = job_start(jobs[started], "bench", run_bench, &b[started]);
	}
	job_all(jobs, started, FOREVER);
	for (unsigned i = 0; i < started && e >= 0; i++)
		e = job_result(jobs[i]);
	free(b);
	if (e < 0)
		refuse(res, NULL, e);
	else
		json(res, "{ seconds: %.6f }", (double)(clock_now() - began) / 1e9);
}
