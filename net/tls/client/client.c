/* SPDX-License-Identifier: MIT */
/* Sessions that we open (net/tls.h): their pool, how they begin, and what is said of those that
 * fail. The handshakes' task and session.c do the rest as for a server's.
 *
 * Outside: tls_client is set with the first session, which is what links all of this. */
#include <ssl_misc.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/error.h>

#include "kernel/budget.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "net/net.h"
#include "net/port/port.h"
#include "net/tls.h"
#include "net/tls/client/impl.h"

#define HOST_MAX 253                   /* a name's length (RFC 1035 §2.3.4), or an address's */
#define NOT_VERIFIED UINT32_MAX        /* in place of flags */
#define LINES 8                        /* on the console, a second */

enum { SESSIONS, UNVERIFIED, FAILED, LOST, REFUSED, COUNTS };
static struct counter counters[COUNTS] = {
	[SESSIONS] = { .name = "tls_client_handshakes_total" },
	[UNVERIFIED] = { .name = "tls_client_unverified_total" },
	[FAILED] = { .name = "tls_client_failed_total" },
	[LOST] = { .name = "tls_client_lost_total" },
	[REFUSED] = { .name = "tls_client_refused_total" },
};
static struct pool pool;
static ktime lines_since;
static unsigned lines;

static struct outgoing *outgoing_of(const struct session *s)
{
	return (struct outgoing *)(uintptr_t)s;
}

/* ---- What is said ------------------------------------------------------------------------- */

static void say(const char *host, const char *what, const char *more)
{
	ktime now = clock_now();

	if (now - lines_since >= SECONDS(1)) {
		lines_since = now;
		lines = 0;
	}
	if (lines++ < LINES)
		log_warn("tls: %s: %s%s%s", host, what, more ? ": " : "", more ? more : "");
}

static const char *alert_words(unsigned alert)
{
	switch (alert) {
	case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
		return "no cipher, key or certificate in common";
	case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
		return "no version of TLS in common";
	case MBEDTLS_SSL_ALERT_MSG_NO_CERT:
	case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
	case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
	case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
	case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
	case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
	case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
	case 116:                      /* certificate_required (RFC 8446 §6.2) */
		return "it wants a certificate (tls.connect.cert) that it trusts";
	case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
		return "it does not go by this name";
	case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL:
		return "it does not speak our protocol (ALPN)";
	default:
		return NULL;
	}
}

static void say_alert(const char *host, unsigned alert)
{
	const char *words = alert_words(alert);
	char text[16];

	snprintf(text, sizeof(text), "alert %u", alert);
	say(host, "it refuses us", words ? words : text);
}

static int say_error(const struct session *s, int err)
{
	char text[80];

	switch (err) {
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		if (s->ssl.in_msgtype == MBEDTLS_SSL_MSG_ALERT && s->ssl.in_buf)
			say_alert(s->identity, s->ssl.in_msg[1]);
		else
			say(s->identity, verify_words(outgoing_of(s), MBEDTLS_X509_BADCERT_MISSING),
			    NULL);
		return -EPROTO;
	case MBEDTLS_ERR_SSL_CONN_EOF:
		say(s->identity, "it left in the handshake", NULL);
		return -ECONNRESET;
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
	case MBEDTLS_ERR_X509_ALLOC_FAILED:
		say(s->identity, "no memory for the session", NULL);
		return -ENOMEM;
	default:
		mbedtls_strerror(err, text, sizeof(text));
		say(s->identity, "it does not speak TLS as it should", text);
		return -EPROTO;
	}
}

static int failed(struct session *s, int err)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&s->ssl);

	if (err == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
	    (err == MBEDTLS_ERR_SSL_BAD_CERTIFICATE && flags != NOT_VERIFIED && flags != 0)) {
		counters[UNVERIFIED].n++;
		say(s->identity, verify_words(outgoing_of(s), flags), NULL);
		return -EACCES;
	}
	if (s->state == SESSION_OPEN && err == MBEDTLS_ERR_SSL_CONN_EOF)
		return -EPROTO;        /* without a word: an idle one may (net/client.h) */
	counters[FAILED].n++;
	return say_error(s, err);
}

