/* SPDX-License-Identifier: MIT */
/* Time: since boot, and of day. */
#pragma once

#include <stdint.h>

typedef int64_t ktime;                  /* ns since boot, monotonic */
#define FOREVER INT64_MAX
#define SECONDS(n) ((ktime)(n) * 1000000000)
#define MILLIS(n) ((ktime)(n) * 1000000)

ktime clock_now(void);

/* The clock's value n ms from now: a deadline; FOREVER beyond a century. */
ktime clock_after_ms(int64_t ms);

/* Unix time in seconds, or NaN while no clock is known. Never runs backwards.
 * Before an answer it looks at a clock that keeps running while the machine is
 * paused (RTC), and steps over a pause: clock_look(). Never sleeps; spins up to 0.2 s while an RTC
 * updates. */
double clock_unix(void);

/* The same in ns: 0, or -EAGAIN while unknown. */
int clock_unix_ns(int64_t *ns);

/* The same for the machine's own use: until somebody is told, the clock may step backwards. */
int clock_peek_ns(int64_t *ns);

/* Looks for a pause of the machine: after clock_expire(), and else at most once a millisecond. */
void clock_look(void);

/* Something has come that may have come after a pause: clock_look() looks again. */
void clock_expire(void);

/* Where the wall clock is going: its Unix time at `at`, past or future, in ns, all
 * corrections made. `at` itself while unknown. */
int64_t clock_aim_ns(ktime at);

/* A time server says that it was `unix_ns` at clock_now() == `at`, and that the wall clock
 * must gain `ppb` (of 1e9) on clock_now(): the first word sets the clock, later ones
 * correct it as above. */
void clock_teach(ktime at, int64_t unix_ns, int32_t ppb);

enum clock_source { CLOCK_NONE, CLOCK_RTC, CLOCK_KVMCLOCK, CLOCK_NTP };

/* What the wall clock goes by, and what has been done to it since boot: steps forwards,
 * corrections made little by little, how much of the last of these is left. */
struct clock_status {
	enum clock_source source;
	unsigned steps, slews;
	int64_t slew_ns;
	int32_t ppb;
};
struct clock_status clock_status(void);

/* Boot: fn is called each time the clock turns out to have stood still or jumped (a
 * pause of the machine, a restored snapshot), after it was put right; from whatever
 * task asked for the time, so it must neither wait nor ask. At most CLOCK_PAUSE_FNS. */
#define CLOCK_PAUSE_FNS 4
void clock_on_pause(void (*fn)(void));

/* Boot: starts the monotonic clock; then the wall clock from pvclock or RTC.
 * clock_start_wall() reads the RTC's second and returns at once; a task finds
 * the fraction at the next edge and slews. */
void clock_init(void);
void clock_start_wall(void);

/* Kernel: when arch_idle() should end for `deadline`, in arch_ticks(). */
uint64_t clock_ticks_at(ktime deadline);
