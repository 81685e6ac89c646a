/* SPDX-License-Identifier: MIT */
/* Reading requests. One that lies whole in the transport's first piece and has no
 * body is parsed where it lies; all others are collected first. A head that
 * repeats, byte for byte, the last one that the request object at hand has seen
 * is not parsed at all. */
#include <string.h>

#include "net/http/impl.h"

bool (*request_streams)(struct conn *c, struct request *r) SEALED;

bool request_is_head(const uint8_t *bytes, size_t len)
{
	return len >= 5 && memcmp(bytes, "HEAD ", 5) == 0;
}

static bool has_body(const struct http_head *h)
{
	return (h->flags & HTTP_CHUNKED) || h->length > 0;
}

/* Not 0 when 8 bytes differ. */
static inline uint64_t differ(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	return x ^ y;
}

/* memcmp() of at least 16 bytes, by words: the C library's goes byte by byte. */
static inline bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t last = len - 16;

	for (size_t i = 0; i < last; i += 16) {
		if (differ(a + i, b + i) | differ(a + i + 8, b + i + 8))
			return false;
	}
	return !(differ(a + last, b + last) | differ(a + last + 8, b + last + 8));
}

static enum step refuse(struct conn *c, unsigned status, const uint8_t *in, size_t len)
{
	http_counters[status == 503 ? COUNT_BUSY : COUNT_REFUSED].n++;
	return write_refusal(c, status, request_is_head(in, len));
}

/* True when a connection beyond a limit is still beyond it. */
static bool busy(struct conn *c)
{
	if (c->flags & CONN_OVER_ADDRESS) {
		http_counters[COUNT_OVER_ADDRESS].n++;
		return true;
	}
	if (conn_over_limit())
		return true;
	c->flags &= (uint8_t)~CONN_LATE;
	return false;
}

/* Appends to what is collected. */
static bool append(struct conn *c, const uint8_t *in, size_t n)
{
	struct work *w = c->work;
	size_t need = w->len + n + 1;  /* and a NUL after the body */

	if (need > w->cap) {
		size_t most = http_settings.parse.max_head + http_settings.max_body + 1;

		if (!work_grow(&w, MAX(need, MIN((size_t)w->cap * 2, most)), c))
			return false;
		c->work = w;
	}
	memcpy(w->data + w->len, in, n);
	w->len += (uint32_t)n;
	return true;
}

static enum step run_collected(struct conn *c)
{
	struct request *r = request_get();
	struct work *w = c->work;

	if (!r)
		return refuse(c, 503, w->data, w->len);
	int len = http_parse(&r->head, w->data, w->at, &http_settings.parse);

	ASSERT(len == (int)w->at);
	w->data[w->len] = 0;
	r->cached_len = 0;
	r->work = w;
	r->bytes = w->data;
	r->body = w->data + w->at;
	r->body_len = w->len - w->at;
	request_route(c, r);
	c->work = NULL;
	return request_run(c, r);
}

static enum step body_ended(struct conn *c)
{
	return refuse(c, 400, c->work->data, c->work->len);
}

static enum step read_length(struct conn *c)
{
	while (c->work->left > 0) {
		const uint8_t *in;
		size_t n = stream_peek(c->s, &in);

		if (n == 0)
			return stream_ended(c->s) ? body_ended(c) : STEP_WAIT;
		n = MIN(n, (size_t)c->work->left);
		if (!append(c, in, n))
			return refuse(c, 503, c->work->data, c->work->len);
		c->work->left -= n;
		stream_consume(c->s, n);
	}
	return run_collected(c);
}

static enum step read_chunks(struct conn *c)
{
	for (;;) {
		const uint8_t *in;
		size_t used, data, n = stream_peek(c->s, &in);
		int e;

		if (n == 0)
			return stream_ended(c->s) ? body_ended(c) : STEP_WAIT;
		e = http_chunk_next(&c->work->chunk, in, n, http_settings.parse.max_head, &used,
				    &data);
		if (e < 0)
			return refuse(c, (unsigned)-e, c->work->data, c->work->len);
		if (c->work->len - c->work->at + data + c->work->chunk.left >
		    http_settings.max_body)
			return refuse(c, 413, c->work->data, c->work->len);
		if (data && !append(c, in + used - data, data))
			return refuse(c, 503, c->work->data, c->work->len);
		stream_consume(c->s, used);
		if (e == HTTP_CHUNK_END)
			return run_collected(c);
	}
}

