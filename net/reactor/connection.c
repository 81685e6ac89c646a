/* SPDX-License-Identifier: MIT */
/* Connections by callback (net/reactor.h) over net/stream.h. */
#include <errno.h>

#include "kernel/task.h"
#include "net/net.h"
#include "net/reactor.h"

/* A callback runs in the loop, which must not sleep. */
static int refuse_to_wait(void)
{
	return -EDEADLK;
}

/* Calls one of the protocol's functions: false when it has closed c, which may be gone then. */
static bool call(struct connection *c, void (*fn)(struct connection *c))
{
	bool open = true;

	if (!fn)
		return true;
	c->open = &open;
	task_before_wait(refuse_to_wait);
	fn(c);
	task_before_wait(NULL);
	if (open)
		c->open = NULL;
	return open;
}

/* The same for what has arrived. */
static bool receive(struct connection *c, const void *data, size_t len)
{
	bool open = true;

	c->open = &open;
	task_before_wait(refuse_to_wait);
	c->protocol->received(c, data, len);
	task_before_wait(NULL);
	if (open)
		c->open = NULL;
	return open;
}

static void lost(struct connection *c, int why)
{
	c->s = NULL;
	task_before_wait(refuse_to_wait);
	c->protocol->lost(c, why);
	task_before_wait(NULL);
}

static void ready(void *conn)
{
	struct connection *c = conn;
	bool was_made = c->made, was_short = c->short_of_room;
	const uint8_t *data;
	size_t len;

	c->made = true;
	c->short_of_room = false;
	if (!was_made && !call(c, c->protocol->made))
		return;
	if (was_short && !call(c, c->protocol->room))
		return;
	while ((len = stream_peek(c->s, &data)) > 0) {
		if (c->protocol->received && !receive(c, data, len))
			return;
		stream_consume(c->s, len);
	}
	if (stream_ended(c->s)) {
		stream_close(c->s);
		lost(c, 0);
	}
}

static void gone(void *conn, int why)
{
	lost(conn, why);
}

static const struct stream_ops ops = { .ready = ready, .gone = gone };

int connection_open(struct connection *c, const struct endpoint *to, const struct protocol *p)
{
	int err;

	*c = (struct connection){ .protocol = p };
	err = stream_connect(&c->s, to, &ops, c);
	if (err == 0 && !net_in_loop())
		net_kick();
	return err;
}

size_t connection_write(struct connection *c, const void *data, size_t len)
{
	size_t taken = c->s ? stream_write(c->s, data, len, STREAM_COPY) : 0;

	c->short_of_room |= taken < len;
	if (!net_in_loop())
		net_kick();
	return taken;
}

void connection_expect(struct connection *c)
{
	if (!c->s)
		return;
	stream_expect(c->s);
	if (!net_in_loop())
		net_kick();
}

static void end(struct connection *c, void (*how)(struct stream *s))
{
	struct stream *s = c->s;

	if (!s)
		return;
	c->s = NULL;
	if (c->open)
		*c->open = false;
	how(s);
	if (!net_in_loop())
		net_kick();
}

void connection_abort(struct connection *c)
{
	end(c, stream_abort);
}

void connection_close(struct connection *c)
{
	end(c, c->made ? stream_close : stream_abort);
}
