/* SPDX-License-Identifier: MIT */
/* Sending: what the transport does not take at once is kept until it does, and
 * nothing more of the connection is read meanwhile. */
#include <string.h>

#include "net/http/impl.h"

/* The answer is queued whole. The next step is taken at once only when there is
 * something to do: input, or the end of it. */
static enum step written(struct conn *c, bool last, bool more, ktime now)
{
	if (last) {
		conn_close(c);
		return STEP_GONE;
	}
	c->unacked = (uint32_t)stream_unacked(c->s);
	conn_enter(c, CONN_IDLE, now);
	return more || stream_ended(c->s) ? STEP_AGAIN : STEP_WAIT;
}

/* What is left waits for room. */
static enum step keep(struct conn *c, struct work *w, bool last, ktime now)
{
	if (last)
		c->flags |= CONN_LAST;
	conn_enter(c, CONN_WRITE, now);
	c->work = w;
	c->unacked = (uint32_t)stream_unacked(c->s);
	return STEP_WAIT;
}

/* Whether another answer may follow at once, so that they can share a segment. */
static bool more_follows(struct conn *c, bool last)
{
	return !last && stream_available(c->s) > 0;
}

enum step write_bytes(struct conn *c, const void *data, size_t len, bool last, ktime now)
{
	bool more = more_follows(c, last);
	size_t n = stream_write(c->s, data, len, more ? STREAM_COPY | STREAM_MORE : STREAM_COPY);

	if (n == len)
		return written(c, last, more, now);
	struct work *w = work_new(len - n, c);

	if (!w) {
		http_counters[COUNT_LOST].n++;
		conn_abort(c);
		return STEP_GONE;
	}
	memcpy(w->data, (const char *)data + n, len - n);
	w->len = (uint32_t)(len - n);
	return keep(c, w, last, now);
}

/* Writes what it can of w: true when that was all. */
static bool write_some(struct conn *c, struct work *w, bool more)
{
	w->at += (uint32_t)stream_write(c->s, w->data + w->at, w->len - w->at,
					more ? STREAM_COPY | STREAM_MORE : STREAM_COPY);
	return w->at == w->len;
}

enum step write_work(struct conn *c, struct work *w, bool last, ktime now)
{
	bool more = more_follows(c, last);

	if (!write_some(c, w, more))
		return keep(c, w, last, now);
	work_free(w);
	return written(c, last, more, now);
}

enum step write_step(struct conn *c)
{
	struct work *w = c->work;
	bool last = c->flags & CONN_LAST, more = more_follows(c, last);
	uint32_t before = w->at;
	ktime now = clock_now();

	if (write_some(c, w, more)) {
		conn_enter(c, CONN_IDLE, now);
		work_free(w);
		return written(c, last, more, now);
	}
	if (w->at > before)
		keep(c, w, last, now);
	return STEP_WAIT;
}

enum step write_refusal(struct conn *c, unsigned status, bool head_only)
{
	char text[RESPONSE_REFUSAL_MAX];
	ktime now = clock_now();
	size_t len = response_refusal(text, status, head_only, now);

	if (c->state != CONN_IDLE) {
		work_free(c->work);
		conn_enter(c, CONN_IDLE, now);
	}
	return write_bytes(c, text, len, true, now);
}
