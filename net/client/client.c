/* SPDX-License-Identifier: MIT */
/* The HTTP/1.1 client (net/client.h): RFC 9110 §15.4, RFC 9112 §2-§7, §9.
 *
 * A task sends, waits for the head, and pulls the body through a window of TCP; nothing runs ahead
 * of it. While it waits for an answer, a request holds its connection and this object, no buffer.
 *
 * Outside: net/sock.h; the pool is made with the first request. */
#include "net/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/client/impl.h"
#include "net/http/parse.h"
#include "net/port/port.h"

#define HEAD_MAX BUDGET_HEAD           /* of an answer, and of what precedes it (1xx) */

static struct pool pool;
static int (*start_tls)(struct sock *s, const char *host, const char *alpn, ktime deadline);
struct counter client_counters[CLIENT_COUNTS] = {
	[CLIENT_REQUESTS] = { .name = "http_client_requests_total" },
	[CLIENT_REUSED] = { .name = "http_client_reused_total" },
	[CLIENT_RETRIED] = { .name = "http_client_retried_total" },
	[CLIENT_REDIRECTS] = { .name = "http_client_redirects_total" },
	[CLIENT_FAILED] = { .name = "http_client_failed_total" },
};

/* ---- The head of the answer --------------------------------------------------- */

/* Appends what there is of the head: 1 when it is complete, 0, or -errno. */
static int take_head(struct client *c, enum http_scan *scan)
{
	const uint8_t *data;
	size_t n = sock_peek(c->s, &data);
	uint8_t *head;

	if (n == 0)
		return sock_error(c->s) < 0 ? sock_error(c->s) : -ECONNRESET;
	n = http_scan(scan, data, n);
	if (*scan == HTTP_SCAN_BAD)
		return -EPROTO;
	if (c->head_len + n > HEAD_MAX)
		return -EMSGSIZE;
	head = realloc(c->head, c->head_len + n);
	if (!head)
		return -ENOMEM;
	c->head = head;
	memcpy(head + c->head_len, data, n);
	c->head_len += n;
	sock_consume(c->s, n);
	return *scan == HTTP_SCAN_END;
}

static enum body framed(const struct client *c, bool head_only)
{
	unsigned status = c->h.status;

	if (head_only || status == 204 || status == 304)
		return BODY_NONE;
	if (c->h.flags & HTTP_CHUNKED)
		return BODY_CHUNKED;
	if (c->h.flags & HTTP_LENGTH)
		return c->h.length > 0 ? BODY_LENGTH : BODY_NONE;
	return BODY_TO_CLOSE;
}

/* Reads heads up to the first that is final: 0 or -errno. */
static int read_head(struct client *c, bool head_only)
{
	size_t before = 0;
	int err;

	do {
		enum http_scan scan = HTTP_SCAN_START;

		c->head_len = 0;
		do {
			err = sock_wait(c->s, SOCK_READ, c->deadline);
			if (err > 0)
				err = take_head(c, &scan);
			if (err == -ECONNRESET && before + c->head_len > 0)
				err = -EPROTO;
		} while (err == 0);
		if (err > 0)
			err = client_parse(&c->h, c->head, c->head_len);
		if (err < 0)
			return err;
		before += c->head_len;
		if (before > HEAD_MAX)
			return -EMSGSIZE;
	} while (c->h.status < 200 && c->h.status != 101);
	if (c->h.status == 101)                /* nobody asked for it */
		return -EPROTO;
	c->mode = framed(c, head_only);
	c->left = c->h.length;
	c->chunk = (struct http_chunk){ 0 };
	return 0;
}

/* ---- The connection -------------------------------------------------------------- */

static bool persists(const struct client *c)
{
	if (c->mode != BODY_NONE || (c->h.flags & HTTP_CLOSE))
		return false;
	return c->h.minor > 0 || (c->h.flags & HTTP_KEEP);
}

void client_done(struct client *c)
{
	if (!c->s)
		return;
	if (persists(c))
		client_keep(c->s, &c->host);
	else if (c->mode == BODY_NONE)
		sock_close(c->s);
	else
		sock_abort(c->s);
	c->s = NULL;
}

static void drop_connection(struct client *c)
{
	if (c->s)
		sock_abort(c->s);
	c->s = NULL;
}

static int exchange(struct client *c, const struct client_ask *a)
{
	int err = client_send(c->s, a, c->deadline);

	return err < 0 ? err : read_head(c, a->head_only);
}

