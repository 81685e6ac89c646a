/* SPDX-License-Identifier: MIT */
/* What the HTTP server stands on, scripted: streams, time, tasks and memory. No
 * panic() and no log: tests take tests/unit/fake_kernel.c for these. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "net/stream.h"

struct fake_piece {
	uint8_t *data; /* malloc()ed, exactly len bytes: the sanitizer guards its end */
	size_t len, used;
	struct fake_piece *next;
};

struct fake_stream {
	struct stream stream;          /* first */
	void *conn;
	struct fake_piece *in;
	bool ended, closed, aborted, again, short_write, opening;
	size_t room;                   /* what the peer would still take */
	size_t unacked;
	char *out;                     /* all that was written, NUL terminated */
	size_t out_len;
	unsigned writes;
	unsigned more;                 /* of these, with STREAM_MORE */
};

/* Starts a server with these settings, as words; everything before is forgotten. */
void fake_start(const char *words, unsigned max_streams);

/* Streams belong to the test: fake_free() each, also closed ones. fake_open()
 * gives NULL when the newcomer was reset. */
struct fake_stream *fake_open(uint32_t ip4);
void fake_input(struct fake_stream *s, const void *data, size_t len); /* one piece, then ready() */
void fake_queue(struct fake_stream *s, const void *data, size_t len);   /* without ready() */
void fake_ready(struct fake_stream *s);
void fake_end(struct fake_stream *s);                                   /* the peer's FIN */
void fake_reset(struct fake_stream *s);                                 /* gone() */
/* The peer takes more, acknowledging all before. */
void fake_room(struct fake_stream *s, size_t more);
void fake_free(struct fake_stream *s);

/* Moves time on and ends what is due. */
void fake_pass(ktime ns);

/* In a handler: waits, so that the net loop goes on without it. fake_resume()
 * lets the oldest that waits go on, to its end or its next wait; what it waits for by event_wait()
 * has come then, or the time is up. */
void fake_wait(void);
void fake_resume(void);
bool fake_waiting(void);               /* a handler waits */

extern int64_t fake_unix_ns;           /* -1: unknown */
extern unsigned fake_signals;          /* net_timer_due() calls */
extern size_t fake_heap_limit;         /* malloc() budget reported to the server */

/* Objects out of all pools. */
unsigned fake_pool_used(const char *name);
