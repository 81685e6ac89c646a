/* SPDX-License-Identifier: MIT */
/* See types.h. */
#include "net/postgres/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

#define EPOCH_US 946684800000000       /* 2000-01-01 in Unix time */
#define DIMENSIONS_MAX 6u              /* MAXDIM of PostgreSQL */
#define NUMBER_MAX 64u                 /* characters of a number that comes as text */

enum oid {
	OID_BOOL = 16, OID_BYTEA = 17, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23,
	OID_TEXT = 25, OID_JSON = 114, OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_BPCHAR = 1042,
	OID_VARCHAR = 1043, OID_TIMESTAMPTZ = 1184, OID_NUMERIC = 1700, OID_UUID = 2950,
	OID_JSONB = 3802,
};

/* Of each kind: the type, its array, and the types that go into it in binary. */
static const struct kind {
	uint16_t type, array;
	uint8_t size;                  /* bytes in binary; 0: any */
} kinds[PG_KINDS] = {
	[PG_BOOL] = { OID_BOOL, 1000, 1 },
	[PG_INT2] = { OID_INT2, 1005, 2 },
	[PG_INT4] = { OID_INT4, 1007, 4 },
	[PG_INT8] = { OID_INT8, 1016, 8 },
	[PG_FLOAT4] = { OID_FLOAT4, 1021, 4 },
	[PG_FLOAT8] = { OID_FLOAT8, 1022, 8 },
	[PG_NUMERIC] = { OID_NUMERIC, 1231, 0 },
	[PG_TEXT] = { OID_TEXT, 1009, 0 },
	[PG_BYTEA] = { OID_BYTEA, 1001, 0 },
	[PG_JSON] = { OID_JSON, 199, 0 },
	[PG_TIMESTAMPTZ] = { OID_TIMESTAMPTZ, 1185, 8 },
	[PG_UUID] = { OID_UUID, 2951, 16 },
};

/* Arrays that come in binary although no parameter is of their type: varchar[], bpchar[], name[],
 * jsonb[]. */
static const uint16_t other_arrays[] = { 1015, 1014, 1003, 3807 };

struct pg_arg pg_text(const char *text)
{
	return (struct pg_arg){ .kind = text ? PG_TEXT : PG_NULL, .p = text,
				.n = text ? strlen(text) : 0 };
}

struct pg_arg pg_numeric(const char *digits)
{
	struct pg_arg a = pg_text(digits);

	a.kind = digits ? PG_NUMERIC : PG_NULL;
	return a;
}

struct pg_arg pg_json(const char *json, size_t len)
{
	return (struct pg_arg){ .kind = json ? PG_JSON : PG_NULL, .p = json, .n = len };
}

/* ---- Parameters ---- */

uint32_t pg_arg_type(const struct pg_arg *a)
{
	if (a->kind == PG_ARRAY)
		return kinds[a->of].array;
	return a->kind == PG_TEXT ? 0 : kinds[a->kind].type;
}

static bool is_text(enum pg_kind kind)
{
	return kind == PG_TEXT || kind == PG_NUMERIC || kind == PG_JSON || kind == PG_NULL;
}

bool pg_arg_binary(const struct pg_arg *a)
{
	return a->kind == PG_ARRAY ? a->of != PG_NUMERIC : !is_text(a->kind);
}

static void write_float(struct pg_out *out, double f)
{
	uint64_t bits;

	memcpy(&bits, &f, sizeof(bits));
	pg_out_u64(out, bits);
}

static void write_float4(struct pg_out *out, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	pg_out_u32(out, bits);
}

static int64_t since_2000(int64_t unix_us)
{
	if (unix_us == INT64_MAX || unix_us < INT64_MIN + EPOCH_US)
		return unix_us;
	return unix_us - EPOCH_US;
}

static void write_array(struct pg_out *out, const struct pg_arg *a)
{
	const struct pg_arg *elements = a->p;
	bool nulls = false;

	for (size_t i = 0; i < a->n; i++) {
		ASSERT(elements[i].kind == a->of || elements[i].kind == PG_NULL);
		nulls |= elements[i].kind == PG_NULL;
	}
	pg_out_u32(out, a->n > 0);              /* dimensions */
	pg_out_u32(out, nulls);
	pg_out_u32(out, kinds[a->of].type);
	if (a->n > 0) {
		pg_out_u32(out, (uint32_t)a->n);
		pg_out_u32(out, 1);             /* the first one's index */
	}
	for (size_t i = 0; i < a->n; i++)
		pg_arg_write(out, &elements[i]);
}

