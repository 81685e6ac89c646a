/* SPDX-License-Identifier: MIT */
/* The time of day that a loader read, and the CPU's counter at that moment: a clock for machines
 * whose own cannot be found. It knows nothing of the time that a counter stood still; a time
 * server does. */
#include "kernel/arch.h"
#include "kernel/dev.h"

static uint64_t unix_ns SEALED, ticks SEALED;

static int loader_open(const struct device *dev)
{
	unix_ns = dev->base;
	ticks = dev->base2;
	return 0;
}

static int loader_read_ns(int64_t *now)
{
	uint64_t passed = arch_ticks() - ticks, hz = arch_ticks_hz();

	*now = (int64_t)(unix_ns + passed / hz * 1000000000u + passed % hz * 1000000000u / hz);
	return 0;
}

const struct rtc rtc_loader = {
	.kind = DEV_RTC_LOADER,
	.open = loader_open,
	.read_ns = loader_read_ns,
};
