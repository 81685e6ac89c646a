/* SPDX-License-Identifier: MIT */
/* Guest: what a switch costs, one way, as the best of many rounds: between two coroutines, and
 * between two tasks, by task_yield() and by an event each. `tests/bench/run switch` reads its
 * lines. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/coroutine.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/task.h"

#define TURNS 20000
#define SPAN MILLIS(300)

static int bounce(void *value, void **result)
{
	struct coroutine *back = coroutine_parent(coroutine_self());

	while (value)
		coroutine_switch(back, value, &value);
	return 0;
}

static struct coroutine other = COROUTINE("bounce", bounce);

static void coroutine_turns(void)
{
	for (unsigned i = 0; i < TURNS; i++)
		coroutine_switch(&other, &other, NULL);
}

static bool yielding;

static void yielder(void *arg)
{
	while (yielding)
		task_yield();
}

static void yield_turns(void)
{
	for (unsigned i = 0; i < TURNS; i++)
		task_yield();
}

static struct event ping, pong;

static void answer(void *arg)
{
	while (event_wait(&ping, FOREVER) == 0 && yielding)
		event_signal(&pong);
}

static void event_turns(void)
{
	for (unsigned i = 0; i < TURNS; i++) {
		event_signal(&ping);
		event_wait(&pong, FOREVER);
	}
}

/* Two switches a turn. */
static void measure(const char *what, void (*turns)(void))
{
	ktime from = clock_now(), best = FOREVER;

	do {
		ktime began = clock_now(), took;

		turns();
		took = clock_now() - began;
		best = took < best ? took : best;
	} while (clock_now() - from < SPAN);
	log_info("switch: %s: %.2f ns", what, (double)best / (2.0 * TURNS));
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	measure("coroutine", coroutine_turns);
	coroutine_switch(&other, NULL, NULL);
	ASSERT(coroutine_ended(&other));
	yielding = true;
	if (task_spawn("yielder", yielder, NULL) < 0)
		panic("no stack");
	measure("task_yield", yield_turns);
	yielding = false;
	task_yield();
	yielding = true;
	if (task_spawn("answer", answer, NULL) < 0)
		panic("no stack");
	measure("event", event_turns);
	arch_exit(EXIT_OK);
}
