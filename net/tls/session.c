/* SPDX-License-Identifier: MIT */
/* A TLS session: to the connection below it a protocol, to the protocol above it a stream. Plain
 * bytes are read where mbedTLS decrypted them. Runs in the net loop. */
#include <ssl_misc.h>

#include <errno.h>
#include <stdlib.h>

#include "kernel/budget.h"
#include "kernel/mem.h"
#include "net/tls/impl.h"

#define RECORD_OVERHEAD 64             /* header, explicit IV, tag and type: at most */

static struct pool pool;
static struct sessions open = TAILQ_HEAD_INITIALIZER(open);    /* the longest idle first */
static struct sessions ours = TAILQ_HEAD_INITIALIZER(ours);    /* open, too, but not to go */
static struct session *serving;        /* whose ready() is running */
const struct stream_ops *session_protocol;
const struct client_side *tls_client;

void sessions_init(void)
{
	pool_init(&pool, "tls_sessions", sizeof(struct session),
		  MIN(stream_max(), BUDGET_TLS_SESSIONS(mem_total())));
}

static struct sessions *open_list(const struct session *s)
{
	return session_is_client(s) ? &ours : &open;
}

static const struct stream_ops *protocol_of(const struct session *s)
{
	return session_is_client(s) ? tls_client->protocol(s) : session_protocol;
}

/* ---- Ends --------------------------------------------------------------------------- */

static void forget(struct session *s)
{
	if (serving == s)
		serving = NULL;
	s->lower = NULL;
	if (s->state == SESSION_OPEN)
		TAILQ_REMOVE(open_list(s), s, in_state);
	else if (!handshake_lets_go(s))
		return;
	if (s->flags & SESSION_SET_UP)
		mbedtls_ssl_free(&s->ssl);
	free(s->identity);
	if (session_is_client(s))
		tls_client->release(s);
	else
		pool_put(&pool, s);
}

void session_close(struct session *s)
{
	if (s->lower)
		stream_close(s->lower);
	forget(s);
}

void session_abort(struct session *s)
{
	if (s->lower)
		stream_abort(s->lower);
	forget(s);
}

void session_lose(struct session *s, int why)
{
	void *conn = s->flags & SESSION_TOLD ? s->conn : NULL;

	if (conn)
		protocol_of(s)->gone(conn, why);
}

/* ---- The connection below ------------------------------------------------------------- */

