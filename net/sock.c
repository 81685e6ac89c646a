/* SPDX-License-Identifier: MIT */
/* Sockets (net/sock.h) over client streams: the loop's calls become events that tasks wait for.
 *
 * Nothing is buffered here: input lies in the stream until it is read, which is what opens the
 * peer's window, and a write ends when the stream has taken it all. One task may read while
 * another writes.
 *
 * Outside: net/stream.h's streams; the pool is made with the first sock. */
#include "net/sock.h"

#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/net.h"
#include "net/port/port.h"
#include "net/stream.h"
#include "net/tls.h"

struct sock {
	struct stream *stream;         /* NULL once it has died */
	struct event readable, writable;
	struct event *watcher;
	struct endpoint peer;
	int error;                     /* 0, -EINPROGRESS, or why it died */
	bool shut;
	bool full;                     /* a write was short: ready() says when more fits */
};

static struct pool pool;

/* ---- Called by the loop ----------------------------------------------------- */

static void changed(struct sock *s)
{
	event_signal(&s->readable);
	event_signal(&s->writable);
	if (s->watcher)
		event_signal(s->watcher);
}

static void on_ready(void *conn)
{
	struct sock *s = conn;

	s->error = 0;
	s->full = false;
	changed(s);
}

static void on_gone(void *conn, int why)
{
	struct sock *s = conn;

	s->stream = NULL;
	s->error = why;
	changed(s);
}

static const struct stream_ops ops = { .ready = on_ready, .gone = on_gone };

/* What was queued for the network by this task is looked at. */
static void kick(void)
{
	if (!net_in_loop())
		net_kick();
}

/* ---- Beginning and end --------------------------------------------------------- */

int sock_connect_start(struct sock **sock, const struct endpoint *to)
{
	struct sock *s;
	int err;

	if (!pool.size)
		pool_init(&pool, "net_sock", sizeof(struct sock), port_limits.clients);
	s = pool_get(&pool);
	if (!s)
		return -ENOMEM;
	*s = (struct sock){ .peer = *to, .error = -EINPROGRESS };
	err = stream_connect(&s->stream, to, &ops, s);
	if (err < 0) {
		pool_put(&pool, s);
		return err;
	}
	kick();
	*sock = s;
	return 0;
}

static int connect_to(struct sock **sock, const struct endpoint *to, ktime deadline)
{
	struct sock *s;
	int err = sock_connect_start(&s, to);

	if (err < 0)
		return err;
	err = sock_wait(s, SOCK_WRITE, deadline);
	if (err > 0)
		err = s->error;
	if (err < 0) {
		sock_abort(s);
		return err;
	}
	*sock = s;
	return 0;
}

/* Each address gets its share of the time that is left. */
int sock_connect(struct sock **sock, const char *host, uint16_t port, ktime deadline)
{
	struct addr list[BUDGET_DNS_ADDRS];
	int n = net_resolve_all(host, list, deadline), err = n;

	deadline = task_deadline(deadline);
	for (int i = 0; i < n; i++) {
		struct endpoint to = { list[i], port };
		ktime now = clock_now(), share = deadline;

		if (deadline != FOREVER && deadline > now)
			share = now + (deadline - now) / (n - i);
		err = connect_to(sock, &to, share);
		if (err == 0 || err == -ECANCELED || err == -ENOMEM)
			break;
	}
	return err;
}

/* Nothing of it is used any more. */
static int give_up(struct sock *s, int why)
{
	if (s->stream) {
		stream_abort(s->stream);
		kick();
	}
	s->stream = NULL;
	s->error = why;
	return why;
}

int sock_start_tls(struct sock *s, const char *host, const char *alpn, ktime deadline)
{
	struct stream *session;
	int err = s->error;

	if (err == 0)
		err = tls_connect(&session, s->stream, host, alpn, &ops, s);
	if (err < 0)
		return give_up(s, err);
	s->stream = session;
	s->error = -EINPROGRESS;
	s->full = false;
	err = sock_wait(s, SOCK_WRITE, deadline);
	if (err > 0)
		err = s->error;
	return err < 0 ? give_up(s, err) : 0;
}

