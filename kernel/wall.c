/* SPDX-License-Identifier: MIT */
/* The wall clock: Unix time from an RTC, most of which show whole seconds. One that
 * tells nanoseconds is simply believed.
 *
 * At boot the RTC's second is taken at once, plus half of what it may lack: at most half a
 * second wrong. A task then finds the next edges of the RTC's second and slews
 * the clock onto them, and does so again every quarter of an hour. Before an
 * answer to what has come since, and after a millisecond, the RTC is asked again, because
 * the counter behind clock_now() may have stood still while the machine was paused; while
 * that cannot be known the time is not either. A clock that is late by more than a second
 * steps forwards; any other correction is slewed, and it never runs backwards.
 *
 * What a time server says (clock_teach) counts for more: from then on the RTC
 * only tells of pauses, by how far it is from where it was. After one the clock goes by
 * the RTC, and what that was found to lack, until it is taught again.
 *
 * Outside: rtc_read() shows UTC. */
#include "kernel/wall.h"

#include <errno.h>

#include "kernel/counter.h"
#include "kernel/dev.h"
#include "kernel/kernel.h"
#include "kernel/task.h"

#define SECOND SECONDS(1)
#define TOLERANCE MILLIS(5)            /* an answer so close to an edge may be on either side */
#define EXACT (MILLIS(1) / 50)
#define DRIFT MILLIS(100)              /* more than this is not drift */
#define FIND_EVERY SECONDS(900)
#define LOOK_EVERY MILLIS(1)
#define UPDATE_MAX MILLIS(5)           /* MC146818A: an update takes 2.2 ms at most */
#define PATIENT MILLIS(200)            /* where a busy host updates it */
#define ANCHOR_EVERY SECONDS(3600)     /* the line is exact for days from its anchor */
#define LARGE MILLIS(5)                /* corrections from here on are slewed fast */
#define PACE_FAST 1
#define PACE_SLOW 8
#define COARSE (SECOND / 8)            /* doubt that tells nothing of an edge */
#define FINER 32                       /* looks for an edge in one interval of doubt */
#define EDGE_WIDTH (MILLIS(1) / 5)     /* doubt that is small enough */
#define EDGES_MAX 8
#define LOOKS_MAX 400

/* ---- Arithmetic ------------------------------------------------------------ */

/* The clock's own line, without what is to be corrected. */
static int64_t line(const struct wall *w, ktime now)
{
	int64_t passed = now - w->mono;

	return w->unix_ns + passed + ((passed >> 8) * w->rate >> 24);
}

static int64_t gained(const struct wall *w, ktime now)
{
	int64_t most = (now - w->mono) >> w->pace;

	return w->slew > 0 ? MIN(w->slew, most) : MAX(w->slew, -most);
}

int64_t wall_at(const struct wall *w, ktime now)
{
	return line(w, now) + gained(w, now);
}

int64_t wall_aim(const struct wall *w, ktime now)
{
	return line(w, now) + w->slew;
}

static void anchor(struct wall *w, ktime now, int64_t unix_ns, int64_t slew)
{
	w->mono = now;
	w->unix_ns = unix_ns;
	w->slew = slew;
	if (slew >= LARGE || slew <= -LARGE)
		w->pace = PACE_FAST;
	else if (slew == 0)
		w->pace = PACE_SLOW;
}

void wall_set(struct wall *w, ktime now, int64_t unix_ns)
{
	w->known = true;
	anchor(w, now, unix_ns, 0);
}

void wall_correct(struct wall *w, ktime now, int64_t unix_ns)
{
	int64_t ours = wall_at(w, now), off = unix_ns - ours;
	bool far = off > SECOND || off < -SECOND;

	if (off > SECOND || !w->told)
		ours = unix_ns;
	if (far && ours == unix_ns)
		w->steps++;
	else if (off != 0)
		w->slews++;
	w->pace = PACE_SLOW;
	anchor(w, now, ours, unix_ns - ours);
}

void wall_teach(struct wall *w, ktime now, int64_t unix_ns, int32_t ppb)
{
	if (w->known) {
		w->behind += unix_ns - wall_aim(w, now);
		wall_correct(w, now, unix_ns);
	} else {
		wall_set(w, now, unix_ns);
		w->steps++;
	}
	ppb = MAX(-WALL_PPB_MAX, MIN(ppb, WALL_PPB_MAX));
	w->rate = (int32_t)((int64_t)ppb * (1ll << 32) / 1000000000);
	w->taught = true;
}

