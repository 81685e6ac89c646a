/* SPDX-License-Identifier: MIT */
/* Inside the transport: what tcp.c, close.c, connect.c and the loop share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "net/stream.h"

struct tcp_pcb;
struct pbuf;

/* A connection, and the stream that its protocol sees. */
struct tcp {
	struct stream stream;          /* first */
	struct tcp_pcb *pcb;           /* NULL once lwIP has freed it, or closes it alone */
	const struct stream_ops *ops;
	void *conn;                    /* the protocol's, from opened() */
	struct tcp *next_ready;
	uint16_t flags;
	int16_t why;                   /* it has died: -errno for gone() */

	/* Input: a queue of lwIP's buffers. */
	struct pbuf *in, *in_last;
	uint32_t in_bytes;             /* in all of them, less in_skip */
	uint16_t in_pieces;
	uint16_t in_skip;              /* consumed of the first one */
	uint32_t credit;               /* consumed, lwIP not told yet */

	/* Output: only after stream_close(). */
	struct tcp *prev, *next;
	ktime deadline;
	uint32_t acked;                /* at the last look */
	uint32_t dropped;              /* input that came too late, bytes */
	unsigned looks;                /* without progress */

	uint32_t expected;             /* up to where input had come when more was expected */
};

enum {
	S_QUEUED = 1,                  /* in the ready queue or among the starved */
	S_OPENED = 2,                  /* opened() was called */
	S_ENDED = 4,                   /* the peer has closed its side */
	S_DEAD = 8,                    /* freed as soon as it leaves the queue */
	S_LINGERS = 16,                /* closed by the protocol, not yet by the peer */
	S_CLIENT = 32,                 /* we opened it, S_OPENED from the start */
	S_CONNECTING = 64,             /* its handshake is under way */
	S_SHUT = 128,                  /* our FIN is queued, the protocol reads on */
};

extern const struct stream_io tcp_io;  /* io.c */

/* tcp.c: boot. */
void streams_init(void);

/* Calls opened(), ready() and gone() for what was queued when it began; true
 * when more is queued. */
bool streams_run(void);

/* Runs what is due and says when to be called next. */
ktime streams_timers(ktime now);

/* The running ready() turned out to wait: what it wrote is sent, and it is
 * treated as another task from here on. */
void streams_handover(void);

/* Resets every connection whose own address is `a`: it is ours no more. */
void streams_drop_address(const struct addr *a);

/* Accepts no more; true while a connection is open or has yet to deliver. */
bool streams_drain(void);

/* For tcp_io's table: from tcp.c and close.c. */
void tcp_stream_again(struct stream *s);
void tcp_stream_abort(struct stream *s);
void tcp_stream_close(struct stream *s);

/* From tcp.c for io.c: sends what is queued, unless its ready() is running
 * and will; has ready() called when something was acknowledged, or a little
 * later when nothing is under way and memory was short. */
void stream_output(struct tcp *s);
void stream_want_room(struct tcp *s);
void stream_starve(struct tcp *s);

/* From tcp.c for connect.c: memory for a stream, not cleared, or NULL; has lwIP call us for
 * pcb, whose addresses are known; has the loop call its protocol; how many are not closed. */
struct tcp *stream_make(void);
void stream_attach(struct tcp *s, struct tcp_pcb *pcb);
void stream_enqueue(struct tcp *s);
extern unsigned stream_clients;

/* Between tcp.c and close.c. */
void stream_closed(struct tcp *s);
void stream_pass_over(struct tcp *s, size_t n);
void stream_release(struct tcp *s);
void stream_drop_input(struct tcp *s);
void stream_detach(struct tcp *s);
void stream_leave(struct tcp *s);
void linger_init(void);
bool linger_cut_oldest(void);
void linger_done(struct tcp *s);
bool linger_input(struct tcp *s, struct pbuf *p);
ktime linger_timers(ktime now);
bool linger_undelivered(void);
unsigned linger_max(void);
