/* SPDX-License-Identifier: MIT */
/* COPY in both directions ("COPY Operations" of the protocol's documentation). */
#include <errno.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

#define PIECE_MAX (size_t)2048         /* bytes of one CopyData: postgres.message may be 4096 */

static int begin(struct pg *c, const char *sql, enum pg_state state)
{
	int err = pg_simple(c, sql);

	if (err < 0 || c->state == state)
		return err;
	err = pg_settle(c);
	return err < 0 ? err : -EINVAL;         /* it was no such statement */
}

int pg_copy_in(struct pg *c, const char *sql)
{
	return begin(c, sql, PG_COPYING_IN);
}

int pg_copy_out(struct pg *c, const char *sql)
{
	return begin(c, sql, PG_COPYING_OUT);
}

int pg_copy_write(struct pg *c, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct pg_in body;
	int type, err = 0;

	if (c->state != PG_COPYING_IN)
		return c->state == PG_DEAD ? c->why : -EINVAL;
	type = pg_read_now(c, &body);
	if (type == PG_ERROR) {                 /* the server has had enough */
		c->state = PG_BUSY;
		pg_unread(c);
		return pg_next(c);
	}
	if (type != -EAGAIN)
		return type < 0 ? type : pg_dead(c, -EPROTO);
	for (size_t n; err == 0 && len > 0; p += n, len -= n) {
		n = MIN(len, PIECE_MAX);
		pg_out_begin(&c->out, 'd');
		pg_out_bytes(&c->out, p, n);
		pg_out_end(&c->out);
		err = pg_send(c);
	}
	return err;
}

static int finish(struct pg *c)
{
	int err = pg_send(c);

	if (err < 0)
		return err;
	c->state = PG_BUSY;
	return 0;
}

int pg_copy_fail(struct pg *c, const char *why)
{
	pg_out_begin(&c->out, 'f');
	pg_out_string(&c->out, why);
	pg_out_end(&c->out);
	return finish(c);
}

int pg_copy_end(struct pg *c)
{
	int err;

	if (c->state != PG_COPYING_IN)
		return c->state == PG_DEAD ? c->why : -EINVAL;
	pg_out_begin(&c->out, 'c');
	pg_out_end(&c->out);
	err = finish(c);
	return err < 0 ? err : pg_next(c);
}

int pg_copy_read(struct pg *c, struct pg_bytes *piece)
{
	struct pg_in body;
	int type;

	if (c->state != PG_COPYING_OUT)
		return c->state == PG_DEAD ? c->why : 0;
	type = pg_read(c, &body);
	if (type == PG_COPY_DATA) {
		*piece = (struct pg_bytes){ body.p, (size_t)(body.end - body.p) };
		return 1;
	}
	if (type < 0)
		return type;
	if (type == PG_COPY_DONE) {
		c->state = PG_BUSY;
		return pg_next(c);
	}
	if (type != PG_ERROR)
		return pg_dead(c, -EPROTO);
	c->state = PG_BUSY;
	pg_unread(c);
	return pg_next(c);
}
