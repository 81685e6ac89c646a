/* SPDX-License-Identifier: MIT */
/* The host's time of day, for kernel/dev/rtc_kvmclock.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Unix time in ns as the host has it now, or -1. Any time, where discovery
 * added DEV_RTC_KVMCLOCK. */
int64_t kvmclock_unix_ns(void);

/* Whether the host says that it stopped the machine, or restored it, since the last call. */
bool kvmclock_was_stopped(void);
