/* SPDX-License-Identifier: MIT */
/* Items in PostgreSQL: the counterpart of tests/apps/postgres.py. */
#include <errno.h>

#include "app/app.h"
#include "app/postgres/features.h"
#include "net/postgres.h"

SETTINGS(PG_SETTINGS);

static void get_one(struct request *req, struct response *res)
{
	struct pg *db;
	int32_t one;
	int e = pg_get(&db, clock_after_ms(2000));

	if (e == 0)
		e = pg_query(db, "SELECT 1");
	if (e == 0)
		e = pg_row(db, pg_to_int4(&one));
	if (e == 1)
		json(res, "{ result: %d }", one);
	else
		status(res, pg_status(e));
	pg_put(db);
}

void app_main(void)
{
	pg_start();
	features();
	route("GET", "/", get_one);
}
