/* SPDX-License-Identifier: MIT */
/* sources: net/postgres/message.c net/postgres/types.c net/postgres/numeric.c net/postgres/error.c
 * tests/unit/fake_kernel.c */
/* net/postgres: messages, types and errors, as bytes. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/postgres/impl.h"
#include "net/postgres/types.h"

static struct pg_out out;

static struct pg_in in_of(const void *data, size_t len)
{
	return (struct pg_in){ .p = data, .end = (const uint8_t *)data + len };
}

#define IN(text) in_of(text, sizeof(text) - 1)
#define IS(text) \
	do { \
		assert_false(out.full); \
		assert_int_equal(out.len, sizeof(text) - 1); \
		assert_memory_equal(out.data, text, sizeof(text) - 1); \
		out.len = 0; \
	} while (0)

/* ---- Messages ---- */

static void finds_messages(void **state)
{
	uint8_t type;
	struct pg_in body;
	size_t want;
	const uint8_t *whole = (const uint8_t *)"Z\0\0\0\5IZ";

	for (size_t n = 0; n < 6; n++) {
		assert_int_equal(pg_message_find(whole, n, 100, &type, &body, &want), 0);
		assert_int_equal(want, n < 5 ? 5 : 6);
	}
	assert_int_equal(pg_message_find(whole, 7, 100, &type, &body, &want), 6);
	assert_int_equal(type, PG_READY);
	assert_int_equal(pg_in_u8(&body), 'I');
	assert_true(pg_in_done(&body));
	assert_int_equal(pg_message_find(whole, 7, 6, &type, &body, &want), 6);
	assert_int_equal(pg_message_find(whole, 7, 5, &type, &body, &want), -EMSGSIZE);
	assert_int_equal(pg_message_find((const uint8_t *)"?", 1, 9, &type, &body, &want), -EPROTO);
	assert_int_equal(pg_message_find((const uint8_t *)"", 1, 9, &type, &body, &want), -EPROTO);
	assert_int_equal(pg_message_find((const uint8_t *)"Z\0\0\0\3", 5, 9, &type, &body, &want),
			 -EPROTO);
	assert_int_equal(pg_message_find((const uint8_t *)"Z\377\377\377\377", 5, 9, &type, &body,
					 &want), -EPROTO);
}

static void reads_in_bounds(void **state)
{
	struct pg_in in = IN("\1\2\3\4\5\6\7");

	assert_int_equal(pg_in_u16(&in), 0x102);
	assert_int_equal(pg_in_u32(&in), 0x3040506);
	assert_int_equal(pg_in_u16(&in), 0);
	assert_true(in.bad);
	assert_int_equal(pg_in_u8(&in), 0);             /* nothing more, once bad */
	assert_false(pg_in_done(&in));
	in = IN("abc");
	assert_string_equal(pg_in_string(&in), "");
	assert_true(in.bad);
	in = IN("abc\0");
	assert_string_equal(pg_in_string(&in), "abc");
	assert_true(pg_in_done(&in));
}

static void reads_columns(void **state)
{
	static const char two[] = "\0\2a\0----\0\1\0\0\0\27\0\4----\0\0"
				  "name\0----\0\2\0\0\0\31\377\377----\0\1";
	struct pg_columns *c;

	assert_int_equal(pg_columns_read(IN(two), &c), 0);
	assert_int_equal(c->n, 2);
	assert_string_equal(c->column[0].name, "a");
	assert_int_equal(c->column[0].type, 23);
	assert_false(c->column[0].binary);
	assert_string_equal(c->column[1].name, "name");
	assert_true(c->column[1].binary);
	free(c);
	for (size_t n = 0; n < sizeof(two) - 1; n++)
		assert_int_equal(pg_columns_read(in_of(two, n), &c), -EPROTO);
	assert_int_equal(pg_columns_read(in_of(two, sizeof(two)), &c), -EPROTO);
	assert_int_equal(pg_columns_read(IN("\377\377"), &c), -EPROTO);
	/* a name that leaves no bytes for the columns after it */
	assert_int_equal(pg_columns_read(IN("\0\2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0"
					    "----\0\1\0\0\0\27\0\4----\0\0"), &c), -EPROTO);
}

