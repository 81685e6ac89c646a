/* SPDX-License-Identifier: MIT */
/* Every type there and back: as parameters, as results, and in arrays. What the server makes of a
 * parameter is told in its own words, beside ours of what came back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/queries/queries.h"

#define VALUES 6
#define TEXT 512

/* In one row. */
void all_types(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	struct pg_uuid id = { { 0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b,
				0xb9, 0xbd, 0x38, 0x0a, 0x11 } }, id2;
	int16_t i2;
	int32_t i4;
	int64_t i8, time;
	float f4;
	double f8;
	bool b, null;
	const char *text, *number, *js, *nothing;
	struct pg_bytes bytes;
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT $1, $2, $3, $4, $5, $6, $7, $8::text, $9, $10, $11, $12, "
		     "$13::text, NULL::int4", pg_int2(-32768), pg_int4(-2147483647 - 1),
		     pg_int8(INT64_MIN), pg_float4(0.5f), pg_float8(-1e300),
		     pg_numeric("-12345678901234567890.000123"), pg_bool(true),
		     pg_text("Zürich \"q\""), pg_bytea("\0\1\377", 3), pg_json("{\"a\": [1]}", 10),
		     pg_timestamptz(1795383459123456), pg_uuid(&id), pg_null());
	if (e == 0)
		e = pg_row(db, pg_to_int2(&i2), pg_to_int4(&i4), pg_to_int8(&i8),
			   pg_to_float4(&f4), pg_to_float8(&f8), pg_to_text(&number),
			   pg_to_bool(&b), pg_to_text(&text), pg_to_bytea(&bytes),
			   pg_to_text(&js), pg_to_timestamptz(&time), pg_to_uuid(&id2),
			   pg_to_text(&nothing), pg_or_null(pg_to_int4(&i4), &null));
	if (e == 1)
		json(res, "{ int2: %d, int4: %d, int8: %lld, float4: %.3f, float8: %.0f, "
		     "numeric: %s, bool: %d, text: %s, bytea: %zu, json: %s, time: %lld, "
		     "uuid: %d, null: %d }",
		     i2, (int)i4, (long long)i8, (double)f4, f8, number, b, text, bytes.len, js,
		     (long long)time, memcmp(&id, &id2, sizeof(id)) == 0, !nothing && null);
	else
		refuse(res, db, e);
	pg_put(db);
}

/* ---- One type, at the ends of its range ---- */

static const struct pg_uuid some = { { 0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d,
				       0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11 } }, zero;
static const char huge[] = "98765432109876543210987654321098765432109876543210.000123456789";

/* The values of a type, of which NULL is the last: how many; 0: no such type. */
static size_t values_of(const char *type, struct pg_arg to[VALUES])
{
	const struct {
		const char *type;
		struct pg_arg values[VALUES];
	} table[] = {
		{ "int2", { pg_int2(INT16_MIN), pg_int2(INT16_MAX), pg_int2(0) } },
		{ "int4", { pg_int4(INT32_MIN), pg_int4(INT32_MAX), pg_int4(-1) } },
		{ "int8", { pg_int8(INT64_MIN), pg_int8(INT64_MAX), pg_int8(1) } },
		{ "float4", { pg_float4(0.5f), pg_float4(-__builtin_inff()), pg_float4(3e38f),
			      pg_float4(__builtin_nanf("")) } },
		{ "float8", { pg_float8(-1e300), pg_float8(__builtin_inf()), pg_float8(5e-300),
			      pg_float8(__builtin_nan("")) } },
		{ "numeric", { pg_numeric("-20000.05"), pg_numeric(huge), pg_numeric("NaN"),
			       pg_numeric("0.00"), pg_numeric("-0.0001") } },
		{ "bool", { pg_bool(true), pg_bool(false) } },
		{ "text", { pg_text("Zürich \"q\""), pg_text("a,b\\"), pg_text(""),
			    pg_text("NULL") } },
		{ "bytea", { pg_bytea("\0\1\377", 3), pg_bytea("", 0) } },
		{ "json", { pg_json("{\"a\": [1]}", 10), pg_json("null", 4) } },
		{ "timestamptz", { pg_timestamptz(1795383459123456), pg_timestamptz(-1),
				   pg_timestamptz(-2208988800000001), pg_timestamptz(INT64_MAX),
				   pg_timestamptz(INT64_MIN) } },
		{ "uuid", { pg_uuid(&some), pg_uuid(&zero) } },
	};
	size_t n = 0;

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].type, type) != 0)
			continue;
		memcpy(to, table[i].values, sizeof(table[i].values));
		for (n = 1; to[n].kind != PG_NULL; n++)
			;
		n++;
	}
	return n;
}

/* A value as a destination of its kind takes it, and what is made of it. */
struct value_of {
	int16_t i2;
	int32_t i4;
	int64_t i8;
	float f4;
	double f8;
	bool b;
	const char *text;
	struct pg_bytes bytes;
	struct pg_uuid id;
	char number[80];
};