static int bio_send(void *arg, const unsigned char *data, size_t len)
{
	struct session *s = arg;
	size_t n = s->lower ? stream_write(s->lower, data, len, s->write_flags) : 0;

	return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int bio_receive(void *arg, unsigned char *out, size_t len)
{
	struct session *s = arg;
	const uint8_t *data;
	size_t n = s->lower ? stream_peek(s->lower, &data) : 0;

	if (n == 0)
		return s->lower && !stream_ended(s->lower) ? MBEDTLS_ERR_SSL_WANT_READ : 0;
	n = MIN(n, len);
	memcpy(out, data, n);
	stream_consume(s->lower, n);
	return (int)n;
}

/* ---- The stream above ------------------------------------------------------------------ */

static struct session *session_of(struct stream *s)
{
	return (struct session *)s;
}

/* By an error of mbedTLS. */
static void break_off(struct session *s, int err)
{
	if (s->flags & SESSION_BROKEN)
		return;
	s->flags |= SESSION_BROKEN;
	s->why = -EPROTO;
	if (session_is_client(s))
		s->why = (int16_t)tls_client->failed(s, err);
	tls_counters[TLS_BROKEN].n++;
	if (s->lower)
		stream_again(s->lower);
}

/* What is to be made of the next record: true, it may be followed by another. mbedTLS reads the
 * end of the connection as 0, and so it does two records with nothing in them. A server that ends
 * it without saying so may have been cut off (RFC 8446 §6.1). */
static bool read_record(struct session *s)
{
	int err = mbedtls_ssl_read(&s->ssl, NULL, 0);
	bool over = stream_available(s->lower) == 0 && stream_ended(s->lower);

	if (session_is_client(s) && err == 0 && over && !s->ssl.in_offt)
		err = MBEDTLS_ERR_SSL_CONN_EOF;
	if (err == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || (err == 0 && over && !s->ssl.in_offt))
		s->flags |= SESSION_ENDED;
	else if (err != 0 && err != MBEDTLS_ERR_SSL_WANT_READ && err != MBEDTLS_ERR_SSL_WANT_WRITE)
		break_off(s, err);
	return err == 0 && !(s->flags & SESSION_ENDED);
}

/* Of a session that is served by a task: no ready() follows that would release them. */
static void rest(struct session *s)
{
	if (session_is_client(s) && serving != s)
		buffers_release(s);
}

/* Plain bytes are in hand, or become so by decrypting the next record. */
static bool decrypt(struct session *s)
{
	mbedtls_ssl_context *ssl = &s->ssl;

	for (;;) {
		if (ssl->in_offt && ssl->in_msglen > 0)
			return true;
		if (s->flags & (SESSION_ENDED | SESSION_BROKEN) || !s->lower)
			return false;
		if (stream_available(s->lower) == 0 && !stream_ended(s->lower))
			return false;
		if (!buffers_take(s)) {
			break_off(s, MBEDTLS_ERR_SSL_ALLOC_FAILED);
			return false;
		}
		if (!read_record(s))
			return false;
	}
}

static bool pull(struct session *s)
{
	bool some = decrypt(s);

	if (!some)
		rest(s);
	return some;
}

static size_t tls_peek(struct stream *stream, const uint8_t **data)
{
	struct session *s = session_of(stream);

	if (!pull(s))
		return 0;
	*data = s->ssl.in_offt;
	return s->ssl.in_msglen;
}

static size_t tls_available(struct stream *stream)
{
	struct session *s = session_of(stream);

	return pull(s) ? s->ssl.in_msglen : 0;
}

/* Read onto itself, the bytes are counted off and wiped. */
static void tls_consume(struct stream *stream, size_t n)
{
	struct session *s = session_of(stream);

	if (n > 0) {
		ASSERT(s->ssl.in_offt && n <= s->ssl.in_msglen);
		mbedtls_ssl_read(&s->ssl, s->ssl.in_offt, n);
		rest(s);
	}
}

static bool tls_ended(struct stream *stream)
{
	return session_of(stream)->flags & SESSION_ENDED;
}

/* One record of `len` bytes at most, or the rest of the one before: how many of them are on
 * their way now. */
static size_t write_record(struct session *s, const void *data, size_t len)
{
	int n;

	len = s->pending > 0 ? s->pending : MIN(len, (size_t)MBEDTLS_SSL_OUT_CONTENT_LEN);
	n = mbedtls_ssl_write(&s->ssl, data, len);
	if (n == MBEDTLS_ERR_SSL_WANT_WRITE || n == MBEDTLS_ERR_SSL_WANT_READ) {
		s->pending = (uint32_t)len;
		return 0;
	}
	s->pending = 0;
	if (n < 0)
		break_off(s, n);
	return n > 0 ? (size_t)n : 0;
}

static size_t tls_write(struct stream *stream, const void *data, size_t len, unsigned flags)
{
	struct session *s = session_of(stream);
	size_t taken = 0, n;

	if (s->flags & SESSION_BROKEN || !s->lower)
		return 0;
	if (!buffers_take(s)) {
		break_off(s, MBEDTLS_ERR_SSL_ALLOC_FAILED);
		return 0;
	}
	while (taken < len) {
		bool more = flags & STREAM_MORE || len - taken > MBEDTLS_SSL_OUT_CONTENT_LEN;

		s->write_flags = more ? STREAM_COPY | STREAM_MORE : STREAM_COPY;
		n = write_record(s, (const uint8_t *)data + taken, len - taken);
		s->write_flags = STREAM_COPY;
		if (n == 0)
			break;
		taken += n;
	}
	rest(s);
	return taken;
}

static size_t tls_room(struct stream *stream)
{
	struct session *s = session_of(stream);
	size_t room = s->lower && s->pending == 0 ? stream_room(s->lower) : 0;

	return room > RECORD_OVERHEAD ? room - RECORD_OVERHEAD : 0;
}

static size_t tls_unacked(struct stream *stream)
{
	struct session *s = session_of(stream);

	return s->lower ? stream_unacked(s->lower) : 0;
}

static void tls_again(struct stream *stream)
{
	struct session *s = session_of(stream);

	if (s->lower)
		stream_again(s->lower);
}

static void tls_close(struct stream *stream)
{
	struct session *s = session_of(stream);

	if (s->lower && !(s->flags & SESSION_BROKEN) && s->pending == 0 && buffers_take(s))
		mbedtls_ssl_close_notify(&s->ssl);
	session_close(s);
}

static void tls_abort(struct stream *stream)
{
	struct session *s = session_of(stream);

	if (session_is_client(s) && s->state != SESSION_OPEN)
		tls_client->lost(s, -ETIMEDOUT);
	session_abort(s);
}

static const char *tls_identity(struct stream *stream)
{
	return session_of(stream)->identity;
}

static const struct stream_io tls_io = {
	.peek = tls_peek,
	.available = tls_available,
	.consume = tls_consume,
	.ended = tls_ended,
	.write = tls_write,
	.room = tls_room,
	.unacked = tls_unacked,
	.again = tls_again,
	.close = tls_close,
	.abort = tls_abort,
	.identity = tls_identity,
};

/* ---- The protocol that the connection below sees ----------------------------------------- */

/* Every session is taken: one whose client is silent makes room, or the one that has been idle
 * for longest. */
static bool make_room(void)
{
	struct session *oldest = TAILQ_FIRST(&open);

	if (handshake_drop_stalled())
		return true;
	if (!oldest || oldest == serving || clock_now() - oldest->moved < SECONDS(1))
		return false;
	tls_counters[TLS_EVICTED].n++;
	session_lose(oldest, -ECONNABORTED);
	session_close(oldest);
	return true;
}

static void *opened(struct stream *lower)
{
	struct session *s = pool_get(&pool);

	if (!s && make_room())
		s = pool_get(&pool);
	if (!s) {
		tls_counters[TLS_REFUSED].n++;
		return NULL;
	}
	*s = (struct session){
		.stream.admin = lower->local.port == tls_settings.admin_port,
	};
	session_begin(s, lower);
	return s;
}

void session_begin(struct session *s, struct stream *lower)
{
	s->stream.io = &tls_io;
	s->stream.peer = lower->peer;
	s->stream.local = lower->local;
	s->stream.secure = true;
	s->lower = lower;
	s->born = clock_now();
	mbedtls_ssl_init(&s->ssl);
	mbedtls_ssl_set_bio(&s->ssl, s, bio_send, bio_receive, NULL);
	handshake_enter(s, s->born);
}

void session_open(struct session *s)
{
	s->state = SESSION_OPEN;
	TAILQ_INSERT_TAIL(open_list(s), s, in_state);
	if (s->lower)
		stream_again(s->lower);
}

/* The protocol is told of a session, or of news in it. */
static void tell(struct session *s)
{
	TAILQ_REMOVE(open_list(s), s, in_state);
	TAILQ_INSERT_TAIL(open_list(s), s, in_state);
	s->moved = clock_now();
	serving = s;
	if (!(s->flags & SESSION_TOLD)) {
		s->flags |= SESSION_TOLD;
		s->conn = session_protocol->opened(&s->stream);
		if (!s->conn) {
			session_abort(s);
			return;
		}
	}
	protocol_of(s)->ready(s->conn);
}

static void ready(void *arg)
{
	struct session *s = arg;

	if (s->state != SESSION_OPEN) {
		handshake_ready(s);
		return;
	}
	if (!(s->flags & SESSION_BROKEN))
		tell(s);
	else
		serving = s;
	s = serving;
	serving = NULL;
	if (!s)
		return;
	if (s->flags & SESSION_BROKEN) {
		session_lose(s, s->why);
		session_close(s);
	} else {
		buffers_release(s);
	}
}

static void gone(void *arg, int why)
{
	struct session *s = arg;

	if (session_is_client(s) && s->state != SESSION_OPEN)
		tls_client->lost(s, why);
	session_lose(s, why);
	forget(s);
}

/* The connections' own slots are taken. */
static bool evict(void)
{
	return handshake_drop_stalled() || session_protocol->evict();
}

const struct stream_ops session_ops = { opened, ready, gone, evict };
