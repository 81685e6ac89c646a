/* SPDX-License-Identifier: MIT */
/* Ticks of a counter to nanoseconds and back, in integers: the arithmetic of
 * clock.c, apart so that a test can run it without a counter. */
#pragma once

#include <stdint.h>

#include "kernel/clock.h"

/* Rates outside of these would overflow the fixed-point factors. */
#define CLOCK_HZ_MIN 250000u
#define CLOCK_HZ_MAX 17000000000u

struct clock_scale {
	uint64_t ticks;            /* anchor: this count ... */
	ktime ns;                  /* ... is this time */
	uint64_t hz;
	uint64_t ns_per_tick;      /* 2^52ths */
	uint64_t ticks_per_ns;     /* 2^30ths, rounded up */
};

/* Anchors the scale: from now on `ticks` is `ns`, and hz ticks are a second. */
void clock_scale_set(struct clock_scale *s, uint64_t ticks, ktime ns, uint64_t hz);

/* Time at `ticks`, which is not before the anchor. Within 1 ns in 2^20 s. */
ktime clock_scale_ns(const struct clock_scale *s, uint64_t ticks);

/* A tick, not before `ticks`, at which clock_scale_ns() has reached `ns`: late by
 * one tick and 2^-30 of the way at most, and never further ahead than this. */
#define CLOCK_AHEAD_MAX SECONDS(86400)
uint64_t clock_scale_ticks(const struct clock_scale *s, uint64_t ticks, ktime ns);