static enum step read_body(struct conn *c)
{
	return c->work->left ? read_length(c) : read_chunks(c);
}

/* A client that asks before it sends its body is told at once when nobody wants
 * it (RFC 9110 §10.1.1): 0 after "go on", or the status. */
static unsigned expectation(struct conn *c, struct request *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	request_route(c, r);
	if (!r->route && (r->miss == 404 || r->miss == 501))
		return r->miss;
	if (stream_available(c->s) == 0 && stream_room(c->s) >= sizeof(go_on))
		stream_write(c->s, go_on, sizeof(go_on) - 1, STREAM_COPY);
	return 0;
}

/* The head in c->work is complete. */
static enum step head_complete(struct conn *c)
{
	struct request *r = request_get();
	struct work *w = c->work;
	unsigned status = 0;

	if (!r)
		return refuse(c, 503, w->data, w->len);
	r->cached_len = 0;
	r->bytes = w->data;
	int len = http_parse(&r->head, w->data, w->len, &http_settings.parse);
	bool body = len > 0 && has_body(&r->head);

	if (body && request_streams && request_streams(c, r))
		return request_run(c, r);
	if (len <= 0)
		status = len < 0 ? (unsigned)-len : 400;
	else if (r->head.length > http_settings.max_body)
		status = 413;
	else if (body && (r->head.flags & HTTP_CONTINUE))
		status = expectation(c, r);
	w->at = w->len;
	w->left = r->head.length;
	r->bytes = NULL;
	request_put(r);
	if (status)
		return refuse(c, status, w->data, w->len);
	if (!body)
		return run_collected(c);
	conn_enter(c, CONN_BODY, clock_now());
	return read_body(c);
}

static enum step read_head(struct conn *c)
{
	for (;;) {
		struct work *w = c->work;
		const uint8_t *in;
		size_t n = stream_peek(c->s, &in);

		if (n == 0)
			return stream_ended(c->s) ? head_complete(c) : STEP_WAIT;
		n = MIN(n, (size_t)(http_settings.parse.max_head - w->len));
		n = http_scan(&w->scan, in, n);
		if (!append(c, in, n))
			return refuse(c, 503, w->data, w->len);
		stream_consume(c->s, n);
		w = c->work;
		if (w->scan >= HTTP_SCAN_END || w->len == http_settings.parse.max_head)
			return head_complete(c);
	}
}

static enum step collect(struct conn *c, const uint8_t *in, size_t n)
{
	struct work *w = work_new(BUDGET_COLLECT, c);

	if (!w)
		return refuse(c, 503, in, n);
	conn_enter(c, CONN_HEAD, clock_now());
	c->work = w;
	return read_head(c);
}

/* The first piece of input, n bytes at `in`, begins with a new head. */
static enum step read_fresh(struct conn *c, struct request *r, const uint8_t *in, size_t n)
{
	r->cached_len = 0;
	int len = http_parse(&r->head, in, n, &http_settings.parse);

	if (len > 0 && (size_t)len <= sizeof(r->store) && !has_body(&r->head)) {
		memcpy(r->store, in, (size_t)len);
		stream_consume(c->s, (size_t)len);
		r->bytes = r->store;
		request_route(c, r);
		r->cached_len = (size_t)len;
		r->cached_admin = c->s->admin;
		return request_run(c, r);
	}
	request_put(r);
	return len < 0 ? refuse(c, (unsigned)-len, in, n) : collect(c, in, n);
}

static enum step read_idle(struct conn *c)
{
	const uint8_t *in = NULL;
	size_t n = stream_peek(c->s, &in);

	if (c->flags) {
		if ((n > 0 || (c->flags & CONN_OVER_ADDRESS)) && busy(c))
			return refuse(c, 503, in, n);
	}
	if (n == 0) {
		if (!stream_ended(c->s))
			return STEP_WAIT;
		conn_close(c);
		return STEP_GONE;
	}
	struct request *r = request_get();

	if (!r)
		return refuse(c, 503, in, n);
	if (r->cached_len == 0 || r->cached_len > n || r->cached_admin != c->s->admin ||
	    !same(in, r->store, r->cached_len))
		return read_fresh(c, r, in, n);
	http_counters[COUNT_REPEATED].n++;
	stream_consume(c->s, r->cached_len);
	return request_run(c, r);
}

enum step read_step(struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_HEAD:
		return read_head(c);
	case CONN_BODY:
		return read_body(c);
	default:
		return read_idle(c);
	}
}