/* {"1.5",NULL}: numeric's own form would have to be made of digits to the base of 10000. */
static void write_array_text(struct pg_out *out, const struct pg_arg *a)
{
	const struct pg_arg *elements = a->p;

	pg_out_bytes(out, "{", 1);
	for (size_t i = 0; i < a->n; i++) {
		const char *text = elements[i].p;

		ASSERT(elements[i].kind == a->of || elements[i].kind == PG_NULL);
		pg_out_bytes(out, ",", i > 0);
		if (elements[i].kind == PG_NULL) {
			pg_out_bytes(out, "NULL", 4);
			continue;
		}
		pg_out_bytes(out, "\"", 1);
		for (size_t k = 0; k < elements[i].n; k++) {
			pg_out_bytes(out, "\\", text[k] == '"' || text[k] == '\\');
			pg_out_bytes(out, &text[k], 1);
		}
		pg_out_bytes(out, "\"", 1);
	}
	pg_out_bytes(out, "}", 1);
}

static void write_value(struct pg_out *out, const struct pg_arg *a)
{
	uint8_t byte = a->kind == PG_BOOL && a->i;

	switch (a->kind) {
	case PG_BOOL:
		pg_out_bytes(out, &byte, 1);
		break;
	case PG_INT2:
		pg_out_u16(out, (uint16_t)a->i);
		break;
	case PG_INT4:
		pg_out_u32(out, (uint32_t)a->i);
		break;
	case PG_INT8:
		pg_out_u64(out, (uint64_t)a->i);
		break;
	case PG_TIMESTAMPTZ:
		pg_out_u64(out, (uint64_t)since_2000(a->i));
		break;
	case PG_FLOAT4:
		write_float4(out, (float)a->f);
		break;
	case PG_FLOAT8:
		write_float(out, a->f);
		break;
	case PG_UUID:
		pg_out_bytes(out, a->p, sizeof(struct pg_uuid));
		break;
	case PG_ARRAY:
		ASSERT(a->of > PG_NULL && a->of < PG_ARRAY);
		if (a->of == PG_NUMERIC)
			write_array_text(out, a);
		else
			write_array(out, a);
		break;
	default:
		pg_out_bytes(out, a->p, a->n);
	}
}

void pg_arg_write(struct pg_out *out, const struct pg_arg *a)
{
	size_t hole;

	if (a->kind == PG_NULL) {
		pg_out_u32(out, UINT32_MAX);
		return;
	}
	hole = pg_out_hole(out);
	write_value(out, a);
	pg_out_fill(out, hole);
}

/* ---- Values ---- */

bool pg_type_binary(uint32_t type)
{
	for (unsigned i = 0; i < PG_KINDS; i++) {
		if (type != 0 && type == kinds[i].array)
			return true;
		if (type == kinds[i].type)
			return !is_text((enum pg_kind)i);
	}
	for (unsigned i = 0; i < ARRAY_LEN(other_arrays); i++)
		if (type == other_arrays[i])
			return true;
	return false;
}

static int put_int(int64_t n, const struct pg_into *into)
{
	switch (into->kind) {
	case PG_INT2:
		*(int16_t *)into->p = (int16_t)n;
		return n == (int16_t)n ? 0 : -ERANGE;
	case PG_INT4:
		*(int32_t *)into->p = (int32_t)n;
		return n == (int32_t)n ? 0 : -ERANGE;
	case PG_INT8:
		*(int64_t *)into->p = n;
		return 0;
	default:
		return -EDOM;
	}
}

static int put_float(double f, const struct pg_into *into)
{
	if (into->kind == PG_FLOAT8)
		*(double *)into->p = f;
	else if (into->kind == PG_FLOAT4)
		*(float *)into->p = (float)f;
	else
		return -EDOM;
	return 0;
}

/* Its own length stands before it, and has been read: there is room. */
static int put_text(struct pg_in in, const struct pg_into *into)
{
	size_t n = (size_t)(in.end - in.p);
	char *text = (char *)(uintptr_t)in.p - 1;

	if (memchr(in.p, 0, n))
		return -EPROTO;
	if (into->kind == PG_NUMERIC) {
		if (n >= into->size)
			return -ERANGE;
		memcpy(into->p, in.p, n);
		((char *)into->p)[n] = '\0';
		return 0;
	}
	memmove(text, in.p, n);
	text[n] = '\0';
	*(const char **)into->p = text;
	return 0;
}

static int put_array(struct pg_in in, const struct pg_into *into)
{
	struct pg_array *a = into->p;
	uint32_t dimensions = pg_in_u32(&in);
	uint64_t n = dimensions > 0;

	pg_in_u32(&in);                         /* whether there are NULLs */
	*a = (struct pg_array){ .type = pg_in_u32(&in) };
	if (dimensions > DIMENSIONS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < dimensions; i++) {
		n *= pg_in_u32(&in);
		pg_in_u32(&in);
		if (n > (size_t)(in.end - in.p) / 4)    /* each has a length */
			return -EPROTO;
	}
	if (in.bad)
		return -EPROTO;
	a->n = (unsigned)n;
	a->p = in.p;
	a->end = in.end;
	return 0;
}

