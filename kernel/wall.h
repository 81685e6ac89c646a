/* SPDX-License-Identifier: MIT */
/* The arithmetic of the wall clock, apart from devices so that a test can run
 * it with invented time. All times in ns; `now` is the monotonic clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"

struct wall {
	bool known;
	bool taught;               /* by somebody who knows better than the RTC */
	bool phased;               /* since it was set, the RTC's second has been seen to begin */
	bool told;                 /* somebody has been told the time: it must not run backwards */
	uint8_t pace;              /* a slew takes 1 / 2^pace of the clock's own speed */
	int32_t rate;              /* gained per ns of the monotonic clock, in 2^-32 */
	ktime mono;                /* anchor: at this monotonic time ... */
	int64_t unix_ns;           /* ... it was this */
	int64_t slew;              /* still to be gained (or lost, when negative) after it */
	int64_t behind;            /* what the RTC lacks, once somebody knows better */
	uint32_t steps, slews;     /* corrections, at once (the first, too) and little by little */
};

/* Unix time at `now`: it gains or loses the rest of a correction at half its own
 * speed, or at 1/256 when it is small, and so never runs backwards. */
int64_t wall_at(const struct wall *w, ktime now);

/* Where it is going: the same with the whole correction made. Before the anchor, too: the
 * line on which it would have come. */
int64_t wall_aim(const struct wall *w, ktime now);

/* The first time it is known. */
void wall_set(struct wall *w, ktime now, int64_t unix_ns);

/* It ought to be `unix_ns` at `now`: more than a second late is stepped over, and so is
 * anything while nobody has been told the time; everything else is slewed. */
void wall_correct(struct wall *w, ktime now, int64_t unix_ns);

/* It is `unix_ns` at `now` and gains `ppb` from now on, as a time server says, who knows
 * better than an RTC: set or corrected, and what the RTC lacks is kept. */
#define WALL_PPB_MAX 500000
void wall_teach(struct wall *w, ktime now, int64_t unix_ns, int32_t ppb);

/* The RTC's second, `unix_ns`, began at `edge`: the clock is corrected, or, once taught, only
 * what the RTC lacks. */
void wall_edge(struct wall *w, ktime now, int64_t unix_ns, ktime edge);

/* An RTC was read at some time from `since` to `now`, far apart if the host was busy elsewhere,
 * and showed Unix time from `time` to `time + width`. */
struct reading {
	ktime since, now;
	int64_t time;
	uint32_t width;            /* 0, or a second */
};

/* Compares with the RTC: WALL_AGREES, as far as the reading tells; WALL_DRIFTED, put right, the
 * clock or, once taught, what the RTC lacks; or WALL_LOST after a pause: put right to half the
 * reading's doubt and no longer taught, look for the next edge; or WALL_SET_BACK: it
 * is late, as no pause makes it, and is followed unless somebody knows better. */
enum wall_verdict { WALL_AGREES, WALL_DRIFTED, WALL_LOST, WALL_SET_BACK };
enum wall_verdict wall_compare(struct wall *w, const struct reading *r);

/* Finds the instant at which the RTC's second changes: tell finder_step() what
 * the RTC says, and it answers when to look next. Each edge is looked for more
 * finely, where the one before promised it, until it is known to 0.2 ms: three
 * edges, or some more where looks come late. */
struct finder {
	unsigned edges;            /* found so far */
	int64_t second;            /* the RTC's, last seen, in ns; 0 before the first look */
	ktime edge;                /* when it began, once edges > 0 */
	ktime lo, limit;           /* the next edge comes after lo, and no later than limit */
	ktime step;                /* between two looks */
	unsigned looks;
};

/* When to look again; FINDER_DONE; or FINDER_FAILED: the RTC does not count. */
#define FINDER_DONE 0
#define FINDER_FAILED (-1)
ktime finder_step(struct finder *f, const struct reading *r);
