/* SPDX-License-Identifier: MIT */
/* The wall clock: Unix time from an RTC, most of which show whole seconds. One that
 * tells nanoseconds is simply believed, each time it is asked. For the others:
 *
 * At boot the RTC's second is taken at once, plus one half: at most half a
 * second wrong. A task then finds the next edges of the RTC's second and slews
 * the clock onto them, and does so again every quarter of an hour. Before an
 * answer the RTC is asked again, because the counter behind clock_now() may
 * have stood still while the machine was paused: a whole comparison at most
 * once a second while all is well, and a glance at the second alone, a few
 * instructions, at most once a millisecond. A clock that is late by more than
 * a second steps forwards; any other correction is slewed, and it never runs
 * backwards.
 *
 * What a time server says (clock_correct) counts for more: from then on the RTC
 * only tells of pauses, by how far it is from where it was.
 *
 * Outside: rtc_read() shows UTC. */
#include "kernel/wall.h"

#include <errno.h>

#include "kernel/dev.h"
#include "kernel/kernel.h"
#include "kernel/task.h"

#define SECOND SECONDS(1)
#define TOLERANCE MILLIS(5)            /* an answer so close to an edge may be on either side */
#define DRIFT MILLIS(100)              /* more than this is not drift */
#define FIND_EVERY SECONDS(900)
#define GLANCE_EVERY MILLIS(1)
#define COMPARE_EVERY SECOND
#define FINER 32                       /* looks for an edge in one interval of doubt */
#define EDGE_WIDTH (MILLIS(1) / 5)     /* doubt that is small enough */
#define EDGES_MAX 8
#define LOOKS_MAX 400

/* ---- Arithmetic ------------------------------------------------------------ */

int64_t wall_at(const struct wall *w, ktime now)
{
	int64_t passed = now - w->mono;
	int64_t gain = w->slew > 0 ? MIN(w->slew, passed / 2) : MAX(w->slew, -(passed / 2));

	return w->unix_ns + passed + gain;
}

int64_t wall_aim(const struct wall *w, ktime now)
{
	return w->unix_ns + (now - w->mono) + w->slew;
}

void wall_set(struct wall *w, ktime now, int64_t unix_ns)
{
	*w = (struct wall){
		.known = true, .taught = w->taught, .mono = now, .unix_ns = unix_ns,
		.behind = w->behind,
	};
}

void wall_correct(struct wall *w, ktime now, int64_t unix_ns)
{
	int64_t ours = wall_at(w, now);

	if (unix_ns - ours > SECOND)
		ours = unix_ns;
	wall_set(w, now, ours);
	w->slew = unix_ns - ours;
}

int64_t wall_teach(struct wall *w, ktime now, int64_t unix_ns)
{
	int64_t off = w->known ? unix_ns - wall_aim(w, now) : 0;

	w->behind += off;
	w->taught = true;
	if (w->known)
		wall_correct(w, now, unix_ns);
	else
		wall_set(w, now, unix_ns);
	return off;
}

void wall_edge(struct wall *w, ktime now, int64_t second, ktime edge)
{
	int64_t rtc = SECONDS(second) + (now - edge);

	if (w->taught)
		w->behind = wall_aim(w, now) - rtc;
	else
		wall_correct(w, now, rtc);
}

enum wall_verdict wall_compare(struct wall *w, ktime now, int64_t second)
{
	int64_t ours = wall_at(w, now);
	int64_t from = SECONDS(second) + w->behind, off;

	if (ours < from)
		off = from - ours;
	else if (ours > from + SECOND)
		off = from + SECOND - ours;
	else
		return WALL_AGREES;
	if (off < TOLERANCE && off > -TOLERANCE)
		return WALL_AGREES;
	if (off < DRIFT && off > -DRIFT) {
		wall_correct(w, now, ours + off);
		return WALL_DRIFTED;
	}
	wall_correct(w, now, from + SECOND / 2);
	return WALL_LOST;
}

bool wall_glance_fits(const struct wall *w, ktime now, int second_of_minute)
{
	int64_t ours = wall_at(w, now) - w->behind;
	int ahead = (int)((ours + TOLERANCE) / SECOND % 60);
	int behind = (int)((ours - TOLERANCE) / SECOND % 60);

	return second_of_minute == ahead || second_of_minute == behind;
}

