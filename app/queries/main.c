/* SPDX-License-Identifier: MIT */
/* A service for tests: every way to use net/postgres.h, each behind a route of its own: types,
 * pipelines, cursors, COPY, LISTEN, transactions, errors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/queries/clocks.h"
#include "kernel/job.h"
#include "net/postgres.h"
#include "net/tls.h"

#define TIMEOUT_MS 5000
#define BATCH 16
#define FETCH 100

SETTINGS(PG_SETTINGS, TLS_SETTINGS);

static void refuse(struct response *res, struct pg *db, int e)
{
	status(res, pg_status(e));
	json(res, "{ error: %s, errno: %d, sqlstate: %s }", pg_reason(e), -e,
	     db ? pg_error(db)->sqlstate : "");
}

static struct pg *borrow(struct response *res, int64_t ms)
{
	struct pg *db;
	int e = pg_get(&db, clock_after_ms(ms));

	if (e < 0)
		refuse(res, NULL, e);
	return db;
}

static unsigned long number(struct request *req, const char *name)
{
	return strtoul(request_param(req, name), NULL, 10);
}

/* ---- Types ---- */

static void scalars(struct request *req, struct response *res)
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

/* Goes through an array of numbers: their sum; NULL counts as a thousand. */
static int sum_of(struct pg_array *a, int64_t *sum)
{
	int64_t v = 0;
	bool null;
	int e;

	for (*sum = 0; (e = pg_element(a, pg_or_null(pg_to_int8(&v), &null))) > 0; v = 0)
		*sum += null ? 1000 : v;
	return e;
}

static void arrays(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	const struct pg_arg ints[] = { pg_int4(1), pg_null(), pg_int4(3) };
	const struct pg_arg words[] = { pg_text("a,b"), pg_text("\"") };
	const struct pg_arg prices[] = { pg_numeric("1.50"), pg_numeric("-20000.05") };
	struct pg_array a, t, n;
	const char *first, *second;
	char price[2][16];
	int64_t sum;
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT $1, $2, $3", pg_array(PG_INT4, ints, 3),
		     pg_array(PG_TEXT, words, 2), pg_array(PG_NUMERIC, prices, 2));
	if (e == 0)
		e = pg_row(db, pg_to_array(&a), pg_to_array(&t), pg_to_array(&n));
	if (e == 1 && sum_of(&a, &sum) == 0 && pg_element(&t, pg_to_text(&first)) == 1 &&
	    pg_element(&t, pg_to_text(&second)) == 1 &&
	    pg_element(&n, pg_to_numeric(price[0], sizeof(price[0]))) == 1 &&
	    pg_element(&n, pg_to_numeric(price[1], sizeof(price[1]))) == 1)
		json(res, "{ ints: %lld, words: [%s, %s], prices: [%s, %s] }", (long long)sum,
		     first, second, price[0], price[1]);
	else
		refuse(res, db, e == 1 ? -EDOM : e);
	pg_put(db);
}

/* ---- Many rows, many queries ---- */

/* The rows at hand: how many, and their sum. */
static int add_up(struct pg *db, long long *count, long long *sum)
{
	int64_t n;
	int e;

	while ((e = pg_row(db, pg_to_int8(&n))) == 1) {
		++*count;
		*sum += n;
	}
	return e;
}

static void answer_sum(struct response *res, struct pg *db, int e, long long count, long long sum)
{
	if (e < 0)
		refuse(res, db, e);
	else
		json(res, "{ count: %lld, sum: %lld }", count, sum);
	pg_put(db);
}

static const char many[] = "SELECT n, repeat('x', 100) FROM generate_series(1, $1) n";

static void rows(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	long long count = 0, sum = 0;
	int e;

	if (!db)
		return;
	e = pg_query(db, many, pg_int4((int32_t)number(req, "n")));
	if (e == 0)
		e = add_up(db, &count, &sum);
	answer_sum(res, db, e, count, sum);
}

static void cursor(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	long long count = 0, sum = 0;
	int e;

	if (!db)
		return;
	e = pg_query(db, "BEGIN");
	if (e == 0)
		e = pg_cursor(db, many, pg_int4((int32_t)number(req, "n")));
	while (e == 0 && (e = pg_fetch(db, FETCH)) == 0) {
		e = add_up(db, &count, &sum);
		if (e == 0 && !pg_more(db))
			break;
		if (e == 0)
			e = pg_query(db, "SELECT 1");           /* something else in between */
	}
	if (e == 0)
		e = pg_query(db, "COMMIT");
	answer_sum(res, db, e, count, sum);
}

