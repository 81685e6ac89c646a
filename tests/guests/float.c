/* SPDX-License-Identifier: MIT */
/* Guest: floating-point values that live in registers survive a switch. Each
 * task keeps twelve doubles alive across its waits, more than AAPCS64 has
 * callee-saved registers for, while the others use the same ones: four tasks, or
 * as many as there are stacks. */
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/task.h"

#define TASKS_MAX 4u
#define ROUNDS 200
#define STEPS 12

static unsigned tasks, running;
static struct event done;
static double sums[TASKS_MAX];

/* Not a constant to the compiler. */
static double opaque(double x)
{
	__asm__ volatile("" : "+m"(x));
	return x;
}

static double run(double seed, bool waits)
{
	double a = opaque(seed), b = opaque(seed + 1), c = opaque(seed + 2), d = opaque(seed + 3);
	double e = opaque(seed + 4), f = opaque(seed + 5), g = opaque(seed + 6);
	double h = opaque(seed + 7), i = opaque(seed + 8), j = opaque(seed + 9);
	double k = opaque(seed + 10), l = opaque(seed + 11);

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (waits && round % 50 == 0)
			task_sleep(clock_after_ms(1));
		else if (waits)
			task_yield();
		a = a * 0.5 + l;
		b = b * 0.5 + a;
		c = c * 0.5 + b;
		d = d * 0.5 + c;
		e = e * 0.5 + d;
		f = f * 0.5 + e;
		g = g * 0.5 + f;
		h = h * 0.5 + g;
		i = i * 0.5 + h;
		j = j * 0.5 + i;
		k = k * 0.5 + j;
		l = l * 0.0001 + k * 0.0001;
	}
	return a + b + c + d + e + f + g + h + i + j + k + l;
}

static void worker(void *arg)
{
	double *sum = arg;

	*sum = run(opaque((double)(sum - sums) * 100.0 + 0.25), true);
	if (--running == 0)
		event_signal(&done);
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	char text[64];

	running = tasks = MIN(TASKS_MAX, task_stats().stacks - 1);
	for (unsigned i = 0; i < tasks; i++)
		if (task_spawn("float", worker, &sums[i]) < 0)
			arch_exit(EXIT_TEST_FAILED);
	if (event_wait(&done, clock_after_ms(10000)) < 0)
		arch_exit(EXIT_TEST_FAILED);
	for (unsigned i = 0; i < tasks; i++) {
		double want = run(i * 100.0 + 0.25, false);

		if (sums[i] != want) {
			log_error("float: task %u: %.17g, not %.17g", i, sums[i], want);
			arch_exit(EXIT_TEST_FAILED);
		}
	}
	snprintf(text, sizeof(text), "%.6f %.3f %g", opaque(1795383459.123456), opaque(-0.0005),
		 opaque(1e300));
	if (strcmp(text, "1795383459.123456 -0.001 1e+300") != 0 &&
	    strcmp(text, "1795383459.123456 -0.000 1e+300") != 0) {
		log_error("float: printed as %s", text);
		arch_exit(EXIT_TEST_FAILED);
	}
	log_info("float: passed");
	arch_exit(EXIT_OK);
}