static void reads_errors(void **state)
{
	struct pg_error e;
	char text[300] = "C23505", *p = text + 7;

	assert_int_equal(pg_error_read(IN("SERROR\0VERROR\0C23505\0Mduplicate\nkey\0nitem_key\0\0"),
				       &e), 0);
	assert_string_equal(e.sqlstate, "23505");
	assert_string_equal(e.message, "duplicate key");
	assert_string_equal(e.constraint, "item_key");
	assert_false(e.fatal);
	assert_int_equal(pg_errno(&e), -EEXIST);
	assert_string_equal(pg_error_field(IN("C0A000\0RRevalidate\0\0"), 'R'), "Revalidate");
	assert_string_equal(pg_error_field(IN("C0A000\0\0RRevalidate\0"), 'R'), "");
	assert_string_equal(pg_error_field(IN("C0A000\0RRev"), 'R'), "");
	assert_int_equal(pg_error_read(IN("VFATAL\0C53300\0\0"), &e), 0);
	assert_true(e.fatal);
	assert_int_equal(pg_errno(&e), -EBUSY);
	assert_int_equal(pg_error_read(IN("C1234567\0\0"), &e), 0);
	assert_string_equal(e.sqlstate, "XX000");
	assert_int_equal(pg_errno(&e), -EIO);
	assert_int_equal(pg_error_read(IN("VFATAL\0C53300\0"), &e), -EPROTO);
	assert_int_equal(pg_error_read(IN("VFATAL"), &e), -EPROTO);
	assert_int_equal(pg_error_read(IN(""), &e), -EPROTO);
	*p++ = 'M';
	memset(p, 'x', 200);                             /* cut, with its NUL */
	p[200] = '\0';
	assert_int_equal(pg_error_read(in_of(text, 7 + 1 + 201 + 1), &e), 0);
	assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
}

static void maps_sqlstates(void **state)
{
	static const struct {
		const char *sqlstate;
		int error;
		unsigned status;
	} table[] = {
		{ "22P02", -EINVAL, 400 }, { "23502", -EINVAL, 400 }, { "23505", -EEXIST, 409 },
		{ "28P01", -EACCES, 502 }, { "40001", -EAGAIN, 503 }, { "40P01", -EAGAIN, 503 },
		{ "42501", -EPERM, 502 }, { "42P01", -EIO, 502 }, { "53300", -EBUSY, 503 },
		{ "55P03", -EAGAIN, 503 }, { "57014", -ETIMEDOUT, 504 }, { "57P01", -EBUSY, 503 },
		{ "XX000", -EIO, 502 },
	};
	struct pg_error e;

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		memcpy(e.sqlstate, table[i].sqlstate, sizeof(e.sqlstate));
		assert_int_equal(pg_errno(&e), table[i].error);
		assert_int_equal(pg_status(table[i].error), table[i].status);
		assert_string_not_equal(pg_reason(table[i].error), "failed");
	}
}

static void reads_tags(void **state)
{
	assert_int_equal(pg_tag_rows(IN("INSERT 0 12\0")), 12);
	assert_int_equal(pg_tag_rows(IN("SELECT 3\0")), 3);
	assert_int_equal(pg_tag_rows(IN("BEGIN\0")), 0);
	assert_int_equal(pg_tag_rows(IN("CREATE TABLE\0")), 0);
	assert_int_equal(pg_tag_rows(IN("SELECT 3")), -EPROTO);
	assert_true(pg_tag_rows(IN("COPY 99999999999999999999999999\0")) > 0);
}

static void writes_messages(void **state)
{
	pg_out_begin(&out, 'Q');
	pg_out_string(&out, "SELECT 1");
	pg_out_end(&out);
	pg_out_begin(&out, 0);
	pg_out_u32(&out, 196608);
	pg_out_end(&out);
	IS("Q\0\0\0\15SELECT 1\0\0\0\0\10\0\3\0\0");
}

static void writes_in_bounds(void **state)
{
	struct pg_out small = { .max = 600 };
	char text[500];

	memset(text, 'x', sizeof(text));
	pg_out_bytes(&small, text, sizeof(text));
	assert_false(small.full);
	pg_out_bytes(&small, text, 100);
	assert_false(small.full);
	pg_out_u16(&small, 1);
	assert_true(small.full);
	assert_true(small.cap <= 600);
	free(small.data);
}

/* ---- Parameters ---- */

#define ARG(arg, type, bytes) \
	do { \
		struct pg_arg a_ = arg; \
		assert_int_equal(pg_arg_type(&a_), type); \
		pg_arg_write(&out, &a_); \
		IS(bytes); \
	} while (0)

