/* SPDX-License-Identifier: MIT */
/* See net/deadline.h. Nothing takes the limit back: the task of a handler that has waited ends with
 * it, and the loop drops what one that has not leaves behind (net/net.c). */
#include "net/deadline.h"

#include <errno.h>

#include "kernel/task.h"
#include "net/addr.h"
#include "net/http/impl.h"

#define MS_MAX 86400000

static int usual SEALED;               /* http.deadline=, in milliseconds */

void request_deadline(struct request *r, int64_t ms)
{
	task_limit(task_deadline(clock_after_ms(ms)));
}

static void begin(struct request *r)
{
	request_deadline(r, usual);
}

int deadline_setting(const char *value)
{
	int ms = addr_number(&value, MS_MAX);

	if (ms < 1 || *value)
		return -EINVAL;
	usual = ms;
	request_begins = begin;
	return 0;
}
