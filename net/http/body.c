/* SPDX-License-Identifier: MIT */
/* Request bodies that their handler reads piece by piece (net/flow.h; RFC 9112 §6, §7.1, RFC 9110
 * §10.1.1): what it has not read lies in the transport's window, which holds the client back. */
#include <errno.h>
#include <string.h>

#include "net/flow.h"
#include "net/http/impl.h"
#include "net/net.h"

enum reading {
	READ_NONE,                     /* there is none, or it was collected */
	READ_MORE,                     /* of a connection that may go on after it */
	READ_MORE_LAST,                /* of one that closes after it anyway */
};

static bool begin(struct conn *c, struct request *r)
{
	struct work *w = c->work;

	request_route(c, r);
	if (!r->route || !r->route->streams)
		return false;
	w->at = w->len;
	w->left = r->head.length;
	r->work = w;
	r->body = w->data + w->at;
	r->body_len = 0;
	r->patience = http_settings.body_timeout * 1000;
	r->reading = r->head.flags & HTTP_CLOSE ? READ_MORE_LAST : READ_MORE;
	r->head.flags |= HTTP_CLOSE;   /* unless it is read to its end */
	c->work = NULL;
	return true;
}

void route_streams(void)
{
	request_streams = begin;
}

void route_stream(const char *method, const char *path, http_handler *fn)
{
	route_streams();
	router_add_stream(method, path, fn);
}

/* Nothing is left of it. */
static long read_end(struct request *r)
{
	if (r->reading == READ_MORE)
		r->head.flags &= (uint8_t)~HTTP_CLOSE;
	r->reading = READ_NONE;
	return 0;
}

static long read_collected(struct request *r, void *buf, size_t len)
{
	if (!r->work)
		return 0;
	len = MIN(len, r->body_len);
	memcpy(buf, r->body, len);
	r->body += len;
	r->body_len -= len;
	return (long)len;
}

static void go_on(struct request *r)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct stream *s = r->run.conn->s;

	if ((r->head.flags & HTTP_CONTINUE) && stream_available(s) == 0 && !r->later &&
	    stream_room(s) >= sizeof(text))
		stream_write(s, text, sizeof(text) - 1, STREAM_COPY);
	r->head.flags &= (uint8_t)~HTTP_CONTINUE;
}

/* What lies there of a body of known length: how much, or 0. */
static long take_length(struct request *r, void *buf, size_t len)
{
	struct stream *s = r->run.conn->s;
	const uint8_t *in;
	size_t n = MIN(stream_peek(s, &in), MIN(len, r->work->left));

	memcpy(buf, in, n);
	stream_consume(s, n);
	r->work->left -= n;
	if (r->work->left == 0)
		read_end(r);
	return (long)n;
}

static long take_chunks(struct request *r, void *buf, size_t len)
{
	struct stream *s = r->run.conn->s;
	const uint8_t *in;
	size_t used, data, n;
	int e = HTTP_CHUNK_MORE;

	while (e == HTTP_CHUNK_MORE && (n = stream_peek(s, &in)) > 0) {
		e = http_chunk_next(&r->work->chunk, in, MIN(n, len),
				    http_settings.parse.max_head, &used, &data);
		if (e < 0)
			return -EBADMSG;
		if (data)
			memcpy(buf, in + used - data, data);
		stream_consume(s, used);
		if (e == HTTP_CHUNK_DATA)
			return (long)data;
	}
	if (e == HTTP_CHUNK_END)
		read_end(r);
	return 0;
}

static enum step ready(struct conn *c)
{
	if (c->run->watch)
		event_signal(c->run->watch);
	return request_ops.ready(c);
}

static void gone(struct run *run)
{
	if (run->watch)
		event_signal(run->watch);
	request_ops.gone(run);
}

static const struct run_ops reader_ops = {ready, gone, request_put};

/* Until something has come, or the connection has ended. What is waited is taken from the client's
 * patience, which grows again by a millisecond a byte: took(). */
static int wait_for_more(struct conn *c, struct request *r)
{
	struct event more = {0};
	ktime began = clock_now();
	int err;

	if (c->run->ops == &request_ops)
		c->run->ops = &reader_ops;
	c->run->watch = &more;
	err = event_wait(&more, began + MILLIS(r->patience));
	r->patience -= (uint32_t)MIN((ktime)r->patience, (clock_now() - began) / MILLIS(1));
	return err;
}

static void took(struct request *r, long n)
{
	if (n > 0)
		r->patience = (uint32_t)MIN(1000 * (uint64_t)http_settings.body_timeout,
					    r->patience + (uint64_t)n);
}

long request_read(struct request *r, void *buf, size_t len)
{
	bool chunked = r->head.flags & HTTP_CHUNKED;

	ASSERT(len > 0);
	if (r->reading == READ_NONE)
		return read_collected(r, buf, len);
	while (r->run.conn) {
		struct conn *c = r->run.conn;
		long n;
		int err;

		if (stream_available(c->s) > 0) {
			n = chunked ? take_chunks(r, buf, len) : take_length(r, buf, len);
			took(r, n);
			if (n != 0 || r->reading == READ_NONE)
				return n;
		}
		if (stream_ended(c->s))
			break;
		go_on(r);
		err = wait_for_more(c, r);
		if (r->run.conn)
			r->run.conn->run->watch = NULL;
		if (err < 0)
			return err;
	}
	return -ECONNRESET;
}
