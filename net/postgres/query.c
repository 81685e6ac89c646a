/* SPDX-License-Identifier: MIT */
/* Queries: one or many under way, their rows, cursors (net/postgres.h).
 *
 * Results come in the order of c->queue. A result begins with its first row or its end; after the
 * last, or an error, comes ReadyForQuery and the connection is idle. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"
#include "net/postgres/types.h"

#define CURSOR "zeitkern"              /* the name of the one portal that outlasts a query */

/* ---- Results ---- */

/* Reads and drops all until the server is ready: `err`, or what went wrong on the way. */
static int until_ready(struct pg *c, int err, int (*read)(struct pg *, struct pg_in *))
{
	struct pg_in body;

	while (c->state != PG_IDLE && c->state != PG_DEAD) {
		int type = read(c, &body);

		if (type < 0)
			return type;
		if (type == PG_READY)
			type = pg_ready(c, body);
		else if (type == PG_ERROR)
			err = pg_failed(c, body);
		else if (type == PG_COPY_IN && c->simple)
			type = pg_copy_fail(c, "not expected");
		else if (type == PG_COPY_IN)    /* which made the server pass over our Sync */
			type = pg_dead(c, -EPROTO);
		if (type < 0)
			return type;
	}
	return c->state == PG_DEAD ? c->why : err;
}

static int settle(struct pg *c, int (*read)(struct pg *, struct pg_in *))
{
	int err = 0;

	c->out.len = 0;
	c->out.full = false;
	if (c->state == PG_COPYING_IN)
		err = read == pg_read ? pg_copy_fail(c, "given up") : -EAGAIN;
	if (err == 0)
		err = until_ready(c, 0, read);
	if (c->state == PG_IDLE)
		err = 0;                        /* nobody has asked how it went */
	if (err == 0) {
		c->queued = c->at = 0;
		c->has_row = false;
		c->ended = true;
	}
	return err;
}

int pg_settle(struct pg *c)
{
	return settle(c, pg_read);
}

int pg_settle_now(struct pg *c)
{
	return settle(c, pg_read_now);
}

/* The result at hand has ended. The last one's end is that of the exchange, unless a simple query
 * goes on. */
static int ended(struct pg *c)
{
	struct pg_in body;
	int type;

	c->ended = true;
	if (c->at + 1 < c->queued)
		return 0;
	type = pg_read(c, &body);
	if (type == PG_READY)
		return pg_ready(c, body);
	if (type == PG_ERROR)
		return until_ready(c, pg_failed(c, body), pg_read);
	if (type < 0)
		return type;
	if (!c->simple)
		return pg_dead(c, -EPROTO);
	pg_unread(c);
	return 0;
}

static int complete(struct pg *c, struct pg_in body)
{
	c->affected = pg_tag_rows(body);
	if (c->affected < 0)
		return pg_dead(c, -EPROTO);
	return ended(c);
}

/* "prepared statement does not exist", "cached plan must not change result type": another try will
 * do. The latter shares its SQLSTATE with all that the server cannot do at all, and is told from
 * that by the routine that says so. */
static bool is_stale(const struct pg_error *error, struct pg_in body)
{
	return strcmp(error->sqlstate, "26000") == 0 ||
	       (strcmp(error->sqlstate, "0A000") == 0 &&
		strcmp(pg_error_field(body, 'R'), "RevalidateCachedQuery") == 0);
}

/* An error ends all that was sent with it. */
static int broken(struct pg *c, struct pg_in body)
{
	int err = pg_failed(c, body);

	c->ended = true;
	if (!c->simple && c->state != PG_DEAD && is_stale(&c->error, body)) {
		pg_statement_retire(c, c->queue[c->at]);
		c->stale = true;
		err = -EAGAIN;
	}
	c->queued = c->at = 0;
	return until_ready(c, err, pg_read);
}

static const struct pg_columns *columns_of(const struct pg *c)
{
	return c->simple ? c->columns : c->queue[c->at]->columns;
}

static int row_came(struct pg *c, struct pg_in body)
{
	const struct pg_columns *columns = columns_of(c);

	if (!columns || pg_in_u16(&body) != columns->n || body.bad)
		return pg_dead(c, -EPROTO);
	c->row = body;
	c->has_row = true;
	return 0;
}

static int columns_came(struct pg *c, struct pg_in body)
{
	int err;

	free(c->columns);
	c->columns = NULL;
	err = c->simple ? pg_columns_read(body, &c->columns) : -EPROTO;
	return err < 0 ? pg_dead(c, err) : 0;
}

static int copy_came(struct pg *c, enum pg_state state)
{
	if (!c->simple)
		return pg_dead(c, -EPROTO);
	c->state = state;
	return 0;
}

