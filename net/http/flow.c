/* SPDX-License-Identifier: MIT */
/* Answers in pieces: net/flow.h. Each piece is a chunk (RFC 9112 §7.1), or lies bare before the
 * connection's end for HTTP/1.0. A chunk may be cut by a full stream: what is left of it, and of
 * the framing, is kept, so that nothing of the answer is held in memory but that. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/flow.h"
#include "net/http/later_impl.h"
#include "net/net.h"

#define CHUNK_MAX 65535u
#define SMALL 384u                     /* up to this, a piece is copied to be sent as one */
#define LAST_CHUNK "0\r\n\r\n"

/* ---- Writing ------------------------------------------------------------------- */

static void owe(struct later *l, const char *text, size_t len)
{
	ASSERT(l->owed + len <= FRAME_MAX);
	memmove(l->frame + FRAME_MAX - l->owed - len, l->frame + FRAME_MAX - l->owed, l->owed);
	memcpy(l->frame + FRAME_MAX - len, text, len);
	l->owed = (uint8_t)(l->owed + len);
}

/* Keeps what the stream did not take of framing, or of a small piece. */
static void keep(struct later *l, const char *text, size_t len)
{
	l->rest = work_new(len, l->run.conn);
	if (!l->rest) {
		l->broken = true;
		return;
	}
	memcpy(l->rest->data, text, len);
	l->rest->len = (uint32_t)len;
}

/* Writes what was kept, and the framing: true when nothing of them is left. */
static bool pay(struct later *l, unsigned flags)
{
	struct stream *s = l->run.conn->s;
	struct work *w = l->rest;

	if (w) {
		w->at += (uint32_t)stream_write(s, w->data + w->at, w->len - w->at, STREAM_COPY);
		if (w->at < w->len)
			return false;
		work_free(w);
		l->rest = NULL;
	}
	if (l->owed)
		l->owed = (uint8_t)(l->owed - stream_write(s, l->frame + FRAME_MAX - l->owed,
							    l->owed, flags));
	return l->owed == 0;
}

static void open_chunk(struct later *l, size_t len)
{
	char text[8];

	l->left = (uint32_t)MIN(len, CHUNK_MAX);
	if (l->chunked)
		owe(l, text, (size_t)snprintf(text, sizeof(text), "%x\r\n", (unsigned)l->left));
}

/* A chunk with its framing as one: one segment, one record. */
static void write_small(struct later *l, const void *data, size_t len)
{
	struct stream *s = l->run.conn->s;
	char text[SMALL + FRAME_MAX];
	size_t n = 0, taken;

	if (l->chunked)
		n = (size_t)snprintf(text, sizeof(text), "%x\r\n", (unsigned)len);
	memcpy(text + n, data, len);
	n += len;
	if (l->chunked) {
		memcpy(text + n, "\r\n", 2);
		n += 2;
	}
	taken = stream_write(s, text, n, STREAM_COPY);
	if (taken < n)
		keep(l, text + taken, n - taken);
}

/* As much of a longer piece as there is room for: how much. */
static size_t write_large(struct later *l, const char *data, size_t len)
{
	struct stream *s = l->run.conn->s;
	size_t done = 0;

	while (pay(l, done < len ? STREAM_MORE : STREAM_COPY) && done < len) {
		size_t n = MIN(len - done, l->left);
		bool whole = l->chunked && n == l->left && stream_room(s) > n + FRAME_MAX;

		if (n == 0) {
			open_chunk(l, len - done);
			continue;
		}
		n = stream_write(s, data + done, n, whole ? STREAM_MORE : STREAM_COPY);
		done += n;
		l->left -= (uint32_t)n;
		if (n == 0)
			break;
		if (l->left == 0 && l->chunked)
			owe(l, "\r\n", 2);
	}
	return done;
}

long later_write_some(struct later *l, const void *data, size_t len)
{
	ASSERT(l->begun);
	if (!l->run.conn || l->broken)
		return -ECONNRESET;
	if (l->mute)
		return -EPIPE;         /* a writer that never waits would hold the CPU */
	if (len <= SMALL && len > 0 && l->left == 0 && pay(l, STREAM_MORE))
		write_small(l, data, len);
	else
		len = write_large(l, data, len);
	if (!net_in_loop())
		net_kick();
	return (long)len;
}

void later_watch(struct later *l, struct event *e)
{
	l->run.watch = e;
}

int later_write(struct later *l, const void *data, size_t len, ktime deadline)
{
	ktime patience = SECONDS(http_settings.write_timeout);
	struct event room = {0};

	for (;;) {
		long n = later_write_some(l, data, len);
		ktime until = MIN(deadline, clock_now() + patience);
		int err;

		if (n < 0 || (size_t)n == len)
			return n < 0 ? (int)n : 0;
		data = (const char *)data + n;
		len -= (size_t)n;
		l->run.watch = &room;
		err = event_wait(&room, until);
		l->run.watch = NULL;
		if (err < 0) {
			l->broken = true;      /* the rest will not come: no last chunk */
			if (err == -ETIMEDOUT && until < deadline)
				http_counters[COUNT_TIMEOUTS].n++;
			return err;
		}
	}
}

/* ---- Beginning and end ----------------------------------------------------------- */

/* Sends the head; what does not fit is kept. The request's own answer is to be sent instead when
 * nothing could be: false. */
