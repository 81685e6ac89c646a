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
	ktime mono;                /* anchor: at this monotonic time ... */
	int64_t unix_ns;           /* ... it was this */
	int64_t slew;              /* still to be gained (or lost, when negative) after it */
	int64_t behind;            /* what the RTC lacks, once somebody knows better */
};

/* Unix time at `now`: it gains or loses the rest of a correction at half its own
 * speed, and so never runs backwards. */
int64_t wall_at(const struct wall *w, ktime now);

/* Where it is going: the same with the whole correction made. */
int64_t wall_aim(const struct wall *w, ktime now);

/* The first time it is known. */
void wall_set(struct wall *w, ktime now, int64_t unix_ns);

/* It ought to be `unix_ns` at `now`: more than a second late is stepped over,
 * everything else is slewed. */
void wall_correct(struct wall *w, ktime now, int64_t unix_ns);

/* It is `unix_ns` at `now`, as a time server says, who knows better than an RTC: set
 * or corrected, and what the RTC lacks is kept. How far it was off, 0 at first. */
int64_t wall_teach(struct wall *w, ktime now, int64_t unix_ns);

/* The RTC's second began at `edge`: the clock is corrected, or, once taught, only
 * what the RTC lacks. */
void wall_edge(struct wall *w, ktime now, int64_t second, ktime edge);

/* Compares with the RTC's second, read at `now`: WALL_AGREES; WALL_DRIFTED, put
 * right; or WALL_LOST after a pause: put right to half a second, look for the
 * next edge. */
enum wall_verdict { WALL_AGREES, WALL_DRIFTED, WALL_LOST };
enum wall_verdict wall_compare(struct wall *w, ktime now, int64_t second);

/* Whether the RTC's second of the minute fits, or a whole comparison is due. */
bool wall_glance_fits(const struct wall *w, ktime now, int second_of_minute);

/* Finds the instant at which the RTC's second changes: tell finder_step() what
 * the RTC says, and it answers when to look next. Each edge is looked for more
 * finely, where the one before promised it, until it is known to 0.2 ms: three
 * edges, or some more where looks come late. */
struct finder {
	unsigned edges;            /* found so far */
	int64_t second;            /* the RTC's, last seen; 0 before the first look */
	ktime edge;                /* when it began, once edges > 0 */
	ktime lo, limit;           /* the next edge comes after lo, and no later than limit */
	ktime step;                /* between two looks */
	unsigned looks;
};

/* When to look again; FINDER_DONE; or FINDER_FAILED: the RTC does not count. */
#define FINDER_DONE 0
#define FINDER_FAILED (-1)
ktime finder_step(struct finder *f, ktime now, int64_t second);
