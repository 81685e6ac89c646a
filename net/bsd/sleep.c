/* SPDX-License-Identifier: MIT */
/* The C library's own time and sleep calls by our clocks and scheduler (net/bsd/bsd.h):
 * POSIX.1-2017 <time.h>, <sys/time.h>, <unistd.h>. */
#include <errno.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "net/bsd/bsd.h"

#define NS_PER_S 1000000000
#define SLEEP_MAX_S 100000000u         /* three years */

/* ---- Time --------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int64_t ns = clock_now();
	int err = 0;

	if (clock == CLOCK_REALTIME)
		err = clock_unix_ns(&ns);
	else if (clock != CLOCK_MONOTONIC)
		err = -EINVAL;
	if (err < 0)
		return bsd_fail(err);
	t->tv_sec = (time_t)(ns / NS_PER_S);
	t->tv_nsec = (long)(ns % NS_PER_S);
	return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) < 0)
		return -1;
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = (suseconds_t)(t.tv_nsec / 1000);
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now = { .tv_sec = -1 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}

/* ---- Sleep -------------------------------------------------------------- */

/* Until then, or to the task's limit or end, which is -errno. Without any time to pass it is a
 * turn of the others. */
static int sleep_until(ktime deadline)
{
	int err = deadline > clock_now() ? task_sleep(deadline) : -EAGAIN;

	if (err < 0)
		task_yield();          /* who asks again and again must not starve the others */
	if (err == -EAGAIN)
		err = task_cancelled() ? -ECANCELED : 0;
	return err;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	ktime deadline, rest;
	int err;

	if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= NS_PER_S)
		return bsd_fail(-EINVAL);
	deadline = clock_now() + SECONDS(MIN(wanted->tv_sec, (time_t)SLEEP_MAX_S)) +
		   wanted->tv_nsec;
	err = sleep_until(deadline);
	if (err == 0)
		return 0;
	rest = MAX(deadline - clock_now(), 0);
	if (left) {
		left->tv_sec = (time_t)(rest / NS_PER_S);
		left->tv_nsec = (long)(rest % NS_PER_S);
	}
	return bsd_fail(err);
}

unsigned sleep(unsigned seconds)
{
	ktime deadline = clock_now() + SECONDS(MIN(seconds, SLEEP_MAX_S));
	int err = sleep_until(deadline);

	if (err == 0)
		return 0;
	errno = -err;
	return (unsigned)((MAX(deadline - clock_now(), 0) + NS_PER_S - 1) / NS_PER_S);
}

int usleep(useconds_t us)
{
	int err = sleep_until(clock_now() + (ktime)us * 1000);

	return err < 0 ? bsd_fail(err) : 0;
}