static void writes_parameters(void **state)
{
	static const struct pg_uuid id = { "0123456789abcdef" };
	const struct pg_arg ints[] = { pg_int2(-1), pg_null() };
	const struct pg_arg numbers[] = { pg_numeric("1\"5"), pg_null(), pg_numeric("-2") };

	ARG(pg_null(), 0, "\377\377\377\377");
	ARG(pg_bool(true), 16, "\0\0\0\1\1");
	ARG(pg_int2(-2), 21, "\0\0\0\2\377\376");
	ARG(pg_int4(INT32_MIN), 23, "\0\0\0\4\200\0\0\0");
	ARG(pg_int8(1), 20, "\0\0\0\10\0\0\0\0\0\0\0\1");
	ARG(pg_float4(1.5f), 700, "\0\0\0\4\77\300\0\0");
	ARG(pg_float8(-2), 701, "\0\0\0\10\300\0\0\0\0\0\0\0");
	ARG(pg_text("ab"), 0, "\0\0\0\2ab");
	ARG(pg_text(NULL), 0, "\377\377\377\377");
	ARG(pg_numeric("1.5"), 1700, "\0\0\0\3" "1.5");
	ARG(pg_bytea("\0", 1), 17, "\0\0\0\1\0");
	ARG(pg_json("{}", 2), 114, "\0\0\0\2{}");
	ARG(pg_timestamptz(946684800000001), 1184, "\0\0\0\10\0\0\0\0\0\0\0\1");
	ARG(pg_timestamptz(INT64_MAX), 1184, "\0\0\0\10\177\377\377\377\377\377\377\377");
	ARG(pg_uuid(&id), 2950, "\0\0\0\20" "0123456789abcdef");
	ARG(pg_array(PG_INT2, ints, 2), 1005, "\0\0\0\36\0\0\0\1\0\0\0\1\0\0\0\25\0\0\0\2\0\0\0\1"
	    "\0\0\0\2\377\377\377\377\377\377");
	ARG(pg_array(PG_INT4, NULL, 0), 1007, "\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\27");
	ARG(pg_array(PG_NUMERIC, numbers, 3), 1231, "\0\0\0\22{\"1\\\"5\",NULL,\"-2\"}");
	assert_true(PANICS(({
		struct pg_arg wrong = pg_array(PG_INT4, ints, 2);

		pg_arg_write(&out, &wrong);
	})));
	out.len = 0;
}

/* ---- Values ---- */

/* Reads one field of this type: its errno. The bytes are on the heap, where ASan sees their end. */
static int field(const char *bytes, size_t len, uint32_t type, bool binary, struct pg_into into)
{
	static char *copy;
	struct pg_in in;
	int e;

	free(copy);
	copy = malloc(len);
	memcpy(copy, bytes, len);
	in = in_of(copy, len);
	e = pg_field_read(&in, type, binary, &into);
	if (e == 0)
		assert_true(pg_in_done(&in));
	return e;
}

#define BINARY(bytes, type, into) field(bytes, sizeof(bytes) - 1, type, true, into)
#define TEXT(bytes, type, into) field(bytes, sizeof(bytes) - 1, type, false, into)

