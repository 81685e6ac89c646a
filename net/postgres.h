/* SPDX-License-Identifier: MIT */
/* CONTRACT PostgreSQL -> author: a client of its protocol 3.0, with a pool of connections.
 *
 * One database, which the settings postgres.* name. A connection is on loan from pg_get() to
 * pg_put(). All that is marked "waits" waits until the loan's deadline at most, and then returns
 * -ETIMEDOUT; the pool cancels on the server what still runs there.
 *
 * Errors: the server's by SQLSTATE: -EEXIST 23505 there is one already, -EINVAL classes 22 and 23:
 * the data, -EAGAIN classes 40 and 55: try the transaction again, -ETIMEDOUT 57014 cancelled,
 * -EACCES class 28, -EPERM 42501, -EBUSY classes 53 and 57: out of something, going down, -EIO all
 * others; pg_error() has the words. Besides these what net/sock.h says, -EPROTO the server broke
 * the protocol, -EMSGSIZE its message is larger than postgres.message, -ENOMEM. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "kernel/config.h"

struct pg;

/* ---- Settings, and the pool ---- */

enum pg_auth { PG_AUTH_NONE, PG_AUTH_PASSWORD, PG_AUTH_MD5, PG_AUTH_SCRAM };

extern struct pg_settings {
	char host[256], user[64], database[64], password[128];
	uint32_t port, min, max, idle_s, message;
	enum pg_auth auth;             /* the weakest that is good enough */
	bool verify;                   /* sslmode is verify-full */
} pg_settings;

/* The entries of the app's table: SETTINGS(PG_SETTINGS), with TLS_SETTINGS (net/tls.h) for
 * sslmode=verify-full. */
#define PG_SETTINGS \
	{ .key = "postgres.host", .type = SETTING_STRING, .value = pg_settings.host, \
	  .max = sizeof(pg_settings.host), .expected = "a name or an address" }, \
	{ .key = "postgres.port", .type = SETTING_U32, .value = &pg_settings.port, .min = 1, \
	  .max = 65535, .expected = "a port, 1 to 65535" }, \
	{ .key = "postgres.user", .type = SETTING_STRING, .value = pg_settings.user, \
	  .max = sizeof(pg_settings.user) }, \
	{ .key = "postgres.database", .type = SETTING_STRING, .value = pg_settings.database, \
	  .max = sizeof(pg_settings.database) }, \
	{ .key = "postgres.password", .type = SETTING_CHECKED, .check = pg_set_password, \
	  .expected = "up to 127 printable ASCII characters", .secret = true }, \
	{ .key = "postgres.auth", .type = SETTING_CHECKED, .check = pg_set_auth, \
	  .expected = "scram, md5, password or none: the weakest that is good enough" }, \
	{ .key = "postgres.sslmode", .type = SETTING_CHECKED, .check = pg_set_sslmode, \
	  .expected = "disable, or verify-full: TLS by net/tls.h" }, \
	{ .key = "postgres.min", .boot = true, .type = SETTING_U32, \
	  .value = &pg_settings.min, .max = 256, .expected = "connections, 0 to 256" }, \
	{ .key = "postgres.max", .boot = true, .type = SETTING_U32, \
	  .value = &pg_settings.max, .min = 1, .max = 256, .expected = "connections, 1 to 256" }, \
	{ .key = "postgres.idle", .type = SETTING_U32, .value = &pg_settings.idle_s, .min = 1, \
	  .max = 86400, .expected = "seconds, 1 to 86400" }, \
	{ .key = "postgres.message", .type = SETTING_U32, .value = &pg_settings.message, \
	  .min = 4096, .max = 64u << 20, .expected = "bytes, 4096 to 67108864" }
int pg_set_password(const char *value);
int pg_set_auth(const char *value);
int pg_set_sslmode(const char *value);

/* In app_main(): makes the pool of postgres.max connections and the task that keeps
 * postgres.min of them open. */
void pg_start(void);

/* Lends a connection until pg_put(), to those who ask in turn; opens one where none is idle.
 * 0 and *c; -EBUSY: all were lent until the deadline; or why none can be opened. Waits. */
int pg_get(struct pg **c, ktime deadline);

/* Gives it back, in whatever state: what runs is cancelled, a transaction rolled back, all later.
 * NULL: nothing. Never waits. */
void pg_put(struct pg *c);

/* Another deadline for this loan. */
void pg_deadline(struct pg *c, ktime deadline);

