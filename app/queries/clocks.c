/* SPDX-License-Identifier: MIT */
/* The C library's own clocks and sleeps, as a library that an app brings calls them. */
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "app/app.h"
#include "app/queries/clocks.h"

static long long us(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return -1;
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long tv_us(void)
{
	struct timeval tv;

	return gettimeofday(&tv, NULL) < 0 ? -1 : tv.tv_sec * 1000000LL + tv.tv_usec;
}

void clocks(struct request *req, struct response *res)
{
	long long mono = us(CLOCK_MONOTONIC), real = us(CLOCK_REALTIME), tv = tv_us();
	long long seconds = time(NULL);

	json(res, "{ monotonic: %lld, realtime: %lld, gettimeofday: %lld, time: %lld }", mono, real,
	     tv, seconds);
}

void sleeps(struct request *req, struct response *res)
{
	int n = atoi(request_param(req, "us"));
	long long from = us(CLOCK_MONOTONIC), slept, napped, end;
	int left = (int)sleep(1);

	slept = us(CLOCK_MONOTONIC);
	left += nanosleep(&(struct timespec){ .tv_nsec = n * 1000L }, NULL);
	napped = us(CLOCK_MONOTONIC);
	left += usleep((useconds_t)n);
	end = us(CLOCK_MONOTONIC);
	json(res, "{ left: %d, from: %lld, sleep: %lld, nanosleep: %lld, usleep: %lld }", left,
	     from, slept - from, napped - slept, end - napped);
}
