/* SPDX-License-Identifier: MIT */
/* See message.h. Numbers are big-endian. */
#include "net/postgres/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

#define COLUMNS_MAX 1664u              /* MaxTupleAttributeNumber of PostgreSQL */
#define COLUMN_TAIL 18u                /* bytes of a column after its name */
#define GRAIN 512u                     /* a buffer's first size */
#define TYPES "RK23CdcGHWDIEvnNAtS1sZT"

long pg_message_find(const uint8_t *data, size_t len, size_t max, uint8_t *type,
		     struct pg_in *body, size_t *want)
{
	uint32_t rest;

	*want = PG_HEAD;
	if (len > 0 && (data[0] == 0 || !strchr(TYPES, data[0])))
		return -EPROTO;
	if (len < PG_HEAD)
		return 0;
	rest = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
	if (rest < 4 || rest > INT32_MAX)
		return -EPROTO;
	if (rest >= max)
		return -EMSGSIZE;
	*want = (size_t)rest + 1;
	if (len < *want)
		return 0;
	*type = data[0];
	*body = (struct pg_in){ .p = data + PG_HEAD, .end = data + *want };
	return (long)*want;
}

/* ---- Reading ---- */

const uint8_t *pg_in_bytes(struct pg_in *in, size_t len)
{
	const uint8_t *p = in->p;

	if (in->bad || len > (size_t)(in->end - p)) {
		in->bad = true;
		return NULL;
	}
	in->p += len;
	return p;
}

static uint64_t number(struct pg_in *in, unsigned size)
{
	const uint8_t *p = pg_in_bytes(in, size);
	uint64_t n = 0;

	for (unsigned i = 0; p && i < size; i++)
		n = n << 8 | p[i];
	return n;
}

uint8_t pg_in_u8(struct pg_in *in)
{
	return (uint8_t)number(in, 1);
}

uint16_t pg_in_u16(struct pg_in *in)
{
	return (uint16_t)number(in, 2);
}

uint32_t pg_in_u32(struct pg_in *in)
{
	return (uint32_t)number(in, 4);
}

uint64_t pg_in_u64(struct pg_in *in)
{
	return number(in, 8);
}

const char *pg_in_string(struct pg_in *in)
{
	const uint8_t *nul = in->bad ? NULL : memchr(in->p, 0, (size_t)(in->end - in->p));

	if (!nul) {
		in->bad = true;
		return "";
	}
	return (const char *)pg_in_bytes(in, (size_t)(nul - in->p) + 1);
}

bool pg_in_done(const struct pg_in *in)
{
	return !in->bad && in->p == in->end;
}

int pg_columns_read(struct pg_in body, struct pg_columns **columns)
{
	unsigned n = pg_in_u16(&body);
	size_t names = (size_t)(body.end - body.p), head = sizeof(**columns);
	struct pg_columns *c;
	char *name;

	if (body.bad || n > COLUMNS_MAX || names < (size_t)n * (COLUMN_TAIL + 1))
		return -EPROTO;
	head += n * sizeof(c->column[0]);
	names -= (size_t)n * COLUMN_TAIL;
	c = malloc(head + names);
	if (!c)
		return -ENOMEM;
	c->n = n;
	name = (char *)c + head;
	for (unsigned i = 0; i < n; i++) {
		const char *text = pg_in_string(&body);
		size_t len = strlen(text) + 1;

		pg_in_bytes(&body, 6);                  /* its table and place there */
		c->column[i].type = pg_in_u32(&body);
		pg_in_bytes(&body, 6);                  /* its size and modifier */
		c->column[i].binary = pg_in_u16(&body) == 1;
		if (body.bad || len > names) {
			body.bad = true;        /* it reaches into where later columns must be */
			break;
		}
		c->column[i].name = memcpy(name, text, len);
		name += len;
		names -= len;
	}
	if (!pg_in_done(&body)) {
		free(c);
		return -EPROTO;
	}
	*columns = c;
	return 0;
}

