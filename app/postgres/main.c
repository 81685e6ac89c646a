/* SPDX-License-Identifier: MIT */
/* Items in PostgreSQL, with JSON in and out: the counterpart of tests/apps/postgres_app.py. */
#include <errno.h>

#include "app/app.h"
#include "net/postgres.h"
#include "net/tls.h"

#define TIMEOUT_MS 2000
#define COLUMNS "id, name, price, stock"

SETTINGS(PG_SETTINGS, DEADLINE_SETTING, TLS_SETTINGS);

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

static struct pg_arg id_of(struct request *req)
{
	return pg_text(request_param(req, "id"));
}

/* The item in the request's body, as $1 to $3; what is missing is NULL. */
static bool read_item(struct request *req, struct response *res, struct pg_arg args[3])
{
	const struct value *v = request_json(req, res);
	int64_t stock;

	args[0] = pg_text(value_text(value_member(v, "name")));
	args[1] = pg_numeric(value_text(value_member(v, "price")));
	args[2] = value_integer(value_member(v, "stock"), INT32_MIN, INT32_MAX, &stock)
			  ? pg_int4((int32_t)stock) : pg_null();
	return v != NULL;
}

/* Runs a statement that gives an item, and answers with that. */
static void item(struct response *res, unsigned done, const char *sql, const struct pg_arg *args,
		 size_t n)
{
	const char *name, *price;
	int32_t id, stock;
	struct pg *db;
	int e = pg_get(&db, clock_after_ms(TIMEOUT_MS));

	if (e == 0 && (e = pg_query_args(db, sql, args, n)) == 0)
		e = pg_row(db, pg_to_int4(&id), pg_to_text(&name), pg_to_text(&price),
			   pg_to_int4(&stock));
	status(res, e == 1 ? done : e == 0 ? 404 : pg_status(e));
	if (e == 1)
		json(res, "{ id: %d, name: %s, price: %s, stock: %d }", (int)id, name, price,
		     (int)stock);
	pg_put(db);
}

static void get_item(struct request *req, struct response *res)
{
	item(res, 200, "SELECT " COLUMNS " FROM item WHERE id = $1",
	     PG_LIST(pg_arg, id_of(req)));
}

static void add_item(struct request *req, struct response *res)
{
	struct pg_arg args[3];

	if (read_item(req, res, args))
		item(res, 201, "INSERT INTO item (name, price, stock) VALUES ($1, $2, $3) "
		     "RETURNING " COLUMNS, args, 3);
}

static void set_item(struct request *req, struct response *res)
{
	struct pg_arg args[4];

	args[3] = id_of(req);
	if (read_item(req, res, args))
		item(res, 200, "UPDATE item SET name = $1, price = $2, stock = $3 WHERE id = $4 "
		     "RETURNING " COLUMNS, args, 4);
}

static void delete_item(struct request *req, struct response *res)
{
	item(res, 200, "DELETE FROM item WHERE id = $1 RETURNING " COLUMNS,
	     PG_LIST(pg_arg, id_of(req)));
}

/* Moves stock from one item to another, all of it or nothing: what is not committed, the pool rolls
 * back. */
static void move(struct request *req, struct response *res)
{
	static const char *const sql[] = {
		"UPDATE item SET stock = stock - $1 WHERE id = $2",
		"UPDATE item SET stock = stock + $1 WHERE id = $2",
	};
	const struct pg_arg count = pg_text(request_param(req, "count"));
	const char *const item[] = { request_param(req, "from"), request_param(req, "to") };
	struct pg *db;
	int e = pg_get(&db, clock_after_ms(TIMEOUT_MS));

	if (e == 0)
		e = pg_query(db, "BEGIN");
	for (unsigned i = 0; i < 2 && e == 0; i++) {
		e = pg_query(db, sql[i], count, pg_text(item[i]));
		if (e == 0 && pg_affected(db) == 0)
			e = -ENOENT;
	}
	if (e == 0)
		e = pg_query(db, "COMMIT");
	if (e == 0)
		json(res, "{ moved: %s }", request_param(req, "count"));
	else
		status(res, e == -ENOENT ? 404 : pg_status(e));
	pg_put(db);
}

static void list_items(struct request *req, struct response *res)
{
	struct pg *db;
	const char *all;
	int e = pg_get(&db, clock_after_ms(TIMEOUT_MS));

	if (e == 0 && (e = pg_query(db, "SELECT json_agg(i ORDER BY id) FROM item i")) == 0)
		e = pg_row(db, pg_to_text(&all));
	if (e == 1)
		body(res, "application/json", all ? all : "[]", all ? strlen(all) : 2);
	else
		status(res, pg_status(e));
	pg_put(db);
}

void app_main(void)
{
	pg_start();
	route("GET", "/", get_one);
	route("GET", "/item", list_items);
	route("POST", "/item", add_item);
	route("GET", "/item/:id", get_item);
	route("PUT", "/item/:id", set_item);
	route("DELETE", "/item/:id", delete_item);
	route("POST", "/move/:count/:from/:to", move);
}
