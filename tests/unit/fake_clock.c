/* SPDX-License-Identifier: MIT */
/* See fake_clock.h. */
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

void clock_look(void)
{
	if (fake_paused) {
		fake_paused = false;
		on_pause();
	}
}
