/* SPDX-License-Identifier: MIT */
/* What the files of net/postgres share: a connection and who does what with it.
 *
 *	message.c, types.c, numeric.c	bytes of the protocol, pure
 *	auth.c				proofs of the password
 *	connect.c			from an address to a connection that is ready
 *	conn.c				messages in and out
 *	error.c				SQLSTATE, errno, HTTP status
 *	statement.c			what is prepared on a connection
 *	query.c, copy.c, notify.c	what an author asks of it
 *	pool.c				who has which, and for how long
 *	settings.c			postgres.*, counters
 */
#pragma once

#include "kernel/counter.h"
#include "kernel/task.h"
#include "net/postgres.h"
#include "net/postgres/auth.h"
#include "net/postgres/message.h"
#include "net/sock.h"

enum pg_state {
	PG_IDLE,                       /* the server waits for us */
	PG_BUSY,                       /* results are to come */
	PG_COPYING_IN, PG_COPYING_OUT,
	PG_DEAD,                       /* only good for pg_close() */
};

#define PG_STATEMENTS 32u              /* prepared on one connection */
#define PG_PIPELINE 128u               /* queries under way at once */
/* And bytes of them: as much as the server's socket takes while it writes results. */
#define PG_PIPELINE_BYTES 16384u
#define PG_NAME 12u                    /* bytes of a statement's name */

struct pg_statement {
	struct pg_statement *next;     /* the one used before it */
	struct pg_columns *columns;    /* NULL: it has none */
	uint32_t hash;
	uint32_t name;
	bool retired;
	unsigned args;
	uint32_t *types;               /* of its args */
	char *sql;
};

struct pg_notice {                     /* a notification that waits for its reader */
	struct pg_notice *next;
	size_t channel_len;
	char text[];                   /* channel, NUL, payload, NUL */
};

struct pg {
	struct sock *sock;
	ktime deadline;                /* of the loan */
	ktime idle_since;
	enum pg_state state;
	int why;                       /* it is dead: -errno */
	char tx;                       /* as ReadyForQuery says: Idle, in a T., Error in it */
	bool listening;
	uint32_t pid, key;             /* for a cancellation */
	struct pg *next;               /* in the pool's list */

	uint8_t *in;                   /* what has arrived: [start, end) of cap */
	size_t start, end, cap;
	size_t taken;                  /* bytes of the message at the front that was given out */
	struct pg_out out;

	struct pg_statement *statements, *cursor;       /* most recently used first */
	unsigned statement_count;
	uint32_t names;

	struct pg_statement *queue[PG_PIPELINE];        /* what results are of, in order */
	unsigned queued, at;
	bool simple;                   /* results come without anything having been prepared */
	struct pg_columns *columns;    /* and this is what they are made of */
	bool has_row, ended, suspended;
	bool stale;                    /* what was prepared is no good any more: try again */
	struct pg_in row;
	int64_t affected;

	struct pg_notice *notices, **notices_end;
	struct pg_notice *notice_out;  /* with the author, until the next call */
	unsigned notice_count;
	struct pg_error error;
};

/* ---- settings.c, counted there ---- */

enum {
	PG_N_CONNECTED, PG_N_CONNECT_FAILED, PG_N_LOST, PG_N_QUERIES, PG_N_PREPARED, PG_N_ERRORS,
	PG_N_TIMEOUTS, PG_N_CANCELLED, PG_N_BUSY, PG_N_NOTICES_DROPPED, PG_N,
};
extern struct counter pg_counters[PG_N];
#define PG_COUNT(which) (pg_counters[which].n++)

/* ---- connect.c ---- */

/* Connects and logs on; says on the console why that failed, once a second at most. `c` is
 * cleared memory; on failure nothing is left in it. 0 or -errno. Waits. */
int pg_open(struct pg *c, ktime deadline);
/* secure.c. What postgres.sslmode asks for, on a new connection: 0; -EACCES: the server has no TLS,
 * or is not whom postgres.host names; or -errno. Waits. */
int pg_secure(struct sock *s, ktime deadline);

/* Ends it, and frees all that it holds but itself. Never waits. */
void pg_close(struct pg *c);

/* Asks the server to end what runs on c, and waits until it has taken note: 0 or -errno. */
int pg_cancel_running(const struct pg *c, ktime deadline);

/* ---- conn.c ---- */

/* The next message that is for the caller, in place until the next call. Its type, or -errno;
 * the connection is dead unless that is -ETIMEDOUT or -ECANCELED. Waits. */
int pg_read(struct pg *c, struct pg_in *body);
/* The same, -EAGAIN when none is whole yet. Never waits for bytes. An idle connection also gives
 * PG_NOTIFICATION, once it has been added. */
int pg_read_now(struct pg *c, struct pg_in *body);
/* The next pg_read() gives the last message again. */
void pg_unread(struct pg *c);

/* Sends c->out and empties it: 0 or -errno, when the connection is dead. Waits. */
int pg_send(struct pg *c);

/* Lets go of what large messages took; c is idle, and no row of it is in use. */
void pg_slim(struct pg *c);

/* Marks it dead: returns `why`. */
int pg_dead(struct pg *c, int why);

/* Takes an ErrorResponse: its errno. */
int pg_failed(struct pg *c, struct pg_in body);

/* Takes a ReadyForQuery: 0, or -EPROTO. */
int pg_ready(struct pg *c, struct pg_in body);

/* Keeps a notification, if there is room; frees all. */
void pg_notice_add(struct pg *c, struct pg_in body);
void pg_notices_free(struct pg *c);

/* ---- error.c ---- */

/* Of an SQLSTATE (net/postgres.h). */
int pg_errno(const struct pg_error *e);

/* ---- statement.c ---- */

/* The statement prepared for this text and these types of parameters, in *s; prepares it if it
 * must, when c->out may hold messages that are yet to be sent. 0 or -errno. Waits. */
int pg_prepare(struct pg *c, const char *sql, const struct pg_arg *args, unsigned n,
	       struct pg_statement **s);
/* It is no good any more: found by nobody, and closed on the server with what is prepared next. */
void pg_statement_retire(struct pg *c, struct pg_statement *s);
void pg_statements_free(struct pg *c);
const char *pg_statement_name(const struct pg_statement *s, char buf[PG_NAME]);

/* ---- query.c ---- */

/* Reads and drops what is left of results, and ends a COPY: 0, when c is idle, or -errno.
 * Waits; pg_settle_now() does not, and says -EAGAIN. */
int pg_settle(struct pg *c);
int pg_settle_now(struct pg *c);

/* copy.c: ends a COPY to the server, which is told why. */
int pg_copy_fail(struct pg *c, const char *why);

/* A statement without parameters, as it stands: 0 or -errno. Waits. */
int pg_command(struct pg *c, const char *sql);
