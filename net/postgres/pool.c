/* SPDX-License-Identifier: MIT */
/* Who has which connection (net/postgres.h). There are as many permits as connections; whoever
 * asks waits for one in turn, then takes the connection that was used last, or opens one.
 *
 * What comes back in the midst of something keeps its permit and goes to the keeper, a task that
 * cancels, rolls back, keeps postgres.min open and closes what has been idle for long. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "kernel/sync.h"
#include "net/net.h"
#include "net/postgres/impl.h"

#define CLEAN_MS 2000                  /* for a connection to become idle, or be closed */
#define OPEN_MS 5000
#define LOOK_MS 500                    /* between two looks at what is idle */
#define RETRY_S 8                      /* at most, between attempts to have postgres.min open */

static struct pool objects;
static struct semaphore permits;
static struct pg *idle;                /* used last first */
static struct pg *dirty, **dirty_end = &dirty;
static struct event work;

static void discard(struct pg *c)
{
	pg_close(c);
	pool_put(&objects, c);
}

/* ---- Loans ---- */

/* What it has heard while idle: false when that was its end. */
static bool alive(struct pg *c)
{
	struct pg_in body;
	int type;

	do
		type = pg_read_now(c, &body);
	while (type == PG_NOTIFICATION);
	return type == -EAGAIN;
}

static struct pg *take_idle(void)
{
	struct pg *c;

	while ((c = idle) != NULL) {
		idle = c->next;
		if (alive(c))
			return c;
		PG_COUNT(PG_N_LOST);
		discard(c);
	}
	return NULL;
}

/* Opens one for the holder of a permit. */
static int open_one(struct pg **c, ktime deadline)
{
	struct pg *fresh = pool_get(&objects);
	int err = fresh ? pg_open(fresh, deadline) : -ENOMEM;

	if (err < 0 && fresh)
		pool_put(&objects, fresh);
	*c = fresh;
	return err;
}

int pg_get(struct pg **c, ktime deadline)
{
	int err = semaphore_take(&permits, deadline);

	*c = NULL;
	if (err == -ETIMEDOUT) {
		PG_COUNT(PG_N_BUSY);
		return -EBUSY;
	}
	if (err < 0)
		return err;
	*c = take_idle();
	if (!*c)
		err = open_one(c, deadline);
	if (err < 0) {
		*c = NULL;
		semaphore_give(&permits);
		return err;
	}
	pg_deadline(*c, deadline);
	(*c)->error = (struct pg_error){ .sqlstate = "" };
	return 0;
}

void pg_deadline(struct pg *c, ktime deadline)
{
	c->deadline = task_deadline(deadline);
}

static void back_to_idle(struct pg *c)
{
	pg_slim(c);
	pg_notices_free(c);
	c->idle_since = clock_now();
	c->next = idle;
	idle = c;
	semaphore_give(&permits);
}

static void lost(struct pg *c)
{
	PG_COUNT(PG_N_LOST);
	discard(c);
	semaphore_give(&permits);
}

void pg_put(struct pg *c)
{
	int err;

	if (!c)
		return;
	err = pg_settle_now(c);
	if (err == -EAGAIN && clock_now() >= c->deadline)
		PG_COUNT(PG_N_TIMEOUTS);
	if (c->state == PG_DEAD) {
		lost(c);
	} else if (err == 0 && c->tx == 'I' && !c->listening && !c->cursor) {
		back_to_idle(c);
	} else {
		c->next = NULL;
		*dirty_end = c;
		dirty_end = &c->next;
		event_signal(&work);
	}
}

/* ---- The keeper ---- */

/* Makes it idle again: 0, or -errno when it is good for nothing. */
static int clean(struct pg *c)
{
	int err = 0;

	c->deadline = clock_after_ms(CLEAN_MS);
	if (c->state == PG_BUSY || c->state == PG_COPYING_OUT)
		err = pg_cancel_running(c, c->deadline);
	if (err == 0)
		err = pg_settle(c);
	if (err == 0 && c->tx != 'I')
		err = pg_command(c, "ROLLBACK");
	if (err == 0 && c->listening)
		err = pg_command(c, "UNLISTEN *");
	if (err == 0)
		err = c->tx == 'I' ? 0 : -EPROTO;
	c->listening = false;
	c->cursor = NULL;
	return err;
}

static struct pg *take_dirty(void)
{
	struct pg *c = dirty;

	if (c)
		dirty = c->next;
	if (!dirty)
		dirty_end = &dirty;
	return c;
}

/* A server that does not answer one connection has not heard of the others either. */
static void drop_all(void)
{
	struct pg *c;

	while ((c = idle) != NULL) {
		idle = c->next;
		discard(c);
	}
	while ((c = take_dirty()) != NULL)
		lost(c);
}

static void clean_all(void)
{
	struct pg *c;

	while ((c = take_dirty()) != NULL) {
		int err = clean(c);

		if (err == 0)
			back_to_idle(c);
		else
			lost(c);
		if (err == -ETIMEDOUT)
			drop_all();
	}
}

/* Closes what has been idle for long, beyond postgres.min. */
static void close_old(ktime now)
{
	for (struct pg **p = &idle, *c; (c = *p) != NULL;) {
		if (objects.used > pg_settings.min &&
		    now - c->idle_since >= SECONDS(pg_settings.idle_s)) {
			*p = c->next;
			discard(c);
		} else {
			p = &c->next;
		}
	}
}

/* Opens what is missing to postgres.min: false when that failed. */
static bool open_missing(void)
{
	while (objects.used < pg_settings.min && semaphore_take(&permits, 0) == 0) {
		struct pg *c;

		if (open_one(&c, clock_after_ms(OPEN_MS)) < 0) {
			semaphore_give(&permits);
			return false;
		}
		back_to_idle(c);
	}
	return true;
}

/* Notices when idle connections die, so that none is a surprise. */
static void bury_dead(void)
{
	for (struct pg **p = &idle, *c; (c = *p) != NULL;) {
		if (alive(c)) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		PG_COUNT(PG_N_LOST);
		discard(c);
	}
}

static void keep(void *unused)
{
	ktime retry = 0, pause = MILLIS(LOOK_MS);

	for (;;) {
		clean_all();
		bury_dead();
		close_old(clock_now());
		if (net_up() && clock_now() >= retry) {
			pause = open_missing() ? MILLIS(LOOK_MS) : MIN(pause * 2, SECONDS(RETRY_S));
			retry = clock_now() + pause;
		}
		event_wait(&work, clock_after_ms(LOOK_MS));
	}
}

void pg_start(void)
{
	if (pg_settings.min > pg_settings.max)
		pg_settings.min = pg_settings.max;
	counters_add(pg_counters, PG_N);
	pool_init(&objects, "postgres", sizeof(struct pg), pg_settings.max);
	permits.units = pg_settings.max;
	if (task_spawn("postgres", keep, NULL) < 0)
		panic("postgres: no stack for its keeper");
}
