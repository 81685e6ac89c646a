/* SPDX-License-Identifier: MIT */
/* The host's time of day as KVM tells it: in ns. It follows the host's clock over
 * a pause. */
#include <errno.h>

#include "kernel/arch/x86_64/kvmclock.h"
#include "kernel/dev.h"
#include "kernel/random.h"

static int clock_open(const struct device *dev)
{
	return kvmclock_unix_ns() < 0 ? -EIO : 0;
}

/* The cycle counter may have run on meanwhile, so that no pause shows by it. */
static int clock_read_ns(int64_t *unix_ns)
{
	if (kvmclock_was_stopped())
		random_reseed("the host stopped the machine");
	*unix_ns = kvmclock_unix_ns();
	return *unix_ns < 0 ? -EAGAIN : 0;
}

const struct rtc rtc_kvmclock = {
	.kind = DEV_RTC_KVMCLOCK,
	.open = clock_open,
	.read_ns = clock_read_ns,
};