/* What there is to say of the last error. Until the next call for c. */
const struct pg_error *pg_error(const struct pg *c);
struct pg_error {
	char sqlstate[6];              /* "23505"; "" when it was not the server's */
	char message[122];             /* cut to fit, printable; so is the next */
	char constraint[64];
	bool fatal;                    /* the server ends the connection */
};

/* What to tell a client of one's own (RFC 9110 §15): 409 for -EEXIST, 400 for -EINVAL and -ERANGE,
 * 503 where a later try may do, 504, 502; and in words. */
unsigned pg_status(int err);
const char *pg_reason(int err);

/* ---- Parameters and destinations: one function per type of SQL ---- */

enum pg_kind {
	PG_NULL, PG_BOOL, PG_INT2, PG_INT4, PG_INT8, PG_FLOAT4, PG_FLOAT8, PG_NUMERIC, PG_TEXT,
	PG_BYTEA, PG_JSON, PG_TIMESTAMPTZ, PG_UUID, PG_ARRAY, PG_KINDS,
};

struct pg_uuid { uint8_t byte[16]; };
struct pg_bytes { const void *data; size_t len; };

/* A parameter, $1 and so on; what it points to must last until the call returns. */
struct pg_arg {
	enum pg_kind kind, of;         /* of: what an array holds */
	size_t n;                      /* bytes, or elements */
	union {
		int64_t i;
		double f;
		const void *p;
	};
};

#define PG_ARG(name, KIND, type, member) \
	static inline struct pg_arg pg_##name(type v) \
	{ \
		return (struct pg_arg){ .kind = KIND, .member = v }; \
	}
PG_ARG(bool, PG_BOOL, bool, i)
PG_ARG(int2, PG_INT2, int16_t, i)
PG_ARG(int4, PG_INT4, int32_t, i)
PG_ARG(int8, PG_INT8, int64_t, i)
PG_ARG(float4, PG_FLOAT4, float, f)
PG_ARG(float8, PG_FLOAT8, double, f)
PG_ARG(timestamptz, PG_TIMESTAMPTZ, int64_t, i)         /* Unix time in microseconds */
#undef PG_ARG

static inline struct pg_arg pg_null(void)
{
	return (struct pg_arg){ .kind = PG_NULL };
}

/* Text, NULL where it is NULL: the type is what the statement takes in that place. */
struct pg_arg pg_text(const char *text);
/* A decimal number of any length, as text. */
struct pg_arg pg_numeric(const char *digits);
struct pg_arg pg_json(const char *json, size_t len);

static inline struct pg_arg pg_bytea(const void *data, size_t len)
{
	return (struct pg_arg){ .kind = PG_BYTEA, .n = len, .p = data };
}

static inline struct pg_arg pg_uuid(const struct pg_uuid *id)
{
	return (struct pg_arg){ .kind = id ? PG_UUID : PG_NULL, .p = id };
}

/* An array of one dimension: n elements of this kind, or pg_null(). */
static inline struct pg_arg pg_array(enum pg_kind of, const struct pg_arg *elements, size_t n)
{
	return (struct pg_arg){ .kind = PG_ARRAY, .of = of, .n = n, .p = elements };
}

/* An array that has come, elements of all dimensions in a row; pg_element() goes through it. */
struct pg_array {
	unsigned n;                    /* elements left */
	uint32_t type;                 /* their OID */
	const uint8_t *p, *end;
};

/* Where a column's value goes. */
struct pg_into {
	enum pg_kind kind;
	void *p;
	size_t size;                   /* of a buffer */
	bool *null;
};

#define PG_TO(name, KIND, type) \
	static inline struct pg_into pg_to_##name(type *v) \
	{ \
		return (struct pg_into){ .kind = KIND, .p = v }; \
	}
PG_TO(bool, PG_BOOL, bool)
/* int2, int4 and int8 go into any of these that the value fits, else -ERANGE. */
PG_TO(int2, PG_INT2, int16_t)
PG_TO(int4, PG_INT4, int32_t)
PG_TO(int8, PG_INT8, int64_t)
PG_TO(float4, PG_FLOAT4, float)
PG_TO(float8, PG_FLOAT8, double)                        /* float4 as well */
/* All that comes as text: text and its like, json, numeric, and every type not named here (date,
 * interval, enumerations). With a NUL, until the next call for this connection; NULL for NULL. */
PG_TO(text, PG_TEXT, const char *)
/* For as long as text; data is NULL for NULL. */
PG_TO(bytea, PG_BYTEA, struct pg_bytes)
/* Unix time in microseconds; INT64_MAX and INT64_MIN for infinity. */
PG_TO(timestamptz, PG_TIMESTAMPTZ, int64_t)
PG_TO(uuid, PG_UUID, struct pg_uuid)
PG_TO(array, PG_ARRAY, struct pg_array)
#undef PG_TO