static void keep(char *to, size_t size, const char *text)
{
	size_t n = MIN(strlen(text), size - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
	to[n] = '\0';
}

int pg_error_read(struct pg_in body, struct pg_error *error)
{
	uint8_t field;

	*error = (struct pg_error){ .sqlstate = "XX000" };
	while ((field = pg_in_u8(&body)) != 0) {
		const char *text = pg_in_string(&body);

		if (field == 'C' && strlen(text) == sizeof(error->sqlstate) - 1)
			keep(error->sqlstate, sizeof(error->sqlstate), text);
		else if (field == 'M')
			keep(error->message, sizeof(error->message), text);
		else if (field == 'n')
			keep(error->constraint, sizeof(error->constraint), text);
		else if (field == 'V')
			error->fatal = strcmp(text, "FATAL") == 0 || strcmp(text, "PANIC") == 0;
	}
	return pg_in_done(&body) ? 0 : -EPROTO;
}

const char *pg_error_field(struct pg_in body, uint8_t field)
{
	uint8_t type;

	while ((type = pg_in_u8(&body)) != 0) {
		const char *text = pg_in_string(&body);

		if (type == field)
			return text;
	}
	return "";
}

int64_t pg_tag_rows(struct pg_in body)
{
	const char *tag = pg_in_string(&body), *space = strrchr(tag, ' ');
	int64_t n = 0;

	if (!pg_in_done(&body))
		return -EPROTO;
	for (space = space ? space + 1 : ""; *space >= '0' && *space <= '9'; space++)
		if (n < INT64_MAX / 10 - 1)
			n = n * 10 + (*space - '0');
	return n;
}

/* ---- Writing ---- */

static bool grow(struct pg_out *out, size_t len)
{
	size_t cap = MAX(out->cap * 2, ALIGN_UP(out->len + len, (size_t)GRAIN));
	uint8_t *data;

	if (out->full || len > out->max - out->len)
		return false;
	cap = MIN(cap, out->max);
	data = realloc(out->data, cap);
	if (!data)
		return false;
	out->data = data;
	out->cap = cap;
	return true;
}

void pg_out_bytes(struct pg_out *out, const void *data, size_t len)
{
	if (len > out->cap - out->len && !grow(out, len)) {
		out->full = true;
		return;
	}
	if (len > 0)
		memcpy(out->data + out->len, data, len);
	out->len += len;
}

void pg_out_u16(struct pg_out *out, uint16_t n)
{
	uint16_t big = __builtin_bswap16(n);

	pg_out_bytes(out, &big, sizeof(big));
}

void pg_out_u32(struct pg_out *out, uint32_t n)
{
	uint32_t big = __builtin_bswap32(n);

	pg_out_bytes(out, &big, sizeof(big));
}

void pg_out_u64(struct pg_out *out, uint64_t n)
{
	uint64_t big = __builtin_bswap64(n);

	pg_out_bytes(out, &big, sizeof(big));
}

void pg_out_string(struct pg_out *out, const char *text)
{
	pg_out_bytes(out, text, strlen(text) + 1);
}

size_t pg_out_hole(struct pg_out *out)
{
	size_t at = out->len;

	pg_out_u32(out, 0);
	return at;
}

static void put_length(struct pg_out *out, size_t at, size_t len)
{
	uint32_t big = __builtin_bswap32((uint32_t)len);

	if (!out->full)
		memcpy(out->data + at, &big, sizeof(big));
}

void pg_out_fill(struct pg_out *out, size_t hole)
{
	put_length(out, hole, out->len - hole - 4);
}

void pg_out_begin(struct pg_out *out, char type)
{
	if (type)
		pg_out_bytes(out, &type, 1);
	out->begun = pg_out_hole(out);
}

void pg_out_end(struct pg_out *out)
{
	put_length(out, out->begun, out->len - out->begun);
}