static void reads_numbers(void **state)
{
	int16_t i2;
	int32_t i4;
	int64_t i8;
	float f4;
	double f8;
	bool b;

	assert_int_equal(BINARY("\0\0\0\2\377\376", 21, pg_to_int8(&i8)), 0);
	assert_int_equal(i8, -2);
	assert_int_equal(BINARY("\0\0\0\4\200\0\0\0", 23, pg_to_int4(&i4)), 0);
	assert_int_equal(i4, INT32_MIN);
	assert_int_equal(BINARY("\0\0\0\4\200\0\0\0", 23, pg_to_int2(&i2)), -ERANGE);
	assert_int_equal(BINARY("\0\0\0\10\0\0\0\1\0\0\0\0", 20, pg_to_int4(&i4)), -ERANGE);
	assert_int_equal(BINARY("\0\0\0\10\0\0\0\1\0\0\0\0", 20, pg_to_int8(&i8)), 0);
	assert_int_equal(i8, 1ll << 32);
	assert_int_equal(BINARY("\0\0\0\4\77\300\0\0", 700, pg_to_float8(&f8)), 0);
	assert_true(f8 == 1.5);
	assert_int_equal(BINARY("\0\0\0\4\77\300\0\0", 700, pg_to_float4(&f4)), 0);
	assert_true(f4 == 1.5f);
	assert_int_equal(BINARY("\0\0\0\10\300\0\0\0\0\0\0\0", 701, pg_to_float4(&f4)), -EDOM);
	assert_int_equal(BINARY("\0\0\0\1\1", 16, pg_to_bool(&b)), 0);
	assert_true(b);
	assert_int_equal(BINARY("\0\0\0\4\0\0\0\1", 23, pg_to_bool(&b)), -EDOM);
	assert_int_equal(BINARY("\0\0\0\2\0\1", 23, pg_to_int4(&i4)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\5\0\0\0\1", 23, pg_to_int4(&i4)), -EPROTO);
	assert_int_equal(BINARY("\377\377\377\376\0\0\0\1", 23, pg_to_int4(&i4)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0", 23, pg_to_int4(&i4)), -EPROTO);
	assert_int_equal(TEXT("\0\0\0\3-12", 23, pg_to_int4(&i4)), 0);
	assert_int_equal(i4, -12);
	assert_int_equal(TEXT("\0\0\0\3" "1x2", 23, pg_to_int4(&i4)), -EDOM);
	assert_int_equal(TEXT("\0\0\0\5" "70000", 23, pg_to_int2(&i2)), -ERANGE);
	assert_int_equal(TEXT("\0\0\0\3" "1.5", 701, pg_to_float8(&f8)), 0);
	assert_true(f8 == 1.5);
	assert_int_equal(TEXT("\0\0\0\1t", 16, pg_to_bool(&b)), 0);
	assert_int_equal(TEXT("\0\0\0\1x", 16, pg_to_bool(&b)), -EDOM);
}

static void reads_texts(void **state)
{
	const char *text;
	struct pg_bytes bytes;
	struct pg_uuid id;
	int64_t time;
	bool null;

	assert_int_equal(TEXT("\0\0\0\3abc", 25, pg_to_text(&text)), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(TEXT("\0\0\0\0", 25, pg_to_text(&text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(TEXT("\0\0\0\3a\0c", 25, pg_to_text(&text)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\3\1{}", 3802, pg_to_text(&text)), 0);
	assert_string_equal(text, "{}");
	assert_int_equal(BINARY("\0\0\0\3\2{}", 3802, pg_to_text(&text)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\4abcd", 23, pg_to_text(&text)), -EDOM);
	assert_int_equal(BINARY("\0\0\0\2\0\1", 17, pg_to_bytea(&bytes)), 0);
	assert_int_equal(bytes.len, 2);
	assert_memory_equal(bytes.data, "\0\1", 2);
	assert_int_equal(BINARY("\0\0\0\20" "0123456789abcdef", 2950, pg_to_uuid(&id)), 0);
	assert_memory_equal(id.byte, "0123456789abcdef", 16);
	assert_int_equal(BINARY("\0\0\0\10\0\0\0\0\0\0\0\1", 1184, pg_to_timestamptz(&time)), 0);
	assert_int_equal(time, 946684800000001);
	assert_int_equal(BINARY("\0\0\0\10\177\377\377\377\377\377\377\377", 1184,
				pg_to_timestamptz(&time)), 0);
	assert_int_equal(time, INT64_MAX);
	assert_int_equal(BINARY("\0\0\0\10\200\0\0\0\0\0\0\0", 1184, pg_to_timestamptz(&time)), 0);
	assert_int_equal(time, INT64_MIN);

	assert_int_equal(TEXT("\377\377\377\377", 25, pg_to_text(&text)), 0);
	assert_null(text);
	assert_int_equal(BINARY("\377\377\377\377", 17, pg_to_bytea(&bytes)), 0);
	assert_null(bytes.data);
	assert_int_equal(BINARY("\377\377\377\377", 1184, pg_to_timestamptz(&time)), -ENODATA);
	assert_int_equal(BINARY("\377\377\377\377", 1184,
				pg_or_null(pg_to_timestamptz(&time), &null)), 0);
	assert_true(null);
	assert_int_equal(BINARY("\0\0\0\10\0\0\0\0\0\0\0\1", 1184,
				pg_or_null(pg_to_timestamptz(&time), &null)), 0);
	assert_false(null);
}

static void reads_arrays(void **state)
{
	struct pg_array a;
	int32_t i;
	bool null;
	char number[8];

	assert_int_equal(BINARY("\0\0\0\40\0\0\0\1\0\0\0\1\0\0\0\27\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\7"
				"\377\377\377\377", 1007, pg_to_array(&a)), 0);
	assert_int_equal(a.n, 2);
	assert_int_equal(pg_element(&a, pg_to_int4(&i)), 1);
	assert_int_equal(i, 7);
	assert_int_equal(pg_element(&a, pg_or_null(pg_to_int4(&i), &null)), 1);
	assert_true(null);
	assert_int_equal(pg_element(&a, pg_to_int4(&i)), 0);
	assert_int_equal(BINARY("\0\0\0\14\0\0\0\0\0\0\0\0\0\0\0\27", 1007, pg_to_array(&a)), 0);
	assert_int_equal(pg_element(&a, pg_to_int4(&i)), 0);
	/* two dimensions of 65536 elements that are not there; seven dimensions */
	assert_int_equal(BINARY("\0\0\0\34\0\0\0\2\0\0\0\0\0\0\0\27\0\1\0\0\0\0\0\1"
				"\0\1\0\0\0\0\0\1", 1007, pg_to_array(&a)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\14\0\0\0\7\0\0\0\0\0\0\0\27", 1007,
				pg_to_array(&a)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\10\0\0\0\1\0\0\0\0", 1007, pg_to_array(&a)), -EPROTO);
	assert_int_equal(BINARY("\0\0\0\42\0\0\0\1\0\0\0\0\0\0\6\244\0\0\0\1\0\0\0\1\0\0\0\12"
				"\0\1\0\0\100\0\0\2\0\5", 1231, pg_to_array(&a)), 0);
	assert_int_equal(pg_element(&a, pg_to_numeric(number, sizeof(number))), 1);
	assert_string_equal(number, "-5.00");
	assert_int_equal(BINARY("\0\0\0\4abcd", 23, pg_to_array(&a)), -EDOM);
}

#define NUMERIC(bytes, text) \
	do { \
		char buf_[64]; \
		assert_int_equal(pg_numeric_text(IN(bytes), buf_, sizeof(buf_)), 0); \
		assert_string_equal(buf_, text); \
		assert_int_equal(pg_numeric_text(IN(bytes), buf_, strlen(text) + 1), 0); \
		assert_int_equal(pg_numeric_text(IN(bytes), buf_, strlen(text)), -ERANGE); \
		assert_int_equal(pg_numeric_text(IN(bytes), buf_, 0), -ERANGE); \
	} while (0)

static void reads_numerics(void **state)
{
	char buf[16];

	NUMERIC("\0\0\0\0\0\0\0\0", "0");
	NUMERIC("\0\0\0\0\0\0\0\2", "0.00");
	NUMERIC("\0\1\0\0\0\0\0\0\0\1", "1");
	NUMERIC("\0\2\0\1\100\0\0\0\0\1\0\2", "-10002");
	NUMERIC("\0\1\0\1\0\0\0\0\0\1", "10000");
	NUMERIC("\0\1\377\377\0\0\0\4\0\1", "0.0001");
	NUMERIC("\0\1\377\376\0\0\0\10\0\14", "0.00000012");
	NUMERIC("\0\2\0\0\0\0\0\2\0\1\23\210", "1.50");
	NUMERIC("\0\0\0\0\300\0\0\0", "NaN");
	NUMERIC("\0\0\0\0\320\0\0\0", "Infinity");
	NUMERIC("\0\0\0\0\360\0\0\0", "-Infinity");
	assert_int_equal(pg_numeric_text(IN("\0\1\177\377\0\0\0\0\0\1"), buf, 16), -ERANGE);
	assert_int_equal(pg_numeric_text(IN("\0\0\0\0\0\0\377\377"), buf, 16), -ERANGE);
	assert_int_equal(pg_numeric_text(IN("\0\1\0\0\0\0\0\0\47\20"), buf, 16), -EPROTO);
	assert_int_equal(pg_numeric_text(IN("\0\2\0\0\0\0\0\0\0\1"), buf, 16), -EPROTO);
	assert_int_equal(pg_numeric_text(IN("\0\1\0\0\1\0\0\0\0\1"), buf, 16), -EPROTO);
	assert_int_equal(pg_numeric_text(IN("\0\0\0"), buf, 16), -EPROTO);
}

static int begin(void **state)
{
	out = (struct pg_out){ .max = 4096 };
	return 0;
}

static int end(void **state)
{
	free(out.data);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_messages), cmocka_unit_test(reads_in_bounds),
		cmocka_unit_test(reads_columns), cmocka_unit_test(reads_errors),
		cmocka_unit_test(maps_sqlstates), cmocka_unit_test(reads_tags),
		cmocka_unit_test(writes_messages), cmocka_unit_test(writes_in_bounds),
		cmocka_unit_test(writes_parameters), cmocka_unit_test(reads_numbers),
		cmocka_unit_test(reads_texts), cmocka_unit_test(reads_arrays),
		cmocka_unit_test(reads_numerics),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
