/* SPDX-License-Identifier: MIT */
/* See fake_clock.h. */
#include <errno.h>
#include <stdbool.h>

#include "tests/unit/fake_clock.h"

ktime fake_clock;
bool fake_paused;
static void (*on_pause)(void);

ktime clock_now(void)
{
	return fake_clock;
}

void clock_on_pause(void (*fn)(void))
{
	on_pause = fn;
}

int clock_unix_ns(int64_t *ns)
{
	if (fake_paused) {
		fake_paused = false;
		on_pause();
	}
	return -EAGAIN;
}
