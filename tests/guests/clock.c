/* SPDX-License-Identifier: MIT */
/* Guest: the clocks. For six seconds neither runs backwards; a sleep never ends
 * early; then the wall clock agrees with what the RTC says, unless that stands
 * still, or, without an RTC, is not known. The last line lets the host compare:
 * "clock: unix <time>". */
#include <errno.h>
#include <math.h>

#include "kernel/arch.h"
#include "kernel/crash.h"
#include "kernel/dev.h"
#include "kernel/image.h"
#include "kernel/task.h"

#define RUN_MS 6000
#define STEP_MS 7
#define READS 200
#define EDGE 0.02              /* s: so near to a change of second either is right */

static _Noreturn void fail(const char *what, double a, double b)
{
	log_error("clock: %s: %.9f, %.9f", what, a, b);
	arch_exit(EXIT_TEST_FAILED);
}

/* Reads both clocks many times; neither may run backwards. */
static void watch(ktime *mono, double *unix_s)
{
	for (unsigned i = 0; i < READS; i++) {
		ktime now = clock_now();
		double then = clock_unix();

		if (now < *mono)
			fail("monotonic ran back", (double)*mono, (double)now);
		if (then < *unix_s)
			fail("wall ran back", *unix_s, then);
		*mono = now;
		if (!isnan(then))
			*unix_s = then;
	}
}

void image_boot(void)
{
}

void image_main(void *unused)
{
	ktime mono = 0, end = clock_after_ms(RUN_MS), deadline, before;
	double unix_s = 0;
	int64_t rtc = 0;
	uint32_t width;
	int err;

	while (clock_now() < end) {
		watch(&mono, &unix_s);
		deadline = clock_after_ms(STEP_MS);
		task_sleep(deadline);
		if (clock_now() < deadline)
			fail("woken early", (double)deadline, (double)clock_now());
	}
	do {
		before = clock_now();
		err = rtc_read(&rtc, &width);
		unix_s = clock_unix();
	} while (err == -EAGAIN);
	if (err == -ENODEV && !isnan(unix_s))
		fail("a time without an RTC", unix_s, 0);
	if (err == 0 && !(unix_s >= (double)rtc / 1e9 - EDGE &&
			  unix_s <= (double)(rtc + width + clock_now() - before) / 1e9 + EDGE))
		fail("not what the RTC says", unix_s, (double)rtc / 1e9);
	log_info("clock: passed");
	log_info("clock: unix %.6f", unix_s);
	arch_exit(EXIT_OK);
}