static bool begin(struct later *l, const char *type)
{
	char head[RESPONSE_HEAD_MAX];
	struct response *res = &l->req->res;
	bool bare = res->status == 204 || res->status == 304;
	enum persist persist;
	size_t len, n;

	response_begin(res, type);
	if (res->failed)
		return false;
	l->begun = true;
	l->mute = l->head_only || bare;
	l->chunked = !l->mute && l->minor > 0;
	if (l->minor == 0)
		l->flags |= HTTP_CLOSE;
	persist = request_persist(l->flags, l->minor);
	l->last = persist == PERSIST_CLOSE;
	len = response_stream_head(head, res, persist, l->minor > 0 && !bare, clock_now());
	n = stream_write(l->run.conn->s, head, len, STREAM_COPY);
	if (n < len)
		keep(l, head + n, len - n);
	return true;
}

int later_stream(struct later *l, const char *type)
{
	struct request *r = l->req;

	ASSERT(l->answering && !l->begun);
	l->answering = false;
	if (!l->run.conn || !begin(l, type))
		l->begun = l->broken = true;
	if (r->done)
		later_park(r);
	return l->broken ? -ECONNRESET : 0;
}

/* Everything is queued, or kept until there is room: the connection goes on. */
static enum step finish(struct later *l)
{
	struct conn *c = l->run.conn;
	ktime now = clock_now();
	struct work *w;

	if (!l->mute)
		pay(l, STREAM_MORE);
	if (l->chunked)
		owe(l, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
	w = l->rest;
	l->rest = NULL;
	if (!w)
		return write_bytes(c, l->frame + FRAME_MAX - l->owed, l->owed, l->last, now);
	if (!work_grow(&w, w->len + l->owed, c)) {
		work_free(w);
		conn_abort(c);
		return STEP_GONE;
	}
	memcpy(w->data + w->len, l->frame + FRAME_MAX - l->owed, l->owed);
	w->len += l->owed;
	return write_work(c, w, l->last, now);
}

static enum step end(struct later *l)
{
	enum step step = STEP_GONE;

	if (l->run.conn && l->left == 0 && !l->broken)
		step = finish(l);
	else if (l->run.conn)
		conn_abort(l->run.conn);
	later_put(l);
	return step;
}

/* ---- By a handler, or as long as one runs -------------------------------------- */

static enum step handler_ready(struct conn *c)
{
	struct later *l = (struct later *)c->run;

	if (l->req->done)
		return end(l);
	later_ready(l);
	return STEP_WAIT;
}

static void handler_left(struct request *r)
{
	later_put(r->later);
}

static void handler_gone(struct run *run)
{
	struct later *l = (struct later *)run;

	later_gone(run);
	if (l->req->done)
		later_put(l);          /* it was about to end */
}

static const struct run_ops handler_ops = {handler_ready, handler_gone, handler_left};

void later_end(struct later *l)
{
	struct stream *s = l->run.conn ? l->run.conn->s : NULL;

	ASSERT(l->begun);
	l->told = true;
	if (l->req && !l->req->done)
		l->run.ops = l->req->run.ops = &handler_ops;
	else if (end(l) == STEP_AGAIN)
		stream_again(s);
}

int response_stream(struct request *r, const char *type)
{
	struct later *l;

	if (!r->run.conn)
		return -ECONNRESET;
	l = request_later(r, NULL, NULL);
	if (!l)
		return -ENOMEM;
	if (!begin(l, type)) {
		later_drop(l);
		return -ENOSPC;
	}
	l->run.ops = r->run.ops = &handler_ops;
	return 0;
}

int response_write(struct request *r, const void *data, size_t len)
{
	return r->later ? later_write(r->later, data, len, FOREVER) : -ECONNRESET;
}

void response_break(struct request *r)
{
	if (r->later)
		r->later->broken = true;
}

int response_print(struct request *r, const char *format, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -ENOSPC;
	return response_write(r, text, (size_t)n);
}

int response_events(struct request *r)
{
	response_header(&r->res, "Cache-Control", "no-cache");
	response_header(&r->res, "X-Accel-Buffering", "no");   /* nginx passes it on at once */
	return response_stream(r, "text/event-stream; charset=utf-8");
}

/* Text put together, to be written in as few pieces as possible. */
struct pile {
	struct request *req;
	size_t len;
	int err;
	char text[SMALL];
};

static void spill(struct pile *p)
{
	if (p->err == 0)
		p->err = response_write(p->req, p->text, p->len);
	p->len = 0;
}

static void pile(struct pile *p, const char *text, size_t len)
{
	while (len > 0 && p->err == 0) {
		size_t n = MIN(len, sizeof(p->text) - p->len);

		memcpy(p->text + p->len, text, n);
		p->len += n;
		text += n;
		len -= n;
		if (p->len == sizeof(p->text))
			spill(p);
	}
}

/* A field of an event, one line for each of its value's. */
static void pile_field(struct pile *p, const char *name, const char *value)
{
	while (value) {
		size_t len = strcspn(value, "\r\n");
		bool two = value[len] == '\r' && value[len + 1] == '\n';

		pile(p, name, strlen(name));
		pile(p, value, len);
		pile(p, "\n", 1);
		value = value[len] ? value + len + 1 + two : NULL;
	}
}

int response_event(struct request *r, const char *name, const char *id, const char *data)
{
	struct pile p;

	p.req = r;
	p.len = 0;
	p.err = 0;
	pile_field(&p, "event: ", name);
	pile_field(&p, "id: ", id);
	pile_field(&p, "data: ", data);
	pile(&p, "\n", 1);
	spill(&p);
	return p.err;
}
