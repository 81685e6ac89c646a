/* SPDX-License-Identifier: MIT */
/* Sending: what the transport does not take at once is kept until it does, and
 * nothing more of the connection is read meanwhile. */
#include <string.h>

#include "net/http_impl.h"

/* The answer is queued whole. */
static enum step written(struct conn *c, bool last, ktime now)
{
	if (last) {
		conn_close(c);
		return STEP_GONE;
	}
	c->unacked = (uint32_t)stream_unacked(c->s);
	conn_enter(c, CONN_IDLE, now);
	return STEP_AGAIN;
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

static unsigned flags(struct conn *c, bool last)
{
	return STREAM_COPY | (!last && stream_available(c->s) > 0 ? STREAM_MORE : 0);
}

enum step write_bytes(struct conn *c, const void *data, size_t len, bool last, ktime now)
{
	size_t n = stream_write(c->s, data, len, flags(c, last));

	if (n == len)
		return written(c, last, now);
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

enum step write_work(struct conn *c, struct work *w, bool last, ktime now)
{
	w->at += (uint32_t)stream_write(c->s, w->data + w->at, w->len - w->at, flags(c, last));
	if (w->at < w->len)
		return keep(c, w, last, now);
	work_free(w);
	return written(c, last, now);
}

enum step write_step(struct conn *c)
{
	struct work *w = c->work;
	bool last = c->flags & CONN_LAST;
	ktime now = clock_now();
	size_t n = stream_write(c->s, w->data + w->at, w->len - w->at, flags(c, last));

	w->at += (uint32_t)n;
	if (w->at == w->len) {
		conn_enter(c, CONN_IDLE, now);
		work_free(w);
		return written(c, last, now);
	}
	if (n > 0)
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