/* Into a buffer, with a NUL; -ERANGE: it is longer. For elements of numeric[]. */
static inline struct pg_into pg_to_numeric(char *buf, size_t size)
{
	return (struct pg_into){ .kind = PG_NUMERIC, .p = buf, .size = size };
}

/* A destination that may meet NULL, which is else -ENODATA: *null says so, and its variable is
 * left as it is. */
static inline struct pg_into pg_or_null(struct pg_into into, bool *null)
{
	into.null = null;
	return into;
}

/* The next element: 1, 0 at the end, or as pg_row(). Never waits. */
int pg_element(struct pg_array *a, struct pg_into into);

#define PG_LIST(type, ...) \
	(const struct type[]){ __VA_ARGS__ }, \
	sizeof((const struct type[]){ __VA_ARGS__ }) / sizeof(struct type)

/* ---- Queries ------------------------------------------------------------------------------
 * A query's text is prepared once on each connection, and then one exchange. What is left of an
 * earlier query's results is read and dropped first. */

/* Runs one: pg_query(c, "... WHERE id = $1 AND name = $2", pg_int4(id), pg_text(name)). 0 once its
 * first row or its end is there, or -errno. Waits. */
#define pg_query(c, sql, ...) pg_query_args(c, sql, PG_LIST(pg_arg, __VA_ARGS__))
int pg_query_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n);

/* The next row into these destinations, one for each column from the left on; more columns than
 * that are passed over: pg_row(c, pg_to_int4(&id), pg_to_text(&name)). 1; 0: there are no more;
 * -ENODATA: NULL where none is expected, -EDOM: a column is of another type, or missing, -ERANGE,
 * after which the next row can be read, and pg_error() names the column; or -errno. Waits. */
#define pg_row(c, ...) pg_row_into(c, PG_LIST(pg_into, __VA_ARGS__))
int pg_row_into(struct pg *c, const struct pg_into *into, size_t n);

/* Rows that the statement at hand inserted, changed, deleted or gave, once it has ended. */
int64_t pg_affected(const struct pg *c);

/* Many in one exchange: each is added, then all are run, in one transaction unless c is in one.
 * pg_add() does not send: -ENOBUFS: enough for once, run these first. It waits where the text is
 * yet to be prepared. pg_run() is 0 when the first one's results begin; pg_next() goes on to the
 * next one's, 1, until there are no more, 0. An error is the end of all. Both wait. */
#define pg_add(c, sql, ...) pg_add_args(c, sql, PG_LIST(pg_arg, __VA_ARGS__))
int pg_add_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n);
int pg_run(struct pg *c);
int pg_next(struct pg *c);

/* Statements without parameters, separated by semicolons, by the simple protocol: all comes as
 * text, which goes into text, numbers and truth values. As pg_run(). Waits. */
int pg_simple(struct pg *c, const char *sql);

/* In a transaction: a query whose rows are fetched some at a time, with other queries in between.
 * One for each connection. pg_fetch() is followed by pg_row()s, and pg_more() then tells whether
 * there may be more. -EINVAL: no transaction, no cursor. All but pg_more() wait. */
#define pg_cursor(c, sql, ...) pg_cursor_args(c, sql, PG_LIST(pg_arg, __VA_ARGS__))
int pg_cursor_args(struct pg *c, const char *sql, const struct pg_arg *args, size_t n);
int pg_fetch(struct pg *c, uint32_t rows);
bool pg_more(const struct pg *c);
int pg_cursor_close(struct pg *c);

/* ---- COPY and NOTIFY ---- */

/* "COPY t FROM STDIN": then pieces of any size, of what the statement's format says, and the end:
 * 0, pg_affected() rows; or -errno. -EINVAL: no such statement. All wait. */
int pg_copy_in(struct pg *c, const char *sql);
int pg_copy_write(struct pg *c, const void *data, size_t len);
int pg_copy_end(struct pg *c);

/* "COPY t TO STDOUT": then pieces, a row each, valid until the next call: 1; 0: the end. Wait. */
int pg_copy_out(struct pg *c, const char *sql);
int pg_copy_read(struct pg *c, struct pg_bytes *piece);

/* Hears of NOTIFY on this channel, a name as it stands, until c is given back. Waits. */
int pg_listen(struct pg *c, const char *channel);

/* The next notification, valid until the next call: 0 or -errno. Waits. */
int pg_notification(struct pg *c, const char **channel, const char **payload);