static void pipeline(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	long long count = 0, sum = 0;
	int32_t n;
	int e = 0;

	if (!db)
		return;
	n = (int32_t)number(req, "n");
	for (int32_t i = 1; e == 0 && i <= n;) {
		for (int k = 0; e == 0 && k < BATCH && i <= n; k++, i++)
			e = pg_add(db, "SELECT $1::int8", pg_int8(i));
		if (e == 0)
			e = pg_run(db);
		do
			e = e < 0 ? e : add_up(db, &count, &sum);
		while (e == 0 && (e = pg_next(db)) == 1);
	}
	answer_sum(res, db, e, count, sum);
}

/* Many texts, each twice: more than are kept prepared. */
static void texts(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	long long count = 0, sum = 0;
	unsigned long n;
	char sql[40];
	int e = 0;

	if (!db)
		return;
	n = number(req, "n");
	for (unsigned long i = 0; i < 2 * n && e == 0; i++) {
		snprintf(sql, sizeof(sql), "SELECT $1 + %lu", i % n);
		e = pg_query(db, sql, pg_int4(1));
		if (e == 0)
			e = add_up(db, &count, &sum);
	}
	answer_sum(res, db, e, count, sum);
}

static void simple(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	long long count = 0, sum = 0;
	int e;

	if (!db)
		return;
	e = pg_simple(db, "SELECT 1; SELECT 2 UNION ALL SELECT 3; SELECT 4");
	do
		e = e < 0 ? e : add_up(db, &count, &sum);
	while (e == 0 && (e = pg_next(db)) == 1);
	answer_sum(res, db, e, count, sum);
}

/* ---- COPY ---- */

static void import(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	size_t len;
	const char *data = request_body(req, &len);
	int e;

	if (!db)
		return;
	e = pg_copy_in(db, "COPY item (name, price, stock) FROM STDIN (FORMAT csv)");
	for (size_t n; e == 0 && len > 0; data += n, len -= n) {
		n = MIN(len, (size_t)1000);             /* pieces need not be rows */
		e = pg_copy_write(db, data, n);
	}
	if (e == 0)
		e = pg_copy_end(db);
	answer_sum(res, db, e, pg_affected(db), 0);
}

static void export(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	long long count = 0, bytes = 0;
	struct pg_bytes piece;
	int e;

	if (!db)
		return;
	e = pg_copy_out(db, "COPY (SELECT n, repeat('x', 100) FROM generate_series(1, 100000) n) "
			    "TO STDOUT");
	while (e == 0 && (e = pg_copy_read(db, &piece)) == 1) {
		e = 0;
		count++;
		bytes += (long long)piece.len;
	}
	answer_sum(res, db, e, count, bytes);
}

/* ---- Time, transactions, errors ---- */

static void news(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	const char *channel, *payload;
	int e;

	if (!db)
		return;
	e = pg_listen(db, "the \"news\"");
	if (e == 0)
		e = pg_notification(db, &channel, &payload);
	if (e == 0)
		json(res, "{ channel: %s, payload: %s }", channel, payload);
	else
		refuse(res, db, e);
	pg_put(db);
}

static void nap(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, (int64_t)number(req, "limit"));
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT pg_sleep($1)", pg_float8((double)number(req, "ms") / 1000));
	answer_sum(res, db, e, 0, 0);
}

/* Leaves a transaction open, half of its rows unread, and a row locked. */
static void leave(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	int e;

	if (!db)
		return;
	e = pg_query(db, "BEGIN");
	if (e == 0)
		e = pg_query(db, "UPDATE item SET stock = stock + 1000");
	if (e == 0)
		e = pg_query(db, many, pg_int4(1000000));
	answer_sum(res, db, e, 0, 0);
}

