/* SPDX-License-Identifier: MIT */
/* CONTRACT net -> author: what happens by callback, without a stack: timers, connections, and
 * deferreds (kernel/deferred.h) that those fire. After Twisted's reactor.
 *
 * Everything lies in its owner's memory, as many as there is memory for. Callbacks are called from
 * the net loop and never wait: a wait in one returns -EDEADLK. They may set, clear and free
 * whatever they like, their own record included. The functions may be called from any task and
 * never wait. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/clock.h"
#include "kernel/deferred.h"
#include "net/addr.h"
#include "net/stream.h"

/* Boot, in app_main(), before anything else here. */
void reactor_init(void);

/* ---- Timers: any number of them --------------------------------------------------- */

struct timer {                     /* private; zero-initialised is not set */
	ktime at;
	void (*fn)(struct timer *t);
	struct timer *child, *next, *prev;
	bool set;
};

/* Calls fn(t) once when it is `at`. One that is set already is moved. */
void timer_set(struct timer *t, ktime at, void (*fn)(struct timer *t));

/* It is not called. Nothing where it is not set. */
void timer_clear(struct timer *t);

/* ---- Deferreds by time -------------------------------------------------------------- */

struct delay {                     /* private but d */
	struct deferred d;
	struct timer timer;
};

/* Fires y->d with NULL when it is `at`; cancelling y->d clears the timer. */
void delay_start(struct delay *y, ktime at);

struct timeout {                   /* private */
	struct timer timer;
	struct deferred *d;
	struct deferred_link link;
};

/* Cancels d when it is `at` and d has not fired; adds a link to d that turns this into -ETIMEDOUT.
 * o and d are kept until that link was called. */
void timeout_start(struct timeout *o, struct deferred *d, ktime at);

/* ---- Connections -------------------------------------------------------------------- */

struct connection;

/* What is done about a connection; each may be NULL but lost(). */
struct protocol {
	void (*made)(struct connection *c);                     /* established */
	void (*received)(struct connection *c, const void *data, size_t len);
	void (*room)(struct connection *c);                     /* after a short write */
	void (*lost)(struct connection *c, int why);            /* -errno; 0: the peer ended it */
};

struct connection {                /* private */
	struct stream *s;          /* NULL: closed */
	const struct protocol *protocol;
	bool made, short_of_room;
	bool *open;                /* while a callback runs: false once it has closed it */
};

/* Connects to `to`: 0, and one of made() and lost() follows; or as stream_connect(). */
int connection_open(struct connection *c, const struct endpoint *to, const struct protocol *p);

/* Sends up to len bytes: how many were taken (0..len). room() follows when more fit. */
size_t connection_write(struct connection *c, const void *data, size_t len);

/* What has come is not all: as stream_expect(). */
void connection_expect(struct connection *c);

/* Ends it: in order, or with a reset, which is all there is before it was made. Nothing is called
 * afterwards. Nothing where it is closed. */
void connection_close(struct connection *c);
void connection_abort(struct connection *c);
