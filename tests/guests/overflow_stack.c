/* SPDX-License-Identifier: MIT */
/* Recurses without end. It must fault on the guard page below its stack before it has touched
 * anything else: a second task's stack and its mark there stay as they were until then. */
#include "kernel/task.h"
#include "tests/guests/forbidden.h"

#define DEPTH_MAX 1000000u

static volatile unsigned depth;

static __attribute__((noinline)) unsigned deeper(unsigned n)
{
	volatile uint8_t frame[256];

	frame[n % sizeof(frame)] = (uint8_t)n;
	depth = n;
	if (n >= DEPTH_MAX)
		return frame[0];
	return deeper(n + 1) + frame[n % sizeof(frame)];
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	log_info("overflow_stack: recursing, %u bytes and more each time", 256u);
	depth = deeper(1);
	forbidden_access_succeeded();
}