static void release(struct sock *s)
{
	ASSERT(!s->readable.waiter && !s->writable.waiter);
	pool_put(&pool, s);
}

void sock_abort(struct sock *s)
{
	if (s->stream) {
		stream_abort(s->stream);
		kick();
	}
	release(s);
}

void sock_close(struct sock *s)
{
	if (s->error == -EINPROGRESS || !s->stream) {
		sock_abort(s);
		return;
	}
	stream_close(s->stream);
	kick();
	release(s);
}

void sock_shutdown(struct sock *s)
{
	s->shut = true;
	if (s->stream && s->error == 0) {
		if (s->stream->secure)
			tls_shutdown(s->stream);
		else
			stream_shutdown(s->stream);
		kick();
	}
}

/* ---- State ------------------------------------------------------------------------ */

int sock_error(const struct sock *s)
{
	return s->error;
}

const struct endpoint *sock_peer(const struct sock *s)
{
	return &s->peer;
}

void sock_watch(struct sock *s, struct event *e)
{
	s->watcher = e;
}

unsigned sock_ready(struct sock *s, unsigned want)
{
	unsigned is = 0;

	if (s->error == -EINPROGRESS)
		return 0;
	if (s->error < 0)
		return want;
	if (stream_available(s->stream) > 0 || stream_ended(s->stream))
		is |= SOCK_READ;
	if (s->shut || !s->full)
		is |= SOCK_WRITE;
	return want & is;
}

void sock_expect(struct sock *s)
{
	if (!s->stream)
		return;
	if (s->stream->secure)
		tls_expect(s->stream);
	else
		stream_expect(s->stream);
	kick();
}

int sock_wait(struct sock *s, unsigned want, ktime deadline)
{
	unsigned is;

	while (!(is = sock_ready(s, want))) {
		int err;

		if (want & SOCK_READ)
			sock_expect(s);
		err = event_wait(want & SOCK_READ ? &s->readable : &s->writable, deadline);
		if (err < 0)
			return err;
	}
	return (int)is;
}

/* ---- Reading ------------------------------------------------------------------------ */

size_t sock_peek(struct sock *s, const uint8_t **data)
{
	return s->error == 0 ? stream_peek(s->stream, data) : 0;
}

void sock_consume(struct sock *s, size_t n)
{
	if (s->stream && n > 0) {
		stream_consume(s->stream, n);
		kick();
	}
}

long sock_read(struct sock *s, void *buf, size_t len, ktime deadline)
{
	const uint8_t *data;
	size_t n;

	while ((n = sock_peek(s, &data)) == 0) {
		int err = s->error;

		if (err == 0 && stream_ended(s->stream))
			return 0;
		if (err == 0 || err == -EINPROGRESS)
			err = sock_wait(s, SOCK_READ, deadline);
		if (err < 0)
			return err;
	}
	n = MIN(n, len);
	memcpy(buf, data, n);
	sock_consume(s, n);
	return (long)n;
}

/* ---- Writing -------------------------------------------------------------------------- */

long sock_write_some(struct sock *s, const void *data, size_t len)
{
	size_t n;

	if (s->error < 0)
		return s->error == -EINPROGRESS ? 0 : s->error;
	if (s->shut)
		return -EPIPE;
	n = stream_write(s->stream, data, len, STREAM_COPY);
	s->full = n < len;             /* whatever stream_room() says: memory may be short */
	kick();
	return (long)n;
}

int sock_write(struct sock *s, const void *data, size_t len, ktime deadline)
{
	const char *p = data;

	for (;;) {
		long n = sock_write_some(s, p, len);
		int err;

		if (n < 0)
			return (int)n;
		p += n;
		len -= (size_t)n;
		if (len == 0)
			return 0;
		err = sock_wait(s, SOCK_WRITE, deadline);
		if (err < 0)
			return err;
	}
}