/* Reads to the next row or the result's end: 0 or -errno. */
static int advance(struct pg *c)
{
	struct pg_in body;
	int type;

	while (!c->has_row && !c->ended && (c->state == PG_BUSY || c->state == PG_DEAD)) {
		int err = 0;

		type = pg_read(c, &body);
		switch (type) {
		case PG_BIND_COMPLETE:
		case PG_CLOSE_COMPLETE:
		case PG_PARSE_COMPLETE:
			break;
		case PG_ROW_DESCRIPTION:
			err = columns_came(c, body);
			break;
		case PG_DATA_ROW:
			err = row_came(c, body);
			break;
		case PG_PORTAL_SUSPENDED:
			c->suspended = true;
			err = ended(c);
			break;
		case PG_EMPTY_QUERY:
			err = ended(c);
			break;
		case PG_COMMAND_COMPLETE:
			err = complete(c, body);
			break;
		case PG_COPY_IN:
			err = copy_came(c, PG_COPYING_IN);
			break;
		case PG_COPY_OUT:
			err = copy_came(c, PG_COPYING_OUT);
			break;
		case PG_ERROR:
			return broken(c, body);
		default:
			return type < 0 ? type : pg_dead(c, -EPROTO);
		}
		if (err < 0)
			return err;
	}
	return 0;
}

static void begin_result(struct pg *c)
{
	c->stale = false;
	c->has_row = c->ended = c->suspended = false;
	c->affected = 0;
}

int pg_next(struct pg *c)
{
	int err = 0;

	while (err == 0 && c->state == PG_BUSY && !c->ended) {
		c->has_row = false;             /* rows that nobody has asked for */
		err = advance(c);
	}
	if (err < 0)
		return err;
	if (c->state != PG_BUSY)
		return c->state == PG_DEAD ? c->why : 0;
	if (!c->simple && c->at + 1 >= c->queued)
		return pg_settle(c);           /* only the exchange's end was missing */
	if (!c->simple)
		c->at++;
	begin_result(c);
	err = advance(c);
	return err < 0 ? err : 1;
}

int64_t pg_affected(const struct pg *c)
{
	return c->affected;
}

const struct pg_error *pg_error(const struct pg *c)
{
	return &c->error;
}

/* A value that its destination does not take: returns why. */
static int misfit(struct pg *c, const struct pg_column *column, int why)
{
	c->error = (struct pg_error){ .sqlstate = "" };
	snprintf(c->error.message, sizeof(c->error.message), "column \"%.40s\", type %u: %s",
		 column->name, (unsigned)column->type,
		 why == -ENODATA ? "is NULL" : why == -ERANGE ? "does not fit"
							       : "is not of the type asked for");
	log_debug("postgres: %s", c->error.message);
	return why;
}

int pg_row_into(struct pg *c, const struct pg_into *into, size_t n)
{
	const struct pg_columns *columns;
	int err = advance(c);

	if (err < 0)
		return err;
	if (!c->has_row)
		return c->state == PG_DEAD ? c->why : 0;
	c->has_row = false;
	columns = columns_of(c);
	if (n > columns->n) {
		c->error = (struct pg_error){ .sqlstate = "" };
		snprintf(c->error.message, sizeof(c->error.message),
			 "%u columns, and %u are asked for", columns->n, (unsigned)n);
		return -EDOM;
	}
	for (unsigned i = 0; i < columns->n; i++) {
		int e = pg_field_read(&c->row, columns->column[i].type, columns->column[i].binary,
				      i < n ? &into[i] : NULL);

		if (e == -EPROTO)
			return pg_dead(c, e);
		if (e < 0 && err == 0)
			err = misfit(c, &columns->column[i], e);
	}
	if (!pg_in_done(&c->row))
		return pg_dead(c, -EPROTO);
	return err < 0 ? err : 1;
}

/* ---- Queries ---- */

