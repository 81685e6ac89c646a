/* SPDX-License-Identifier: MIT */
/* Buffers for requests that arrive in pieces and answers that wait for room. They
 * grow as bytes really arrive, so that holding memory costs a client the same
 * in bytes sent; all together stay within a share of the heap, and when that is
 * used up the request that has been collected for longest gets a 503. */
#include <stdlib.h>
#include <string.h>

#include "net/http/impl.h"

static size_t budget, in_use;

void work_init(size_t bytes)
{
	budget = bytes;
	in_use = 0;
}

static size_t bytes_of(size_t cap)
{
	return sizeof(struct work) + cap;
}

/* Ends the oldest collected request but self's: true when there was one. */
static bool make_room(const struct conn *self)
{
	struct conn *oldest = NULL;

	for (enum conn_state state = CONN_HEAD; state <= CONN_BODY; state++) {
		struct conn *c = conn_oldest(state);

		if (c && c == self)
			c = c->next;
		if (c && (!oldest || (int32_t)(c->since - oldest->since) < 0))
			oldest = c;
	}
	if (!oldest)
		return false;
	http_counters[COUNT_BUSY].n++;
	if (stream_room(oldest->s) < RESPONSE_REFUSAL_MAX)
		conn_abort(oldest);     /* never asks for memory itself */
	else
		write_refusal(oldest, 503, request_is_head(oldest->work->data, oldest->work->len));
	return true;
}

/* As realloc(), and nothing stays behind where it was: it may be a key. */
static struct work *move(struct work *w, size_t cap)
{
	struct work *n = malloc(bytes_of(cap));

	if (n) {
		memcpy(n, w, bytes_of(MIN((size_t)w->cap, cap)));
		mem_wipe(w, bytes_of(w->cap));
		free(w);
	}
	return n;
}

/* realloc() within the budget. What comes from a client moves with care; an answer, which has no
 * conn, need not. */
static struct work *resize(struct work *w, size_t cap, const struct conn *self)
{
	size_t old = w ? bytes_of(w->cap) : 0;

	for (;;) {
		struct work *n = NULL;

		if (in_use - old + bytes_of(cap) <= budget)
			n = w && self ? move(w, cap) : realloc(w, bytes_of(cap));
		if (n) {
			in_use += bytes_of(cap) - old;
			n->cap = (uint32_t)cap;
			return n;
		}
		if (!make_room(self))
			return NULL;
	}
}

struct work *work_new(size_t cap, const struct conn *self)
{
	struct work *w = resize(NULL, cap, self);

	if (w) {
		w->len = w->at = 0;
		w->scan = HTTP_SCAN_START;
		w->left = 0;
		w->chunk = (struct http_chunk){0};
	}
	return w;
}

bool work_grow(struct work **w, size_t cap, const struct conn *self)
{
	struct work *n = resize(*w, cap, self);

	if (!n)
		return false;
	*w = n;
	return true;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	in_use -= bytes_of(w->cap);
	mem_wipe(w, bytes_of(w->cap));
	free(w);
}
