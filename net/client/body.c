/* SPDX-License-Identifier: MIT */
/* The body of an answer: RFC 9112 §6, §7.1. What the peer has sent lies in its stream until it is
 * read here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/client/impl.h"

#define EXTRA_MAX BUDGET_HEAD          /* of chunk extensions and trailers */
#define FIRST 1024u                    /* first room for a body of unknown length */

/* An end that comes before that of the body. */
static long cut_short(long n)
{
	return n == 0 || n == -ECONNRESET ? -EPROTO : n;
}

static long read_length(struct client *c, void *buf, size_t len)
{
	long n = cut_short(sock_read(c->s, buf, (size_t)MIN((uint64_t)len, c->left),
				     c->deadline));

	if (n > 0 && (c->left -= (uint64_t)n) == 0)
		c->mode = BODY_NONE;
	return n;
}

/* One step through what has arrived: bytes of body, 0: none in it, or -errno. */
static long chunk_step(struct client *c, void *buf, size_t len)
{
	const uint8_t *data;
	size_t n = sock_peek(c->s, &data), used, found;
	int r;

	if (n == 0)
		return cut_short(sock_error(c->s));
	r = http_chunk_next(&c->chunk, data, MIN(n, len), EXTRA_MAX, &used, &found);
	if (r < 0)
		return r == -431 ? -EMSGSIZE : -EPROTO;
	if (found > 0)
		memcpy(buf, data + used - found, found);
	sock_consume(c->s, used);
	if (r == HTTP_CHUNK_END)
		c->mode = BODY_NONE;
	return (long)found;
}

static long read_chunked(struct client *c, void *buf, size_t len)
{
	long n = 0;

	while (n == 0 && c->mode == BODY_CHUNKED) {
		n = sock_wait(c->s, SOCK_READ, c->deadline);
		if (n > 0)
			n = chunk_step(c, buf, len);
	}
	return n;
}

static long read_to_close(struct client *c, void *buf, size_t len)
{
	long n = sock_read(c->s, buf, len, c->deadline);

	if (n == 0)
		c->mode = BODY_NONE;
	return n == -ECONNRESET ? -EPROTO : n;
}

long client_read(struct client *c, void *buf, size_t len)
{
	ASSERT(len > 0);
	if (c->mode != BODY_NONE && clock_now() >= c->deadline)
		return -ETIMEDOUT;             /* also of a peer that is never silent */
	switch (c->mode) {
	case BODY_LENGTH:
		return read_length(c, buf, len);
	case BODY_CHUNKED:
		return read_chunked(c, buf, len);
	case BODY_TO_CLOSE:
		return read_to_close(c, buf, len);
	case BODY_NONE:
		break;
	}
	return 0;
}

/* Room for at least one byte more and a NUL, of at most max + 2 bytes: 0 or -errno. */
static int make_room(struct client *c, size_t *cap, size_t max)
{
	size_t more = *cap ? *cap * 2 : c->mode == BODY_LENGTH ? (size_t)c->left + 2 : FIRST;
	char *body;

	if (*cap > c->body_len + 1)
		return 0;
	more = MIN(more, max + 2);
	body = malloc(more);
	if (!body)
		return -ENOMEM;
	if (c->body) {                         /* as realloc(), but secrets do not stay behind */
		memcpy(body, c->body, c->body_len);
		mem_wipe(c->body, c->body_len);
		free(c->body);
	}
	c->body = body;
	*cap = more;
	return 0;
}

/* One byte of room more than max, so that a body that is too long shows. */
static int collect(struct client *c, size_t max)
{
	size_t cap = 0;
	long n;

	max = MIN(max, SIZE_MAX / 2);          /* that it can be added to */
	if (c->mode == BODY_LENGTH && c->left > max)
		return -EMSGSIZE;
	do {
		n = make_room(c, &cap, max);
		if (n == 0)
			n = client_read(c, c->body + c->body_len, cap - c->body_len - 1);
		if (n > 0)
			c->body_len += (size_t)n;
		if (c->body_len > max)
			return -EMSGSIZE;
	} while (n > 0);
	if (n == 0)
		c->body[c->body_len] = 0;
	return (int)n;
}

int client_fetch(struct client **out, const struct client_request *q)
{
	int err = client_open(out, q);

	if (err < 0)
		return err;
	err = collect(*out, q->max);
	if (err < 0) {
		client_counters[CLIENT_FAILED].n++;
		client_close(*out);
		*out = NULL;
		return err;
	}
	client_done(*out);
	return 0;
}
