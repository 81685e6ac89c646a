/* SPDX-License-Identifier: MIT */
/* Messages of one connection, in and out (impl.h). What the server says at any time (parameters,
 * notices, notifications) is taken here; nobody else sees it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

#define GRAIN 4096u                    /* the input buffer's size, and what it grows by */

int pg_dead(struct pg *c, int why)
{
	if (c->state != PG_DEAD) {
		c->state = PG_DEAD;
		c->why = why;
	}
	return why;
}

/* ---- Input ---- */

/* Room for `want` bytes at the front of which stands what is there: 0 or -ENOMEM. */
static int make_room(struct pg *c, size_t want)
{
	size_t len = c->end - c->start;

	if (want > c->cap) {
		size_t cap = ALIGN_UP(want, (size_t)GRAIN);
		uint8_t *in = malloc(cap);

		if (!in)
			return -ENOMEM;
		if (len > 0)
			memcpy(in, c->in + c->start, len);
		free(c->in);
		c->in = in;
		c->cap = cap;
	} else if (c->start > 0 && want > c->cap - c->start) {
		memmove(c->in, c->in + c->start, len);
	} else {
		return 0;
	}
	c->start = 0;
	c->end = len;
	return 0;
}

/* Reads what has come, or waits for it when `wait`: 0 or -errno. */
static int fill(struct pg *c, size_t want, bool wait)
{
	int err = make_room(c, want);
	long n;

	if (err < 0)
		return pg_dead(c, err);
	if (!wait && !sock_ready(c->sock, SOCK_READ))
		return -EAGAIN;
	n = sock_read(c->sock, c->in + c->end, c->cap - c->end, c->deadline);
	if (n == -ETIMEDOUT || n == -ECANCELED)
		return (int)n;
	if (n <= 0)
		return pg_dead(c, n < 0 ? (int)n : -ECONNRESET);
	c->end += (size_t)n;
	return 0;
}

static void drop_taken(struct pg *c)
{
	c->start += c->taken;
	c->taken = 0;
	if (c->start == c->end)
		c->start = c->end = 0;
}

/* The next message of any kind. */
static int next(struct pg *c, struct pg_in *body, bool wait)
{
	uint8_t type;
	size_t want;
	long size;
	int err = c->cap > 0 ? 0 : make_room(c, PG_HEAD);

	if (err < 0)
		return pg_dead(c, err);
	drop_taken(c);
	for (;;) {
		size = pg_message_find(c->in + c->start, c->end - c->start, pg_settings.message,
				       &type, body, &want);
		if (size != 0)
			break;
		err = fill(c, want, wait);
		if (err < 0)
			return err;
	}
	if (size < 0)
		return pg_dead(c, (int)size);
	c->taken = (size_t)size;
	return type;
}

static int read_message(struct pg *c, struct pg_in *body, bool wait)
{
	struct pg_error notice;
	int type;

	if (c->state == PG_DEAD)
		return c->why;
	while ((type = next(c, body, wait)) >= 0) {
		switch (type) {
		case PG_PARAMETER_STATUS:
			break;
		case PG_NOTICE:
			if (pg_error_read(*body, &notice) < 0)
				return pg_dead(c, -EPROTO);
			log_debug("postgres: %s", notice.message);
			break;
		case PG_NOTIFICATION:
			pg_notice_add(c, *body);
			if (c->state == PG_DEAD)
				return c->why;
			if (c->state == PG_IDLE)
				return type;
			break;
		default:
			return type;
		}
	}
	return type;
}

int pg_read(struct pg *c, struct pg_in *body)
{
	return read_message(c, body, true);
}

int pg_read_now(struct pg *c, struct pg_in *body)
{
	return read_message(c, body, false);
}

void pg_unread(struct pg *c)
{
	c->taken = 0;
}

/* ---- Output ---- */

int pg_send(struct pg *c)
{
	size_t len = c->out.len;
	bool full = c->out.full;
	int err;

	c->out.len = 0;
	c->out.full = false;
	if (c->state == PG_DEAD)
		return c->why;
	if (full)
		return -ENOMEM;                 /* nothing has been sent */
	err = sock_write(c->sock, c->out.data, len, c->deadline);
	return err < 0 ? pg_dead(c, err) : 0;   /* who knows how much of it was sent */
}

void pg_slim(struct pg *c)
{
	if (c->cap > GRAIN && c->start + c->taken == c->end) {
		free(c->in);
		c->in = NULL;
		c->start = c->end = c->cap = c->taken = 0;
	}
	if (c->out.cap > GRAIN) {
		free(c->out.data);
		c->out.data = NULL;
		c->out.cap = 0;
	}
}

/* ---- What every exchange may end with ---- */

int pg_failed(struct pg *c, struct pg_in body)
{
	int err;

	PG_COUNT(PG_N_ERRORS);
	if (pg_error_read(body, &c->error) < 0)
		return pg_dead(c, -EPROTO);
	log_debug("postgres: %s %s", c->error.sqlstate, c->error.message);
	err = pg_errno(&c->error);
	return c->error.fatal ? pg_dead(c, err) : err;
}

int pg_ready(struct pg *c, struct pg_in body)
{
	char tx = (char)pg_in_u8(&body);

	if (!pg_in_done(&body) || (tx != 'I' && tx != 'T' && tx != 'E'))
		return pg_dead(c, -EPROTO);
	c->tx = tx;
	c->state = PG_IDLE;
	return 0;
}
