/* SPDX-License-Identifier: MIT */
/* CONTRACT transport -> protocol: byte streams, accepted or opened, event-driven.
 *
 * A stream is one TCP connection (net/tcp*.c), or a TLS session on one
 * (net/tls). Its protocol is called from the net loop, never from inside lwIP,
 * and holds no stack between calls. No function here waits. Each may be called
 * from any task; one that does not hold the loop calls net_kick() afterwards.
 * net/tcp*.c are the only files besides net/port that include lwIP's TCP
 * headers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

/* Valid until gone(), stream_close() or stream_abort(). */
struct stream {
	const struct stream_io *io;
	struct endpoint peer, local;
	bool secure;                   /* by TLS */
	bool admin;                    /* its peer may administer this machine */
};

/* The protocol's side. */
struct stream_ops {
	/* An accepted connection is established. Returns the protocol's own state for it,
	 * or NULL: it is reset. May call stream_again(), must not close s. */
	void *(*opened)(struct stream *s);

	/* Something changed: input arrived, the peer closed its side, or room
	 * became free after a short write. Called once per batch of changes. */
	void (*ready)(void *conn);

	/* The stream has died under us (reset, retransmission time-out): -errno.
	 * s is no longer valid. Not called after stream_close/abort. */
	void (*gone)(void *conn, int why);

	/* Every connection slot is taken and one more has come: close the
	 * connection that is worth least and return true, or false: the newcomer is refused. */
	bool (*evict)(void);
};

/* Accepts TCP on every address, `port` in host order. 0, -EADDRINUSE, -ENOMEM. */
int stream_listen(uint16_t port, const struct stream_ops *ops);

/* Begins to connect to `to`: 0 and *s, whose `ops->ready(conn)` is called once it is established;
 * until then nothing but stream_abort() may be done with it. ops->gone(conn, why) says that it
 * failed: -ECONNREFUSED, -ETIMEDOUT. -ENOMEM: BUDGET_CLIENTS streams are open, or memory is short;
 * -EADDRNOTAVAIL: every port is in use; -EHOSTUNREACH: no route, or no address of ours. The
 * members `opened` and `evict` of ops are not used. */
int stream_connect(struct stream **s, const struct endpoint *to, const struct stream_ops *ops,
		   void *conn);

/* Sends our FIN after what was written; reading goes on. Only of a stream that stream_connect()
 * made and that is established. */
void stream_shutdown(struct stream *s);

/* More is expected of the peer, which may wait for our word before it sends that (RFC 9293
 * §3.7.4): an acknowledgement that is owed for a segment that was not full goes out now and not
 * later (RFC 1122 §4.2.3.2). Only of a stream that stream_connect() made. */
void stream_expect(struct stream *s);

/* Gives such a stream to another protocol. */
void stream_hand_over(struct stream *s, const struct stream_ops *ops, void *conn);

enum { STREAM_COPY = 0, STREAM_REF = 1, STREAM_MORE = 2 };

/* What a stream does; called as stream_peek(s, ...) and so on, below. */
struct stream_io {
	/* Input at the front, contiguous, not copied: its length, 0 when none.
	 * Stable until consumed, also while more arrives. */
	size_t (*peek)(struct stream *s, const uint8_t **data);

	/* All input in hand, which may lie in several pieces, in bytes. */
	size_t (*available)(struct stream *s);

	/* Drops n <= stream_available() bytes from the front and opens the window. */
	void (*consume)(struct stream *s, size_t n);

	/* The peer has closed its side; what it sent before may still be unread. */
	bool (*ended)(struct stream *s);

	/* Queues up to len bytes to be sent; how many were taken (0..len): ready()
	 * follows when more fit, and the next write begins with those not taken.
	 * STREAM_REF: the bytes stay where they are, unchanged, until acknowledged
	 * (constants). STREAM_MORE: more may follow before this ready() ends, do not
	 * send a short segment yet; what was held back goes out when ready() returns
	 * or is handed over (net_call). */
	size_t (*write)(struct stream *s, const void *data, size_t len, unsigned flags);

	/* Bytes that a write would take now; and bytes sent or queued that the peer
	 * has not acknowledged yet. */
	size_t (*room)(struct stream *s);
	size_t (*unacked)(struct stream *s);

	/* Has ready() called once more from the loop, soon; kicks the loop itself. */
	void (*again)(struct stream *s);

	/* Ends it in order: what was written is delivered, then FIN; input is read and
	 * dropped for a bounded time so that no reset overtakes the answer
	 * (RFC 9112 §9.6). s is invalid afterwards. */
	void (*close)(struct stream *s);

	/* Ends it with a reset. s is invalid afterwards. */
	void (*abort)(struct stream *s);

	/* Whom the peer's certificate names, verified (RFC 4514: "CN=ann,O=example"), valid as
	 * long as s; NULL: nobody. This member may be NULL. */
	const char *(*identity)(struct stream *s);
};

static inline size_t stream_peek(struct stream *s, const uint8_t **data)
{
	return s->io->peek(s, data);
}

static inline size_t stream_available(struct stream *s) { return s->io->available(s); }
static inline void stream_consume(struct stream *s, size_t n) { s->io->consume(s, n); }
static inline bool stream_ended(struct stream *s) { return s->io->ended(s); }

static inline size_t stream_write(struct stream *s, const void *data, size_t len, unsigned flags)
{
	return s->io->write(s, data, len, flags);
}

static inline size_t stream_room(struct stream *s) { return s->io->room(s); }
static inline size_t stream_unacked(struct stream *s) { return s->io->unacked(s); }
static inline void stream_again(struct stream *s) { s->io->again(s); }
static inline void stream_close(struct stream *s) { s->io->close(s); }
static inline void stream_abort(struct stream *s) { s->io->abort(s); }

static inline const char *stream_identity(struct stream *s)
{
	return s->io->identity ? s->io->identity(s) : NULL;
}

/* How many accepted TCP connections there are now, and the most there can be. */
unsigned stream_count(void);
unsigned stream_max(void);