void wall_edge(struct wall *w, ktime now, int64_t unix_ns, ktime edge)
{
	int64_t rtc = unix_ns + (now - edge);

	if (w->taught)
		w->behind = wall_aim(w, now) - rtc;
	else
		wall_correct(w, now, rtc + w->behind);
	w->phased = true;
}

static int64_t half_doubt(const struct reading *r)
{
	return (r->width + r->now - r->since) / 2;
}

/* What the RTC says is `off` from where the clock is going. Before an edge has been seen
 * it may be by up to half a second. */
static enum wall_verdict judge(struct wall *w, const struct reading *r, int64_t off)
{
	int64_t drift = w->phased ? DRIFT : SECOND / 2 + 2 * TOLERANCE;

	if (off < drift && off > -drift) {
		if (!w->phased)
			return WALL_AGREES;
		if (w->taught)
			w->behind -= off;
		else
			wall_correct(w, r->now, wall_aim(w, r->now) + off);
		return WALL_DRIFTED;
	}
	if (off < 0 && w->taught) {
		w->behind -= off;
		return WALL_SET_BACK;
	}
	if (off < 0 && !w->phased)
		return WALL_AGREES;    /* it may stand still; if not, an edge will tell */
	w->taught = false;
	w->phased = r->width == 0;
	wall_correct(w, r->now, r->time + w->behind + half_doubt(r));
	return off < 0 ? WALL_SET_BACK : WALL_LOST;
}

enum wall_verdict wall_compare(struct wall *w, const struct reading *r)
{
	int64_t from = r->time + w->behind, tolerance = r->width ? TOLERANCE : EXACT;
	int64_t late = from - wall_aim(w, r->now), early = -late - r->width;

	w->phased |= r->width == 0;
	if (early >= tolerance)
		early = wall_aim(w, r->since) - from - r->width;
	if (late < tolerance && early < tolerance)
		return WALL_AGREES;
	return judge(w, r, late > 0 ? late : -early);
}

ktime finder_step(struct finder *f, const struct reading *r)
{
	ktime now = r->now, hi = MAX(f->lo, MIN(now, f->limit));
	bool follows = r->time == f->second + SECOND && hi - f->lo <= COARSE;

	if (++f->looks > LOOKS_MAX)
		return FINDER_FAILED;
	if (r->time == f->second) {
		f->lo = MAX(f->lo, r->since);
		return now + f->step;
	}
	f->second = r->time;
	if (!follows) {
		f->edges = 0;
		f->lo = r->since;
		f->limit = FOREVER;
		f->step = SECOND / FINER;
		return now + f->step;
	}
	f->edge = f->lo + (hi - f->lo) / 2;
	if (++f->edges == EDGES_MAX || hi - f->lo <= EDGE_WIDTH)
		return FINDER_DONE;
	f->step = MAX((hi - f->lo) / FINER, EDGE_WIDTH / 2);
	f->lo += SECOND;
	f->limit = hi + SECOND;
	return f->lo;
}

/* ---- The clock of this machine --------------------------------------------- */

enum { STEPS, SLEWS, PAUSES, COUNTS };
static struct counter counters[COUNTS] = {
	[STEPS] = { "clock_steps_total", 0 },
	[SLEWS] = { "clock_slews_total", 0 },
	[PAUSES] = { "clock_pauses_total", 0 },
};

static struct wall wall;
static ktime looked;
static uint32_t patience = PATIENT;      /* ns */
static bool doubtful;                  /* the RTC could not be asked: there may have been a pause */
static bool exact;                     /* it tells nanoseconds */
static struct event find_again;
static void (*on_pause[CLOCK_PAUSE_FNS])(void);
static unsigned on_pause_count;

static void count(void)
{
	counters[STEPS].n = wall.steps;
	counters[SLEWS].n = wall.slews;
}

void clock_on_pause(void (*fn)(void))
{
	ASSERT(on_pause_count < CLOCK_PAUSE_FNS);
	on_pause[on_pause_count++] = fn;
}

/* Reads the RTC, at r->now, once it does not just update: 0 or what rtc_read() says. One that
 * updates for ever is waited for so long only once. */