static void lost(struct session *s, int why)
{
	counters[LOST].n++;
	say(s->identity, why == -ETIMEDOUT ? "the handshake was not over in time" :
	    "it left in the handshake", NULL);
}

/* ---- One session -------------------------------------------------------------------------- */

static int set_up(struct session *s)
{
	struct outgoing *c = outgoing_of(s);
	const mbedtls_ssl_config *config;
	int err = profile_config(c->profile, &config);

	if (err == 0)
		err = mbedtls_ssl_setup(&s->ssl, config);
	if (err == 0)
		err = mbedtls_ssl_set_hostname(&s->ssl, c->by_address ? NULL : s->identity);
	mbedtls_ssl_set_verify(&s->ssl, verify_certificate, c);
	return err;
}

/* mbedTLS has refused what is not verified; this is to be seen here as well. */
static int check(const struct session *s)
{
	if (!mbedtls_ssl_get_peer_cert(&s->ssl) || mbedtls_ssl_get_verify_result(&s->ssl) != 0)
		return -EACCES;
	counters[SESSIONS].n++;
	return 0;
}

static const struct stream_ops *protocol(const struct session *s)
{
	return outgoing_of(s)->ops;
}

static void release(struct session *s)
{
	pool_put(&pool, s);
}

static void expect(struct session *s)
{
	if (s->lower)
		stream_expect(s->lower);
}

static const struct client_side side = {
	set_up, check, failed, lost, protocol, release, expect,
};

/* ---- Beginning ---------------------------------------------------------------------------- */

static bool is_of_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_';
}

/* A name that can stand in a certificate and on the console, or an address: 0 or -EINVAL. */
static int parse_host(struct outgoing *c, const char *host)
{
	const char *end = host;
	size_t len = strlen(host);

	if (addr_parse(&end, &c->address) == 0 && *end == 0) {
		c->by_address = true;
	} else {
		if (len > 0 && host[len - 1] == '.')
			len--;
		for (const char *p = host; p < host + len; p++)
			if (!is_of_name(*p))
				return -EINVAL;
	}
	if (len == 0 || len > HOST_MAX)
		return -EINVAL;
	c->session.identity = malloc(len + 1);
	if (!c->session.identity)
		return -ENOMEM;
	memcpy(c->session.identity, host, len);
	c->session.identity[len] = 0;
	return 0;
}

/* What must be there before anybody is asked for a certificate: 0 or -errno. */
static int may_begin(const char *host)
{
	int64_t ns;

	if (!trust_is_set()) {
		say(host, "not connected: tls.ca is not set, so that nobody can be trusted", NULL);
		return -EACCES;
	}
	if (clock_peek_ns(&ns) < 0) {
		say(host, "not connected: without the time, no certificate can be verified", NULL);
		return -EAGAIN;
	}
	return handshakes_start();
}

int tls_connect(struct stream **stream, struct stream *lower, const char *host, const char *alpn,
		const struct stream_ops *ops, void *conn)
{
	struct outgoing *c;
	int err = may_begin(host);

	if (err < 0)
		return err;
	counters_add(counters, COUNTS);
	if (!pool.size)
		pool_init(&pool, "tls_client_sessions", sizeof(struct outgoing),
			  MIN(port_limits.clients, BUDGET_TLS_SESSIONS(mem_total())));
	c = pool_get(&pool);
	if (!c) {
		counters[REFUSED].n++;
		return -ENOMEM;
	}
	*c = (struct outgoing){
		.session = { .flags = SESSION_CLIENT | SESSION_TOLD, .conn = conn }, .ops = ops,
		.profile = profile_of(alpn),
	};
	err = parse_host(c, host);
	if (err < 0) {
		pool_put(&pool, c);
		return err;
	}
	tls_client = &side;
	stream_hand_over(lower, &session_ops, &c->session);
	session_begin(&c->session, lower);
	*stream = &c->session.stream;
	return 0;
}

void tls_expect(struct stream *stream)
{
	expect((struct session *)stream);
}

void tls_shutdown(struct stream *stream)
{
	struct session *s = (struct session *)stream;

	if (!s->lower || s->flags & SESSION_BROKEN || !buffers_take(s))
		return;
	mbedtls_ssl_close_notify(&s->ssl);
	buffers_release(s);
	stream_shutdown(s->lower);
}