static struct pg_into into_of(enum pg_kind kind, bool in_array, struct value_of *v)
{
	switch (kind) {
	case PG_INT2:
		return pg_to_int2(&v->i2);
	case PG_INT4:
		return pg_to_int4(&v->i4);
	case PG_FLOAT4:
		return pg_to_float4(&v->f4);
	case PG_FLOAT8:
		return pg_to_float8(&v->f8);
	case PG_BOOL:
		return pg_to_bool(&v->b);
	case PG_BYTEA:
		return pg_to_bytea(&v->bytes);
	case PG_UUID:
		return pg_to_uuid(&v->id);
	case PG_INT8:
		return pg_to_int8(&v->i8);
	case PG_TIMESTAMPTZ:
		return pg_to_timestamptz(&v->i8);
	case PG_NUMERIC:
		if (in_array)
			return pg_to_numeric(v->number, sizeof(v->number));
		return pg_to_text(&v->text);
	default:
		return pg_to_text(&v->text);
	}
}

static void in_hex(char *to, size_t size, const void *data, size_t len)
{
	for (size_t i = 0; i < len && size > 2; i++, to += 2, size -= 2)
		snprintf(to, size, "%02x", ((const uint8_t *)data)[i]);
	*to = '\0';
}

/* Writes it to a text. */
static void show(enum pg_kind kind, bool in_array, const struct value_of *v, char *to, size_t size)
{
	switch (kind) {
	case PG_INT2:
		snprintf(to, size, "%d", v->i2);
		break;
	case PG_INT4:
		snprintf(to, size, "%d", (int)v->i4);
		break;
	case PG_FLOAT4:
		snprintf(to, size, "%.6g", (double)v->f4);
		break;
	case PG_FLOAT8:
		snprintf(to, size, "%.9g", v->f8);
		break;
	case PG_BOOL:
		snprintf(to, size, "%c", v->b ? 't' : 'f');
		break;
	case PG_BYTEA:
		in_hex(to, size, v->bytes.data, v->bytes.len);
		break;
	case PG_UUID:
		in_hex(to, size, &v->id, sizeof(v->id));
		break;
	case PG_INT8:
	case PG_TIMESTAMPTZ:
		snprintf(to, size, "%lld", (long long)v->i8);
		break;
	default:
		snprintf(to, size, "%s", in_array && kind == PG_NUMERIC ? v->number : v->text);
	}
}

/* Adds a piece to a list. */
static void add(char list[TEXT], const char *piece)
{
	size_t n = strlen(list);

	snprintf(list + n, TEXT - n, "%s%s", n > 0 ? "|" : "", piece);
}

static void add_value(enum pg_kind kind, bool in_array, const struct value_of *v, bool null,
		      char list[TEXT])
{
	char piece[128] = "NULL";

	if (!null)
		show(kind, in_array, v, piece, sizeof(piece));
	add(list, piece);
}

static void answer(struct response *res, struct pg *db, int e, const char *server,
		   const char *client)
{
	if (e < 0)
		refuse(res, db, e);
	else
		json(res, "{ server: %s, client: %s }", server, client);
	pg_put(db);
}

/* Each value as a parameter of its own. */
void scalars(struct request *req, struct response *res)
{
	struct pg_arg values[VALUES];
	size_t n = values_of(request_param(req, "type"), values);
	struct pg *db = borrow(res, TIMEOUT_MS);
	char server[TEXT] = "", client[TEXT] = "";
	const char *words;
	int e = n > 0 ? 1 : -ENOENT;

	if (!db)
		return;
	for (size_t i = 0; i < n && e == 1; i++) {
		struct value_of v;
		bool null;

		e = pg_query(db, "SELECT $1, array_to_string(ARRAY[$1], '|', 'NULL')", values[i]);
		if (e == 0)
			e = pg_row(db, pg_or_null(into_of(values[0].kind, false, &v), &null),
				   pg_to_text(&words));
		if (e != 1)
			break;
		add(server, words);
		add_value(values[0].kind, false, &v, null, client);
	}
	answer(res, db, e, server, client);
}

/* All of them in an array; and one without elements. */
void arrays(struct request *req, struct response *res)
{
	struct pg_arg values[VALUES];
	size_t n = values_of(request_param(req, "type"), values);
	struct pg *db = borrow(res, TIMEOUT_MS);
	char server[TEXT] = "", client[TEXT] = "";
	struct pg_array all, none = { .n = 1 };
	struct value_of v;
	const char *words;
	bool null;
	int e = -ENOENT;

	if (!db)
		return;
	if (n > 0)
		e = pg_query(db, "SELECT $1, $2, array_to_string($1, '|', 'NULL')",
			     pg_array(values[0].kind, values, n),
			     pg_array(values[0].kind, NULL, 0));
	if (e == 0)
		e = pg_row(db, pg_to_array(&all), pg_to_array(&none), pg_to_text(&words));
	if (e == 1) {
		add(server, words);
		while ((e = pg_element(&all, pg_or_null(into_of(values[0].kind, true, &v),
							&null))) == 1)
			add_value(values[0].kind, true, &v, null, client);
		if (e == 0)
			e = pg_element(&none, pg_to_text(&words)) == 0 ? 0 : -EDOM;
	}
	answer(res, db, e, server, client);
}