static int read_rtc(struct reading *r)
{
	ktime until = r->now + patience;
	int err;

	do {
		r->since = r->now;
		err = rtc_read(&r->time, &r->width);
		r->now = clock_now();
	} while (err == -EAGAIN && r->since < until);
	patience = err == -EAGAIN ? UPDATE_MAX : PATIENT;
	return err;
}

/* Asks the RTC, at *now, which becomes the present, and puts the clock right: 0 or what
 * rtc_read() says. */
static int ask(ktime *now)
{
	struct reading r = { .now = *now };
	enum wall_verdict verdict;
	int err = read_rtc(&r);

	*now = r.now;
	doubtful = err == -EAGAIN;
	exact = r.width == 0;
	if (err < 0)
		return err;
	if (!wall.known) {
		wall_set(&wall, r.now, r.time + half_doubt(&r));
		return 0;
	}
	verdict = wall_compare(&wall, &r);
	if (verdict == WALL_AGREES)
		return 0;
	count();
	if (!exact && (verdict == WALL_LOST || verdict == WALL_SET_BACK))
		event_signal(&find_again);
	if (verdict == WALL_LOST) {
		counters[PAUSES].n++;
		for (unsigned i = 0; i < on_pause_count; i++)
			on_pause[i]();
	}
	return 0;
}

void clock_expire(void)
{
	looked = -LOOK_EVERY;
}

/* Asks again where that is due: the present. */
static ktime look(void)
{
	ktime now = clock_now();

	if (now - looked < LOOK_EVERY)
		return now;
	looked = now;
	if (wall.known && now - wall.mono > ANCHOR_EVERY)
		anchor(&wall, now, wall_at(&wall, now), wall_aim(&wall, now) - wall_at(&wall, now));
	ask(&now);
	return now;
}

void clock_look(void)
{
	look();
}

int clock_peek_ns(int64_t *ns)
{
	ktime now = look();

	if (!wall.known || doubtful)
		return -EAGAIN;
	*ns = wall_at(&wall, now);
	return 0;
}

int clock_unix_ns(int64_t *ns)
{
	int err = clock_peek_ns(ns);

	wall.told |= err == 0;
	return err;
}

double clock_unix(void)
{
	int64_t ns;

	if (clock_unix_ns(&ns) < 0)
		return __builtin_nan("");
	return (double)ns / 1e9;
}

int64_t clock_aim_ns(ktime at)
{
	return wall.known ? wall_aim(&wall, at) : at;
}

void clock_teach(ktime at, int64_t unix_ns, int32_t ppb)
{
	ktime now = clock_now();
	int64_t passed = now - at;

	wall_teach(&wall, now, unix_ns + passed + passed / 1000 * ppb / 1000000, ppb);
	count();
}

struct clock_status clock_status(void)
{
	ktime now = clock_now();
	struct clock_status s = {
		.source = CLOCK_NONE, .steps = wall.steps, .slews = wall.slews,
		.slew_ns = wall_aim(&wall, now) - wall_at(&wall, now),
		.ppb = (int32_t)((int64_t)wall.rate * 1000000000 >> 32),
	};

	if (wall.known)
		s.source = wall.taught ? CLOCK_NTP : exact ? CLOCK_KVMCLOCK : CLOCK_RTC;
	return s;
}

/* One run of the finder. Each edge found corrects the clock. */
static int find(void)
{
	struct finder f = { .step = SECOND / FINER };
	struct reading r;
	unsigned edges = 0;
	ktime next;
	int err;

	do {
		r.now = clock_now();
		err = read_rtc(&r);
		if (err == -EAGAIN) {
			r.since = f.lo;
			r.time = f.second;
		} else if (err < 0) {
			return err;
		}
		next = finder_step(&f, &r);
		if (f.edges > edges && wall.known)
			wall_edge(&wall, r.now, f.second, f.edge);
		count();
		edges = f.edges;
		if (next > 0)
			task_sleep(next);
	} while (next > 0);
	return next == FINDER_DONE ? 0 : -EIO;
}

static void follow_rtc(void *unused)
{
	for (;;) {
		int err = find();

		if (err < 0)
			log_warn("clock: the RTC is of no use, error %d", -err);
		task_state("next look at the RTC");
		event_wait(&find_again, clock_now() + FIND_EVERY);
	}
}

void clock_start_wall(void)
{
	ktime now = clock_now();

	counters_add(counters, COUNTS);
	if (ask(&now) == -ENODEV)
		return;
	looked = now;
	if (!exact)
		task_spawn("clock", follow_rtc, NULL);
}