static void add_bind(struct pg *c, const struct pg_statement *s, const char *portal,
		     const struct pg_arg *args, unsigned n)
{
	unsigned columns = s->columns ? s->columns->n : 0;
	char name[PG_NAME];

	pg_out_begin(&c->out, 'B');
	pg_out_string(&c->out, portal);
	pg_out_string(&c->out, pg_statement_name(s, name));
	pg_out_u16(&c->out, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		pg_out_u16(&c->out, pg_arg_binary(&args[i]));
	pg_out_u16(&c->out, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		pg_arg_write(&c->out, &args[i]);
	pg_out_u16(&c->out, (uint16_t)columns);
	for (unsigned i = 0; i < columns; i++)
		pg_out_u16(&c->out, s->columns->column[i].binary);
	pg_out_end(&c->out);
}

static void add_execute(struct pg *c, const char *portal, uint32_t rows)
{
	pg_out_begin(&c->out, 'E');
	pg_out_string(&c->out, portal);
	pg_out_u32(&c->out, rows);
	pg_out_end(&c->out);
}

static void add_sync(struct pg *c)
{
	pg_out_begin(&c->out, 'S');
	pg_out_end(&c->out);
}

/* Sends what was added; its first result begins: 0 or -errno. */
static int start(struct pg *c, bool simple)
{
	int err;

	c->simple = simple;
	c->at = 0;
	begin_result(c);
	err = pg_send(c);
	if (err < 0) {
		c->queued = 0;
		return err;
	}
	c->state = PG_BUSY;
	return advance(c);
}

int pg_add_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n)
{
	struct pg_statement *s;
	size_t len = c->out.len;
	int err = 0;

	if (c->state != PG_IDLE) {
		err = pg_settle(c);
		len = 0;
	}
	if (err == 0 && c->queued == PG_PIPELINE)
		return -ENOBUFS;
	ASSERT(n <= UINT16_MAX);
	if (len == 0)
		c->queued = c->at = 0;
	if (err == 0)
		err = pg_prepare(c, sql, args, (unsigned)n, &s);
	if (err < 0)
		return err;
	len = c->out.len;
	add_bind(c, s, "", args, (unsigned)n);
	add_execute(c, "", 0);
	if (c->out.full || (c->queued > 0 && c->out.len > PG_PIPELINE_BYTES)) {
		c->out.full = false;
		c->out.len = len;
		return c->queued > 0 ? -ENOBUFS : -ENOMEM;
	}
	c->queue[c->queued++] = s;
	PG_COUNT(PG_N_QUERIES);
	return 0;
}

int pg_run(struct pg *c)
{
	if (c->state != PG_IDLE)
		return c->state == PG_DEAD ? c->why : -EINVAL;
	if (c->out.len == 0)
		return 0;
	add_sync(c);
	return start(c, false);
}

int pg_query_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n)
{
	int err = pg_add_args(c, sql, args, n);

	if (err < 0)
		return err;
	err = pg_run(c);
	if (c->stale && c->state == PG_IDLE && c->tx == 'I') {
		err = pg_add_args(c, sql, args, n);
		if (err == 0)
			err = pg_run(c);
	}
	return err;
}

int pg_simple(struct pg *c, const char *sql)
{
	int err = pg_settle(c);

	if (err < 0)
		return err;
	free(c->columns);
	c->columns = NULL;
	c->queued = 0;
	pg_out_begin(&c->out, 'Q');
	pg_out_string(&c->out, sql);
	pg_out_end(&c->out);
	PG_COUNT(PG_N_QUERIES);
	return start(c, true);
}

int pg_command(struct pg *c, const char *sql)
{
	int err = pg_simple(c, sql);

	return err < 0 ? err : pg_settle(c);
}

/* ---- Cursors ---- */

int pg_cursor_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n)
{
	struct pg_statement *s;
	int err = pg_settle(c);

	if (err == 0 && c->tx != 'T')
		return -EINVAL;
	if (err == 0)
		err = pg_cursor_close(c);
	if (err == 0)
		err = pg_prepare(c, sql, args, (unsigned)n, &s);
	if (err < 0)
		return err;
	add_bind(c, s, CURSOR, args, (unsigned)n);
	add_sync(c);
	err = pg_send(c);
	if (err < 0)
		return err;
	c->state = PG_BUSY;
	err = until_ready(c, 0, pg_read);
	if (err == 0)
		c->cursor = s;
	return err;
}

int pg_fetch(struct pg *c, uint32_t rows)
{
	int err = pg_settle(c);

	if (err < 0)
		return err;
	if (!c->cursor)
		return -EINVAL;
	c->queue[0] = c->cursor;
	c->queued = 1;
	add_execute(c, CURSOR, rows);
	add_sync(c);
	return start(c, false);
}

bool pg_more(const struct pg *c)
{
	return c->suspended;
}

int pg_cursor_close(struct pg *c)
{
	int err = pg_settle(c);

	if (err < 0 || !c->cursor)
		return err;
	c->cursor = NULL;
	pg_out_begin(&c->out, 'C');
	pg_out_bytes(&c->out, "P", 1);
	pg_out_string(&c->out, CURSOR);
	pg_out_end(&c->out);
	add_sync(c);
	err = pg_send(c);
	if (err < 0)
		return err;
	c->state = PG_BUSY;
	return until_ready(c, 0, pg_read);
}