static void error(struct request *req, struct response *res)
{
	static const struct {
		const char *name, *sql;
	} table[] = {
		{ "division", "SELECT 1 / 0" },
		{ "syntax", "SELEC 1" },
		{ "serialize", "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$" },
		{ "forbidden", "SELECT * FROM pg_authid" },
		{ "halfway", "SELECT 1 / (3 - n) FROM generate_series(1, 5) n" },
	};
	struct pg *db = borrow(res, TIMEOUT_MS);
	long long count = 0, sum = 0;
	int e = -ENOENT;

	if (!db)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, request_param(req, "what")) == 0)
			e = pg_query_args(db, table[i].sql, NULL, 0);
	if (e == 0)
		e = add_up(db, &count, &sum);
	answer_sum(res, db, e, count, sum);
}

/* What is prepared has other columns after the table was changed. */
static void star(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT * FROM shape");
	answer_sum(res, db, e, pg_affected(db), 0);
}

/* ---- For tests/bench: the same query, again and again, by so many tasks ---- */

struct bench {
	struct job job;
	uint32_t n;
	bool pipelined;
};

static int one_by_one(struct pg *db, uint32_t n)
{
	int32_t one;
	int e = 1;

	for (uint32_t i = 0; i < n && e == 1; i++) {
		e = pg_query(db, "SELECT 1");
		if (e == 0)
			e = pg_row(db, pg_to_int4(&one));
	}
	return e;
}

static int by_sixteen(struct pg *db, uint32_t n)
{
	int32_t one;
	int e = 1;

	for (uint32_t i = 0; i < n && e >= 0; i += BATCH) {
		e = 0;
		for (int k = 0; k < BATCH && e == 0; k++)
			e = pg_add(db, "SELECT 1");
		if (e == 0)
			e = pg_run(db);
		while (e >= 0 && (e = pg_row(db, pg_to_int4(&one))) == 1 && (e = pg_next(db)) == 1)
			;
	}
	return e;
}

static int run_bench(void *arg)
{
	struct bench *b = arg;
	struct pg *db;
	int e = pg_get(&db, FOREVER);

	if (e < 0)
		return e;
	e = b->pipelined ? by_sixteen(db, b->n) : one_by_one(db, b->n);
	pg_put(db);
	return e;
}

static void bench(struct request *req, struct response *res)
{
	unsigned tasks = (unsigned)MIN(number(req, "tasks"), 32ul), started = 0;
	struct bench *b = calloc(tasks + 1, sizeof(*b));
	struct job *jobs[32];
	ktime began = clock_now();
	int e = b ? 0 : -ENOMEM;

	for (; started < tasks && e == 0; started += e == 0) {
		b[started].n = (uint32_t)number(req, "n");
		b[started].pipelined = strcmp(request_param(req, "how"), "pipelined") == 0;
		jobs[started] = &b[started].job;
		e = job_start(jobs[started], "bench", run_bench, &b[started]);
	}
	job_all(jobs, started, FOREVER);
	for (unsigned i = 0; i < started && e >= 0; i++)
		e = job_result(jobs[i]);
	free(b);
	if (e < 0)
		refuse(res, NULL, e);
	else
		json(res, "{ seconds: %.6f }", (double)(clock_now() - began) / 1e9);
}

static void get_one(struct request *req, struct response *res)
{
	struct pg *db;
	int32_t one;
	int e = pg_get(&db, clock_after_ms(TIMEOUT_MS));

	if (e == 0 && (e = pg_query(db, "SELECT 1")) == 0)
		e = pg_row(db, pg_to_int4(&one));
	if (e == 1)
		json(res, "{ result: %d }", (int)one);
	else
		status(res, pg_status(e));
	pg_put(db);
}

void app_main(void)
{
	pg_start();
	route("GET", "/", get_one);
	route("GET", "/bench/:how/:tasks/:n", bench);
	route("GET", "/types", scalars);
	route("GET", "/arrays", arrays);
	route("GET", "/rows/:n", rows);
	route("GET", "/cursor/:n", cursor);
	route("GET", "/pipeline/:n", pipeline);
	route("GET", "/texts/:n", texts);
	route("GET", "/simple", simple);
	route("POST", "/import", import);
	route("GET", "/export", export);
	route("GET", "/news", news);
	route("GET", "/sleep/:ms/:limit", nap);
	route("GET", "/leave", leave);
	route("GET", "/error/:what", error);
	route("GET", "/star", star);
	route("GET", "/clocks", clocks);
	route("GET", "/sleeps/:us", sleeps);
}
