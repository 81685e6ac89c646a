/* SPDX-License-Identifier: MIT */
/* What is prepared on a connection: the last PG_STATEMENTS texts, each with the types of its
 * parameters and what its results are made of, so that a query is one exchange. The one not used
 * for longest makes room. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"
#include "net/postgres/types.h"

static uint32_t hash_of(const char *sql)               /* FNV-1a */
{
	uint32_t h = 2166136261u;

	for (; *sql; sql++)
		h = (h ^ (uint8_t)*sql) * 16777619u;
	return h;
}

static bool is(const struct pg_statement *s, uint32_t hash, const char *sql,
	       const struct pg_arg *args, unsigned n)
{
	if (s->hash != hash || s->retired || s->args != n || strcmp(s->sql, sql) != 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (s->types[i] != pg_arg_type(&args[i]))
			return false;
	return true;
}

static void free_one(struct pg_statement *s)
{
	free(s->columns);
	free(s);
}

void pg_statements_free(struct pg *c)
{
	while (c->statements) {
		struct pg_statement *s = c->statements;

		c->statements = s->next;
		free_one(s);
	}
	c->statement_count = 0;
}

const char *pg_statement_name(const struct pg_statement *s, char buf[PG_NAME])
{
	snprintf(buf, PG_NAME, "s%u", (unsigned)s->name);
	return buf;
}

static void unlink_one(struct pg *c, const struct pg_statement *s)
{
	struct pg_statement **p = &c->statements;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	c->statement_count--;
}

/* The server is told with what is sent next. */
static void add_close(struct pg *c, const struct pg_statement *s)
{
	char name[PG_NAME];

	pg_out_begin(&c->out, 'C');
	pg_out_bytes(&c->out, "S", 1);
	pg_out_string(&c->out, pg_statement_name(s, name));
	pg_out_end(&c->out);
}

static void let_go(struct pg *c, struct pg_statement *s)
{
	add_close(c, s);
	unlink_one(c, s);
	free_one(s);
}

void pg_statement_retire(struct pg *c, struct pg_statement *s)
{
	s->retired = true;
	if (c->cursor == s)
		c->cursor = NULL;
}

/* In use: it is under way in the pipeline, or a cursor's. */
static bool in_use(const struct pg *c, const struct pg_statement *s)
{
	if (c->cursor == s)
		return true;
	for (unsigned i = 0; i < c->queued; i++)
		if (c->queue[i] == s)
			return true;
	return false;
}

/* Lets go of what is retired, and of the one not used for longest. */
static void make_room(struct pg *c)
{
	struct pg_statement *next, *oldest = NULL;

	for (struct pg_statement *s = c->statements; s; s = next) {
		next = s->next;
		if (in_use(c, s))
			continue;
		if (s->retired)
			let_go(c, s);
		else
			oldest = s;
	}
	if (c->statement_count >= PG_STATEMENTS && oldest)
		let_go(c, oldest);
}

static struct pg_statement *new_statement(struct pg *c, const char *sql, uint32_t hash,
					  const struct pg_arg *args, unsigned n)
{
	size_t len = strlen(sql) + 1;
	struct pg_statement *s = malloc(sizeof(*s) + n * sizeof(uint32_t) + len);

	if (!s)
		return NULL;
	*s = (struct pg_statement){ .hash = hash, .name = c->names++, .args = n };
	s->types = (uint32_t *)(s + 1);
	for (unsigned i = 0; i < n; i++)
		s->types[i] = pg_arg_type(&args[i]);
	s->sql = memcpy(s->types + n, sql, len);
	return s;
}

static void add_parse(struct pg *c, const struct pg_statement *s)
{
	char name[PG_NAME];

	pg_out_begin(&c->out, 'P');
	pg_out_string(&c->out, pg_statement_name(s, name));
	pg_out_string(&c->out, s->sql);
	pg_out_u16(&c->out, (uint16_t)s->args);
	for (unsigned i = 0; i < s->args; i++)
		pg_out_u32(&c->out, s->types[i]);
	pg_out_end(&c->out);
	pg_out_begin(&c->out, 'D');
	pg_out_bytes(&c->out, "S", 1);
	pg_out_string(&c->out, name);
	pg_out_end(&c->out);
	pg_out_begin(&c->out, 'S');
	pg_out_end(&c->out);
}

/* Reads the answers to that, until the server is ready: 0 or -errno. */
static int described(struct pg *c, struct pg_statement *s)
{
	struct pg_in body;
	int type, err = 0;

	while ((type = pg_read(c, &body)) >= 0) {
		switch (type) {
		case PG_CLOSE_COMPLETE:
		case PG_PARSE_COMPLETE:
		case PG_PARAMETERS:
		case PG_NO_DATA:
			break;
		case PG_ROW_DESCRIPTION:
			if (s->columns)
				return pg_dead(c, -EPROTO);
			err = pg_columns_read(body, &s->columns);
			if (err < 0)
				return pg_dead(c, err);
			for (unsigned i = 0; i < s->columns->n; i++)
				s->columns->column[i].binary =
					pg_type_binary(s->columns->column[i].type);
			break;
		case PG_ERROR:
			err = pg_failed(c, body);
			break;
		case PG_READY:
			type = pg_ready(c, body);
			return type < 0 ? type : err;
		default:
			return pg_dead(c, -EPROTO);
		}
	}
	return type;
}

/* Sends what stands in c->out from `from` on, before what stands there until then. */
static int send_first(struct pg *c, size_t from)
{
	struct pg_out rest = c->out;
	int err;

	if (c->out.full) {
		c->out.full = false;
		c->out.len = from;
		return -ENOMEM;
	}
	c->out.data = rest.data + from;
	c->out.len = rest.len - from;
	err = pg_send(c);
	c->out = rest;
	c->out.len = from;
	return err;
}

int pg_prepare(struct pg *c, const char *sql, const struct pg_arg *args, unsigned n,
	       struct pg_statement **found)
{
	uint32_t hash = hash_of(sql);
	size_t from = c->out.len;
	struct pg_statement *s;
	int err;

	for (struct pg_statement **p = &c->statements; (s = *p) != NULL; p = &s->next) {
		if (!is(s, hash, sql, args, n))
			continue;
		*p = s->next;
		s->next = c->statements;
		c->statements = s;
		*found = s;
		return 0;
	}
	s = new_statement(c, sql, hash, args, n);
	if (!s)
		return -ENOMEM;
	make_room(c);
	add_parse(c, s);
	c->state = PG_BUSY;
	err = send_first(c, from);
	if (err == 0)
		err = described(c, s);
	else if (c->state == PG_BUSY)
		c->state = PG_IDLE;             /* nothing was sent */
	if (err < 0) {
		free_one(s);
		return err;
	}
	s->next = c->statements;
	c->statements = s;
	c->statement_count++;
	PG_COUNT(PG_N_PREPARED);
	*found = s;
	return 0;
}
