/* SPDX-License-Identifier: MIT */
/* sources: net/postgres/conn.c net/postgres/connect.c net/postgres/copy.c net/postgres/error.c
 * net/postgres/message.c net/postgres/none/auth.c net/postgres/notify.c net/postgres/numeric.c
 * net/postgres/query.c net/postgres/secure.c net/postgres/settings.c net/postgres/statement.c
 * net/postgres/types.c */
/* libFuzzer: a whole connection of net/postgres whose server says anything, in pieces of any size:
 * every call comes to an end, reads nothing beyond what came, and frees what it took. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOGON "R\0\0\0\10\0\0\0\0" "K\0\0\0\14\0\0\0\1\0\0\0\2" "Z\0\0\0\5I"
#define PREPARED "1\0\0\0\4" "t\0\0\0\6\0\0"

/* ---- The server, and the kernel ---- */

static const uint8_t *at, *end;
static size_t piece;
static struct endpoint nobody;

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

ktime clock_now(void)
{
	return 1;
}

ktime clock_after_ms(int64_t ms)
{
	return MILLIS(ms);
}

const char *addr_text(char buf[ADDR_TEXT], const struct addr *a)
{
	return strcpy(buf, "none");
}

int sock_connect(struct sock **s, const char *host, uint16_t port, ktime deadline)
{
	*s = (struct sock *)&nobody;
	return 0;
}

long sock_read(struct sock *s, void *buf, size_t len, ktime deadline)
{
	size_t n = MIN(MIN(len, piece), (size_t)(end - at));

	assert(len > 0);
	memcpy(buf, at, n);
	at += n;
	return (long)n;
}

unsigned sock_ready(struct sock *s, unsigned want)
{
	return want & SOCK_READ ? SOCK_READ : want;
}

int sock_write(struct sock *s, const void *data, size_t len, ktime deadline)
{
	return 0;
}

long sock_write_some(struct sock *s, const void *data, size_t len)
{
	return (long)len;
}

const struct endpoint *sock_peer(const struct sock *s)
{
	return &nobody;
}

int sock_start_tls(struct sock *s, const char *host, const char *alpn, ktime deadline)
{
	return 0;
}

void sock_close(struct sock *s) {}
void sock_abort(struct sock *s) {}

/* ---- What an author does ---- */

/* Reads all rows, each into other destinations. */
static int rows(struct pg *c)
{
	int64_t i8;
	int32_t i4;
	double f8;
	bool b, null;
	const char *text;
	char number[40];
	struct pg_bytes bytes;
	struct pg_uuid id;
	struct pg_array array;
	const struct pg_into into[] = {
		pg_to_int8(&i8), pg_to_text(&text), pg_to_array(&array), pg_to_bytea(&bytes),
		pg_to_numeric(number, sizeof(number)), pg_to_uuid(&id), pg_to_float8(&f8),
		pg_to_bool(&b), pg_to_timestamptz(&i8), pg_or_null(pg_to_int4(&i4), &null),
	};
	unsigned first = 0;
	int e;

	do {
		array.n = 0;
		e = pg_row_into(c, into + first, 1 + first % 3);
		while (e == 1 && array.n > 0 && pg_element(&array, pg_to_text(&text)) == 1)
			assert(!text || strlen(text) < 1u << 20);
		first = (first + 1) % (ARRAY_LEN(into) - 3);
	} while (e == 1 || e == -EDOM || e == -ERANGE || e == -ENODATA);
	return e;
}

static void all_results(struct pg *c, int e)
{
	while (e >= 0 && rows(c) == 0 && (e = pg_next(c)) == 1)
		;
}

static void cursor(struct pg *c)
{
	int e = pg_query(c, "BEGIN");

	if (e == 0)
		e = pg_cursor(c, "SELECT n FROM t WHERE n > $1", pg_int4(1));
	while (e == 0 && pg_fetch(c, 10) == 0 && rows(c) == 0 && pg_more(c))
		;
	pg_cursor_close(c);
}

static void copies(struct pg *c)
{
	struct pg_bytes bytes;

	if (pg_copy_in(c, "COPY t FROM STDIN") == 0 && pg_copy_write(c, "1\n", 2) == 0)
		pg_copy_end(c);
	if (pg_copy_out(c, "COPY t TO STDOUT") == 0)
		while (pg_copy_read(c, &bytes) == 1)
			assert(bytes.len <= pg_settings.message);
}

static void pipeline(struct pg *c)
{
	for (int i = 0; i < 5; i++)
		if (pg_add(c, i % 2 ? "SELECT $1" : "SELECT 1 + $1", pg_int4(i)) < 0)
			return;
	all_results(c, pg_run(c));
}

static void listen(struct pg *c)
{
	const char *channel, *payload;

	if (pg_listen(c, "a\"b") < 0)
		return;
	while (pg_notification(c, &channel, &payload) == 0)
		assert(strlen(channel) + strlen(payload) < pg_settings.message);
}

static void use(struct pg *c, unsigned how)
{
	switch (how % 8) {
	case 0:
		all_results(c, pg_query(c, "SELECT $1", pg_text("a")));
		break;
	case 1:
		all_results(c, pg_simple(c, "SELECT 1; SELECT 2"));
		break;
	case 2:
		cursor(c);
		break;
	case 3:
		copies(c);
		break;
	case 4:
		pipeline(c);
		break;
	case 5:
		listen(c);
		break;
	case 6:
		pg_query(c, "SELECT 1");        /* and its rows are left */
		break;
	default:
		pg_settle_now(c);
	}
}

/* Where the server begins to say what it likes: at once, after the log-on, or after that and what
 * prepares a statement. */
static uint8_t *script(unsigned from, const uint8_t *data, size_t size)
{
	size_t head = from == 0 ? 0 : sizeof(LOGON) - 1, more = from > 1 ? sizeof(PREPARED) - 1 : 0;
	uint8_t *copy = malloc(head + more + size + 1);

	memcpy(copy, LOGON, head);
	memcpy(copy + head, PREPARED, more);
	memcpy(copy + head + more, data, size);
	at = copy;
	end = copy + head + more + size;
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pg *c;
	uint8_t *copy;

	if (size < 2)
		return 0;
	pg_settings.auth = PG_AUTH_NONE;
	pg_settings.message = 16384;
	piece = 1 + data[1];
	copy = script(data[0] >> 6, data + 2, size - 2);
	c = malloc(sizeof(*c));
	if (pg_open(c, FOREVER) == 0) {
		use(c, data[0]);
		use(c, data[0] >> 3);
		pg_settle(c);
		pg_close(c);
	}
	free(c);
	free(copy);
	return 0;
}
