/* SPDX-License-Identifier: MIT */
/* A service for tests: every way to use net/postgres.h, each behind a route of its own: types,
 * pipelines, cursors, COPY, LISTEN, transactions, errors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/queries/clocks.h"
#include "app/queries/queries.h"
#include "net/tls.h"

#define QUICK_MS 2000
#define BATCH 16
#define FETCH 100

SETTINGS(PG_SETTINGS, DEADLINE_SETTING, TLS_SETTINGS);

void refuse(struct response *res, struct pg *db, int e)
{
	status(res, pg_status(e));
	json(res, "{ error: %s, errno: %d, sqlstate: %s }", pg_reason(e), -e,
	     db ? pg_error(db)->sqlstate : "");
}

struct pg *borrow(struct response *res, int64_t ms)
{
	struct pg *db;
	int e = pg_get(&db, clock_after_ms(ms));

	if (e < 0)
		refuse(res, NULL, e);
	return db;
}

unsigned long number(struct request *req, const char *name)
{
	return strtoul(request_param(req, name), NULL, 10);
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
	size_t len, piece = number(req, "piece");
	const char *data = request_body(req, &len);
	int e;

	if (!db)
		return;
	e = pg_copy_in(db, "COPY item (name, price, stock) FROM STDIN (FORMAT csv)");
	for (size_t n; e == 0 && len > 0; data += n, len -= n) {
		n = MIN(len, piece);                    /* pieces need not be rows */
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

/* To whom listens, from another connection. */
static void tell(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT pg_notify('the \"news\"', $1)",
		     pg_text(request_param(req, "payload")));
	answer_sum(res, db, e, 0, 0);
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

/* Notes when its turn has come. */
static void turn(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, 60000);
	int e;

	if (!db)
		return;
	e = pg_query(db, "INSERT INTO turn (n) VALUES ($1)", pg_int4((int32_t)number(req, "n")));
	answer_sum(res, db, e, pg_affected(db), 0);
}

static int add_stock(struct pg *db, int32_t id, int32_t more)
{
	return pg_query(db, "UPDATE item SET stock = stock + $1 WHERE id = $2", pg_int4(more),
			pg_int4(id));
}

/* Moves stock from item 1 to item 2 in a transaction: what came of that, of a query after it in the
 * transaction, and of its end: commit, rollback, or neither. */
static void transfer(struct request *req, struct response *res)
{
	const char *end = request_param(req, "end");
	int32_t n = (int32_t)number(req, "n");
	struct pg *db = borrow(res, TIMEOUT_MS);
	struct pg_error first, then;
	int e;

	if (!db)
		return;
	e = pg_query(db, "BEGIN");
	if (e == 0)
		e = add_stock(db, 2, n);
	if (e == 0)
		e = add_stock(db, 1, -n);
	first = *pg_error(db);
	if (e < 0)
		pg_query(db, "SELECT 1");
	then = *pg_error(db);
	if (strcmp(end, "commit") == 0)
		e = pg_query(db, "COMMIT");
	else if (strcmp(end, "rollback") == 0)
		e = pg_query(db, "ROLLBACK");
	json(res, "{ errno: %d, sqlstate: %s, then: %s }", -e, first.sqlstate, then.sqlstate);
	pg_put(db);
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
		{ "unsupported", "SELECT FROM (SELECT 1 x) a FULL JOIN (SELECT 2 y) b ON x < y" },
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

/* How many statements the server has prepared on the connection that was used last. */
static void prepared(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	long long count = 0, sum = 0;
	int e;

	if (!db)
		return;
	e = pg_simple(db, "SELECT count(*) FROM pg_prepared_statements");
	if (e == 0)
		e = add_up(db, &count, &sum);
	answer_sum(res, db, e, count, sum);
}

/* A COPY among queries, which have no way to go on with it, is left to the pool. */
static void copy_left(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, TIMEOUT_MS);
	int e;

	if (!db)
		return;
	e = pg_add(db, "SELECT 1");
	if (e == 0)
		e = pg_add(db, "COPY item (name, price, stock) FROM STDIN");
	if (e == 0)
		e = pg_run(db);
	answer_sum(res, db, e, 0, 0);
}

static void get_one(struct request *req, struct response *res)
{
	struct pg *db = borrow(res, QUICK_MS);
	int32_t one;
	int e;

	if (!db)
		return;
	e = pg_query(db, "SELECT 1");
	if (e == 0)
		e = pg_row(db, pg_to_int4(&one));
	if (e == 1)
		json(res, "{ result: %d }", (int)one);
	else
		refuse(res, db, e);
	pg_put(db);
}

void app_main(void)
{
	pg_start();
	route("GET", "/", get_one);
	route("GET", "/bench/:how/:tasks/:n", bench);
	route("GET", "/types", all_types);
	route("GET", "/types/:type", scalars);
	route("GET", "/arrays/:type", arrays);
	route("GET", "/rows/:n", rows);
	route("GET", "/cursor/:n", cursor);
	route("GET", "/pipeline/:n", pipeline);
	route("GET", "/texts/:n", texts);
	route("GET", "/simple", simple);
	route("POST", "/import/:piece", import);
	route("GET", "/export", export);
	route("GET", "/news", news);
	route("GET", "/tell/:payload", tell);
	route("GET", "/sleep/:ms/:limit", nap);
	route("GET", "/turn/:n", turn);
	route("GET", "/transfer/:n/:end", transfer);
	route("GET", "/leave", leave);
	route("GET", "/error/:what", error);
	route("GET", "/star", star);
	route("GET", "/clocks", clocks);
	route("GET", "/sleeps/:us", sleeps);
	route("GET", "/prepared", prepared);
	route("GET", "/copy/left", copy_left);
}
