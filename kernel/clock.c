/* SPDX-License-Identifier: MIT */
/* The monotonic clock: arch_ticks() scaled to nanoseconds since boot. The rate
 * may be refined while the machine runs; the scale is then anchored anew at
 * that instant, so that the clock bends and never jumps. Outside: nothing. */
#include "kernel/arch.h"
#include "kernel/clock_scale.h"
#include "kernel/task.h"
#include "kernel/wide.h"

#define NS_PER_S 1000000000u
#define MS_MAX (FOREVER / MILLIS(2))    /* 146 years, and as much is left for clock_now() */

void clock_scale_set(struct clock_scale *s, uint64_t ticks, ktime ns, uint64_t hz)
{
	uint64_t whole, rest;

	ASSERT(hz >= CLOCK_HZ_MIN && hz <= CLOCK_HZ_MAX);
	whole = ((uint64_t)NS_PER_S << 32) / hz;
	rest = ((uint64_t)NS_PER_S << 32) % hz;
	s->ticks = ticks;
	s->ns = ns;
	s->hz = hz;
	s->ns_per_tick = whole << 20 | (rest << 20) / hz;
	s->ticks_per_ns = (hz << 30) / NS_PER_S + 1;
}

ktime clock_scale_ns(const struct clock_scale *s, uint64_t ticks)
{
	return s->ns + (ktime)wide_shift(wide_mul(ticks - s->ticks, s->ns_per_tick), 52);
}

uint64_t clock_scale_ticks(const struct clock_scale *s, uint64_t ticks, ktime ns)
{
	ktime ahead = MIN(ns - clock_scale_ns(s, ticks), CLOCK_AHEAD_MAX);

	if (ahead <= 0)
		return ticks;
	return ticks + wide_shift(wide_mul((uint64_t)ahead, s->ticks_per_ns), 30) + 1;
}

static struct clock_scale scale;

ktime clock_now(void)
{
	uint64_t hz = arch_ticks_hz();
	uint64_t ticks = arch_ticks();

	if (__builtin_expect(hz != scale.hz, 0))
		clock_scale_set(&scale, ticks, scale.hz ? clock_scale_ns(&scale, ticks) : 0, hz);
	return clock_scale_ns(&scale, ticks);
}

ktime clock_after_ms(int64_t ms)
{
	return ms > MS_MAX ? FOREVER : clock_now() + MILLIS(ms);
}

uint64_t clock_ticks_at(ktime deadline)
{
	if (deadline == FOREVER)
		return UINT64_MAX;
	return clock_scale_ticks(&scale, arch_ticks(), deadline);
}

void clock_init(void)
{
	clock_now();
	log_info("clock: %llu kHz", (unsigned long long)(arch_ticks_hz() / 1000));
}