static double as_double(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static int put_time(uint64_t since, const struct pg_into *into)
{
	int64_t us = (int64_t)since;

	if (us != INT64_MIN && us < INT64_MAX - EPOCH_US)
		us += EPOCH_US;
	else if (us != INT64_MIN)
		us = INT64_MAX;
	*(int64_t *)into->p = us;
	return 0;
}

static int put_bytes(struct pg_in in, const struct pg_into *into)
{
	*(struct pg_bytes *)into->p = (struct pg_bytes){ in.p, (size_t)(in.end - in.p) };
	return 0;
}

/* A number of fixed size, or a UUID. */
static int put_fixed(struct pg_in in, uint32_t type, const struct pg_into *into)
{
	switch (type) {
	case OID_BOOL:
		if (into->kind != PG_BOOL)
			return -EDOM;
		*(bool *)into->p = pg_in_u8(&in) != 0;
		break;
	case OID_INT2:
		return put_int((int16_t)pg_in_u16(&in), into);
	case OID_INT4:
		return put_int((int32_t)pg_in_u32(&in), into);
	case OID_INT8:
		return put_int((int64_t)pg_in_u64(&in), into);
	case OID_FLOAT4:
		return put_float(as_float(pg_in_u32(&in)), into);
	case OID_FLOAT8:
		return into->kind == PG_FLOAT8 ? put_float(as_double(pg_in_u64(&in)), into) : -EDOM;
	case OID_TIMESTAMPTZ:
		return into->kind == PG_TIMESTAMPTZ ? put_time(pg_in_u64(&in), into) : -EDOM;
	default:
		if (into->kind != PG_UUID)
			return -EDOM;
		memcpy(into->p, in.p, sizeof(struct pg_uuid));
	}
	return 0;
}

static const struct kind *kind_of(uint32_t type)
{
	for (unsigned i = PG_NULL + 1; i < PG_ARRAY; i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static int put_binary(struct pg_in in, uint32_t type, const struct pg_into *into)
{
	const struct kind *kind = kind_of(type);
	bool text = into->kind == PG_TEXT;

	if (kind && kind->size > 0)
		return in.end - in.p == kind->size ? put_fixed(in, type, into) : -EPROTO;
	switch (type) {
	case OID_BYTEA:
		return into->kind == PG_BYTEA ? put_bytes(in, into) : -EDOM;
	case OID_NUMERIC:
		return into->kind == PG_NUMERIC ? pg_numeric_text(in, into->p, into->size) : -EDOM;
	case OID_JSONB:
		if (pg_in_u8(&in) != 1)
			return -EPROTO;
		return text ? put_text(in, into) : -EDOM;
	case OID_TEXT:
	case OID_VARCHAR:
	case OID_BPCHAR:
	case OID_NAME:
	case OID_JSON:
		return text ? put_text(in, into) : -EDOM;
	default:
		return into->kind == PG_ARRAY && pg_type_binary(type) ? put_array(in, into) : -EDOM;
	}
}

/* What a simple query gives: numbers and truth values as text. */
static int put_from_text(struct pg_in in, const struct pg_into *into)
{
	size_t n = (size_t)(in.end - in.p);
	char text[NUMBER_MAX], *end;
	int err;

	if (into->kind == PG_TEXT || into->kind == PG_NUMERIC)
		return put_text(in, into);
	if (n == 0 || n >= sizeof(text))
		return -EDOM;
	memcpy(text, in.p, n);
	text[n] = '\0';
	end = text;
	errno = 0;
	if (into->kind == PG_BOOL) {
		*(bool *)into->p = text[0] == 't';
		return n == 1 && (text[0] == 't' || text[0] == 'f') ? 0 : -EDOM;
	}
	if (into->kind == PG_FLOAT4 || into->kind == PG_FLOAT8)
		err = put_float(strtod(text, &end), into);
	else
		err = put_int(strtoll(text, &end, 10), into);
	return *end || errno ? -EDOM : err;
}

static int put_null(const struct pg_into *into)
{
	if (into->null)
		*into->null = true;
	else if (into->kind == PG_TEXT)
		*(const char **)into->p = NULL;
	else if (into->kind == PG_BYTEA)
		*(struct pg_bytes *)into->p = (struct pg_bytes){ NULL, 0 };
	else
		return -ENODATA;
	return 0;
}

int pg_field_read(struct pg_in *in, uint32_t type, bool binary, const struct pg_into *into)
{
	uint32_t len = pg_in_u32(in);
	struct pg_in value;

	if (in->bad)
		return -EPROTO;
	if (len == UINT32_MAX)
		return into ? put_null(into) : 0;
	value.bad = false;
	value.p = pg_in_bytes(in, len);
	value.end = in->p;
	if (!value.p)
		return -EPROTO;
	if (!into)
		return 0;
	if (into->null)
		*into->null = false;
	return binary ? put_binary(value, type, into) : put_from_text(value, into);
}

int pg_element(struct pg_array *a, struct pg_into into)
{
	struct pg_in in = { .p = a->p, .end = a->end };
	int e;

	if (a->n == 0)
		return a->p == a->end ? 0 : -EPROTO;
	a->n--;
	e = pg_field_read(&in, a->type, true, &into);
	a->p = in.p;
	return e < 0 ? e : 1;
}
