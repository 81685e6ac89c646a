/* SPDX-License-Identifier: MIT */
/* sources: net/dns/tcp.c kernel/pool.c tests/unit/fake_kernel.c */
/* net/dns/tcp.h: a question that the stream does not take at once is put again, and once. */
#include "net/dns/tcp.h"

#include <string.h>

#include "net/stream.h"
#include "tests/unit/fake_kernel.h"

static const uint8_t question[] = "question", reply[] = "\0\6answer";
static const struct stream_ops *ops;
static const struct stream_io io;
static struct stream stream = { .io = &io };
static struct dns_exchange *conn;
static bool takes, replied;
static unsigned written, answered;

static size_t peek(struct stream *s, const uint8_t **data)
{
	*data = reply;
	return replied ? sizeof(reply) - 1 : 0;
}

static void consume(struct stream *s, size_t n)
{
	assert_int_equal(n, sizeof(reply) - 1);
	replied = false;
}

static bool ended(struct stream *s)
{
	return false;
}

static size_t write(struct stream *s, const void *data, size_t len, unsigned flags)
{
	assert_int_equal(len, 2 + sizeof(question));
	assert_memory_equal((const uint8_t *)data + 2, question, sizeof(question));
	written += takes;
	return takes ? len : 0;
}

static void end(struct stream *s)
{
}

static const struct stream_io io = {
	.peek = peek, .consume = consume, .ended = ended, .write = write, .close = end,
};

void *mem_take(size_t len)
{
	static _Alignas(4096) uint8_t slab[65536];
	static size_t used;

	used += len;
	assert_true(used <= sizeof(slab));
	return slab + used - len;
}

int stream_connect(struct stream **s, const struct endpoint *to, const struct stream_ops *its_ops,
		   void *its_conn)
{
	*s = &stream;
	ops = its_ops;
	conn = its_conn;
	return 0;
}

void stream_expect(struct stream *s)
{
}

static void done(void *arg, struct dns_exchange *x, const uint8_t *message, size_t len)
{
	assert_int_equal(len, 6);
	assert_memory_equal(message, "answer", 6);
	answered++;
}

static void test_short_write(void **state)
{
	static const struct addr server;

	assert_non_null(dns_tcp_ask(&server, question, sizeof(question), done, NULL));
	ops->ready(conn);
	assert_int_equal(written, 0);
	takes = true;
	ops->ready(conn);
	ops->ready(conn);
	assert_int_equal(written, 1);
	replied = true;
	ops->ready(conn);
	assert_int_equal(answered, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_short_write) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
