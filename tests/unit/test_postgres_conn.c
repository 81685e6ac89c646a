/* SPDX-License-Identifier: MIT */
/* sources: net/postgres/conn.c net/postgres/error.c net/postgres/message.c
 * tests/unit/fake_kernel.c */
/* net/postgres/conn.c: messages in and out of a connection's buffers. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/postgres/impl.h"

#define LARGE 20000u                   /* bytes of a message */

struct counter pg_counters[PG_N];
struct pg_settings pg_settings = { .message = 65536 };

/* ---- The server: what it has said, and how much of it was read ---- */

static uint8_t said[2 * LARGE];
static size_t len, at;

long sock_read(struct sock *s, void *buf, size_t room, ktime deadline)
{
	size_t n = MIN(room, len - at);

	memcpy(buf, said + at, n);
	at += n;
	return (long)n;
}

unsigned sock_ready(struct sock *s, unsigned want)
{
	return at < len ? want : 0;
}

int sock_write(struct sock *s, const void *data, size_t n, ktime deadline)
{
	return 0;
}

static void say(char type, const void *data, size_t n)
{
	struct pg_out out = { .max = sizeof(said) };

	pg_out_begin(&out, type);
	pg_out_bytes(&out, data, n);
	pg_out_end(&out);
	memcpy(said + len, out.data, out.len);
	len += out.len;
	free(out.data);
}

/* Every notification is malformed. */
void pg_notice_add(struct pg *c, struct pg_in body)
{
	pg_dead(c, -EPROTO);
}

static void end(struct pg *c)
{
	free(c->in);
	free(c->out.data);
	len = at = 0;
}

/* ---- Tests ---- */

static void gives_back(void **state)
{
	static const uint8_t row[LARGE];
	struct pg c = { .state = PG_BUSY, .out.max = 65536 };
	struct pg_in body;

	say(PG_DATA_ROW, row, sizeof(row));
	say(PG_READY, "I", 1);
	pg_out_bytes(&c.out, row, sizeof(row));
	assert_int_equal(pg_send(&c), 0);
	assert_int_equal(pg_read(&c, &body), PG_DATA_ROW);
	assert_int_equal(body.end - body.p, sizeof(row));
	assert_int_equal(pg_read(&c, &body), PG_READY);
	assert_int_equal(pg_ready(&c, body), 0);
	assert_true(c.cap > LARGE && c.out.cap >= LARGE);
	pg_slim(&c);
	assert_int_equal(c.cap, 0);
	assert_int_equal(c.out.cap, 0);
	assert_int_equal(pg_read_now(&c, &body), -EAGAIN);      /* and it goes on */
	say(PG_READY, "T", 1);
	assert_int_equal(pg_read(&c, &body), PG_READY);
	assert_int_equal(pg_ready(&c, body), 0);
	assert_int_equal(c.tx, 'T');
	end(&c);
}

static void keeps_what_waits(void **state)
{
	static const uint8_t row[LARGE];
	struct pg c = { .state = PG_BUSY, .out.max = 65536 };
	struct pg_in body;

	say(PG_DATA_ROW, row, sizeof(row));
	say(PG_READY, "I", 1);
	assert_int_equal(pg_read(&c, &body), PG_DATA_ROW);
	pg_slim(&c);
	assert_int_equal(pg_read(&c, &body), PG_READY);
	end(&c);
}

static void dies_once(void **state)
{
	struct pg c = { .state = PG_BUSY, .out.max = 65536 };
	struct pg_in body;

	say(PG_NOTIFICATION, "", 0);
	say(PG_READY, "I", 1);
	assert_int_equal(pg_read(&c, &body), -EPROTO);
	assert_int_equal(pg_read(&c, &body), -EPROTO);
	assert_int_equal(c.state, PG_DEAD);
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back), cmocka_unit_test(keeps_what_waits),
		cmocka_unit_test(dies_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
