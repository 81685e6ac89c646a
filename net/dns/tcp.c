/* SPDX-License-Identifier: MIT */
/* One question and its answer on a connection of their own (RFC 7766 §8: a length before each). */
#include "net/dns/tcp.h"

#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/dns/message.h"
#include "net/port/bytes.h"
#include "net/stream.h"

#define PORT 53
#define PREFIX 2u
#define CUT 0x02                       /* in the third byte of a message */

struct dns_exchange {
	struct stream *s;
	dns_done *done;
	void *arg;
	bool asked;
	size_t query_len, got;
	uint8_t query[PREFIX + DNS_QUERY_MAX];
	uint8_t answer[PREFIX + DNS_TCP_MAX];
};

static struct pool pool;

static void finish(struct dns_exchange *x, size_t len)
{
	x->done(x->arg, x, x->answer + PREFIX, len);
	pool_put(&pool, x);
}

/* Takes what has come: the length of the answer once it is there, or all of it that is kept. */
static size_t take(struct dns_exchange *x)
{
	const uint8_t *data;
	size_t n, len;

	while ((n = stream_peek(x->s, &data)) > 0 && x->got < sizeof(x->answer)) {
		n = MIN(n, sizeof(x->answer) - x->got);
		memcpy(x->answer + x->got, data, n);
		x->got += n;
		stream_consume(x->s, n);
	}
	if (x->got < PREFIX)
		return 0;
	len = be16(x->answer);
	if (len > DNS_TCP_MAX) {
		x->answer[PREFIX + 2] |= CUT;
		len = DNS_TCP_MAX;
	}
	return x->got >= PREFIX + len ? len : 0;
}

static void ready(void *conn)
{
	struct dns_exchange *x = conn;
	size_t len;

	x->asked = x->asked || stream_write(x->s, x->query, x->query_len, STREAM_COPY) ==
			       x->query_len;
	len = take(x);
	if (len == 0 && !stream_ended(x->s)) {
		stream_expect(x->s);
		return;
	}
	stream_close(x->s);
	finish(x, len);
}

static void gone(void *conn, int why)
{
	finish(conn, 0);
}

static const struct stream_ops ops = { .ready = ready, .gone = gone };

struct dns_exchange *dns_tcp_ask(const struct addr *server, const uint8_t *query, size_t len,
				 dns_done *done, void *arg)
{
	struct endpoint to = { *server, PORT };
	struct dns_exchange *x;

	if (!pool.size)
		pool_init(&pool, "dns_tcp", sizeof(*x), BUDGET_DNS_TCP);
	x = pool_get(&pool);
	if (!x)
		return NULL;
	x->done = done;
	x->arg = arg;
	x->asked = false;
	x->got = 0;
	x->query_len = PREFIX + len;
	store16(x->query, __builtin_bswap16((uint16_t)len));
	memcpy(x->query + PREFIX, query, len);
	if (stream_connect(&x->s, &to, &ops, x) < 0) {
		pool_put(&pool, x);
		return NULL;
	}
	return x;
}

void dns_tcp_cancel(struct dns_exchange *x)
{
	stream_abort(x->s);
	pool_put(&pool, x);
}