ktime finder_step(struct finder *f, ktime now, int64_t second)
{
	bool first = f->second == 0;
	ktime hi;

	if (++f->looks > LOOKS_MAX)
		return FINDER_FAILED;
	if (second == f->second) {
		f->lo = MAX(f->lo, now);
		return now + f->step;
	}
	if (first || second != f->second + 1) {
		f->edges = 0;
		f->second = second;
		f->lo = now;
		f->limit = FOREVER;
		f->step = SECOND / FINER;
		return now + f->step;
	}
	f->second = second;
	hi = MAX(f->lo, MIN(now, f->limit));
	f->edge = f->lo + (hi - f->lo) / 2;
	if (++f->edges == EDGES_MAX || hi - f->lo <= EDGE_WIDTH)
		return FINDER_DONE;
	f->step = MAX((hi - f->lo) / FINER, EDGE_WIDTH / 2);
	f->lo += SECOND;
	f->limit = hi + SECOND;
	return f->lo;
}

/* ---- The clock of this machine --------------------------------------------- */

static struct wall wall;
static ktime glanced, compared;
static struct event find_again;
static void (*on_pause[CLOCK_PAUSE_FNS])(void);
static unsigned on_pause_count;

void clock_on_pause(void (*fn)(void))
{
	ASSERT(on_pause_count < CLOCK_PAUSE_FNS);
	on_pause[on_pause_count++] = fn;
}

static void tell_pause(void)
{
	for (unsigned i = 0; i < on_pause_count; i++)
		on_pause[i]();
}

/* An RTC that tells nanoseconds says `unix_ns`. */
static void follow_exact(ktime now, int64_t unix_ns)
{
	int64_t off = unix_ns + wall.behind - wall_aim(&wall, now);

	wall_correct(&wall, now, unix_ns + wall.behind);
	if (off > DRIFT || off < -DRIFT)
		tell_pause();
}

/* Asks the RTC and puts the clock right: 0 or what rtc_read() says. */
static int ask(void)
{
	int64_t unix_ns, second;
	bool exact = rtc_read_ns(&unix_ns) == 0;
	int err = exact ? 0 : rtc_read(&second);
	ktime now = clock_now();

	if (err < 0)
		return err;
	if (!wall.known)
		wall_set(&wall, now, exact ? unix_ns : SECONDS(second) + SECOND / 2);
	else if (exact)
		follow_exact(now, unix_ns);
	else if (wall_compare(&wall, now, second) == WALL_LOST) {
		event_signal(&find_again);
		tell_pause();
	}
	return 0;
}

int clock_unix_ns(int64_t *ns)
{
	ktime now = clock_now();
	int glance;

	if (now - glanced >= GLANCE_EVERY) {
		glanced = now;
		glance = rtc_glance();
		if (!wall.known || now - compared >= COMPARE_EVERY ||
		    (glance >= 0 && !wall_glance_fits(&wall, now, glance))) {
			compared = now;
			ask();
		}
	}
	now = MAX(now, wall.mono);              /* ask() may have looked at the clock later */
	if (!wall.known)
		return -EAGAIN;
	*ns = wall_at(&wall, now);
	return 0;
}

double clock_unix(void)
{
	int64_t ns;

	if (clock_unix_ns(&ns) < 0)
		return __builtin_nan("");
	return (double)ns / 1e9;
}

int64_t clock_correct(ktime at, int64_t unix_ns)
{
	ktime now = clock_now();

	glanced = compared = now;
	return wall_teach(&wall, now, unix_ns + (now - at));
}

/* One run of the finder. Each edge found corrects the clock. */
static int find(void)
{
	struct finder f = { 0 };
	unsigned edges = 0;
	int64_t second;
	ktime next, now;
	int err;

	do {
		err = rtc_read(&second);
		now = clock_now();
		if (err == -EAGAIN)
			second = f.second;
		else if (err < 0)
			return err;
		next = finder_step(&f, now, second);
		if (f.edges > edges && wall.known)
			wall_edge(&wall, now, f.second, f.edge);
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
			log_warn("clock: no use to be made of the real-time clock, error %d", -err);
		task_state("next look at the real-time clock");
		event_wait(&find_again, clock_now() + FIND_EVERY);
	}
}

void clock_start_wall(void)
{
	int64_t unix_ns;

	if (ask() == -ENODEV)
		return;
	glanced = compared = clock_now();
	if (rtc_read_ns(&unix_ns) == -ENODEV)
		task_spawn("clock", follow_rtc, NULL);
}