/* A new connection: 0 or -errno. */
static int reach(struct client *c)
{
	int err = sock_connect(&c->s, c->host.name, c->host.port, c->deadline);

	if (err < 0)
		c->s = NULL;
	else if (c->host.secure)
		err = start_tls(c->s, c->host.name, "http/1.1", c->deadline);
	return err;
}

/* One request to one host: 0 and the head has been read, or -errno and c->s is NULL. */
static int ask(struct client *c, const struct client_ask *a)
{
	int err = -ECONNRESET;

	c->head_len = 0;
	c->s = client_kept(a->url, !a->idempotent);
	if (c->s) {
		client_counters[CLIENT_REUSED].n++;
		err = exchange(c, a);
		if (err == 0)
			return 0;
		drop_connection(c);
		/* A server that did not want to wait any longer; over TLS, without saying so. */
		if ((err != -ECONNRESET && (err != -EPROTO || !c->host.secure)) ||
		    c->head_len > 0 || !a->idempotent)
			return err;
		client_counters[CLIENT_RETRIED].n++;
	}
	do {
		drop_connection(c);
		err = reach(c);
	} while (err == -ENOMEM && client_keep_less());
	if (err == 0)
		err = exchange(c, a);
	if (err < 0)
		drop_connection(c);
	return err;
}

static void set_host(struct client *c, const struct url *u)
{
	c->host.port = u->port;
	c->host.secure = u->secure;
	c->host.len = (uint8_t)u->host_len;
	memcpy(c->host.name, u->host, u->host_len);
	c->host.name[u->host_len] = 0;
}

/* ---- Redirects ------------------------------------------------------------------- */

/* Where the answer sends us: 1 and c->url, which `from` may lie in no more; 0: nowhere; or
 * -errno. */
static int redirected(struct client *c, const struct url *from)
{
	const char *where;
	size_t len;
	char *to;
	int err;

	switch (c->h.status) {
	case 301: case 302: case 303: case 307: case 308:
		break;
	default:
		return 0;
	}
	where = client_field(&c->h, c->head, "location", &len);
	if (!where)
		return 0;
	to = malloc(URL_MAX);
	if (!to)
		return -ENOMEM;
	err = url_resolve(to, from, where, len);
	free(err == 0 ? c->url : to);
	if (err < 0)
		return err == -EINVAL ? -EPROTO : err;
	c->url = to;
	return 1;
}

/* Asks, and asks where the answer says. */
static int follow(struct client *c, const struct client_request *q)
{
	unsigned left = q->redirects;
	struct client_ask a;
	struct url u;
	int err = client_ask_first(&a, q);

	if (err == 0)
		err = url_parse(&u, q->url);
	while (err == 0) {
		if (u.secure && !start_tls)
			return -EPROTONOSUPPORT;
		a.foreign |= a.url && !client_same_host(&c->host, &u);
		set_host(c, &u);
		a.url = &u;
		err = ask(c, &a);
		if (err < 0 || q->redirects == 0)
			return err;
		err = redirected(c, &u);
		if (err <= 0)
			return err;
		if (left-- == 0)
			return -ELOOP;
		client_counters[CLIENT_REDIRECTS].n++;
		client_ask_again(&a, c->h.status);
		client_done(c);
		err = url_parse(&u, c->url);
		if (err == 0 && c->host.secure && !u.secure)
			err = -EACCES;         /* what was verified does not end in the clear */
	}
	return err;
}

/* ---- What callers see ---------------------------------------------------------------- */

int client_open(struct client **out, const struct client_request *q)
{
	struct client *c;
	int err = -ENOMEM;

	counters_add(client_counters, CLIENT_COUNTS);
	client_counters[CLIENT_REQUESTS].n++;
	if (!pool.size)
		pool_init(&pool, "http_client", sizeof(struct client), port_limits.clients);
	*out = NULL;
	c = pool_get(&pool);
	if (c) {
		*c = (struct client){ .deadline = q->deadline };
		err = follow(c, q);
		free(c->url);
	}
	if (err < 0) {
		client_counters[CLIENT_FAILED].n++;
		if (c) {
			drop_connection(c);
			client_close(c);
		}
		return err;
	}
	*out = c;
	return 0;
}

void client_https(void)
{
	start_tls = sock_start_tls;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	client_done(c);
	free(c->head);
	if (c->body)
		mem_wipe(c->body, c->body_len);
	free(c->body);
	pool_put(&pool, c);
}

unsigned client_status(const struct client *c)
{
	return c->h.status;
}

const char *client_header(const struct client *c, const char *lower, size_t *len)
{
	return client_field(&c->h, c->head, lower, len);
}

const char *client_body(const struct client *c, size_t *len)
{
	*len = c->body_len;
	return c->body;
}
