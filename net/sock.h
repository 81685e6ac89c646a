/* SPDX-License-Identifier: MIT */
/* CONTRACT transport -> clients: TCP connections that a task opens and reads as if it blocked.
 *
 * A sock is a stream (net/stream.h) whose reader and writer are tasks. Every call marked "waits"
 * takes an absolute deadline, is cut short by the task's own limit, and returns -ECANCELED in a
 * task that was cancelled (kernel/job.h). Errors: -ETIMEDOUT the deadline, -ECONNREFUSED,
 * -ECONNRESET, -EHOSTUNREACH, -ENOMEM no connection free, -EADDRNOTAVAIL no port free. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "kernel/task.h"
#include "net/addr.h"

struct sock;

/* Connects to `host`, a name (resolved by DNS, both families tried) or an address as text. 0 and
 * *s, which the caller owns until sock_close() or sock_abort(), or what net_resolve() says of the
 * name. Waits. */
int sock_connect(struct sock **s, const char *host, uint16_t port, ktime deadline);

/* Goes on in TLS (net/tls.h, tls_connect) as a client of `host`, for whom the server must have a
 * certificate, `alpn` being the protocol or NULL: 0, or -errno, said on the console, after which
 * nothing but sock_close() or sock_abort() is of use. Waits. */
int sock_start_tls(struct sock *s, const char *host, const char *alpn, ktime deadline);

/* Begins to connect to an address; never waits: sock_ready(s, SOCK_WRITE) follows, sock_error()
 * says how it went. */
int sock_connect_start(struct sock **s, const struct endpoint *to);

/* Reads 1..len bytes: how many, 0 at the end of the peer's stream, or -errno. Waits. */
long sock_read(struct sock *s, void *buf, size_t len, ktime deadline);

/* What has arrived, in place, contiguous (the whole if `len` bytes or fewer have; else at least
 * one); sock_consume() drops it. 0 when nothing is there. Never waits. */
size_t sock_peek(struct sock *s, const uint8_t **data);
void sock_consume(struct sock *s, size_t n);

/* Writes all of it: 0, or -errno, when some may have been sent. Waits for room: a peer that does
 * not read slows the writer. */
int sock_write(struct sock *s, const void *data, size_t len, ktime deadline);

/* Writes what there is room for now: 0..len, or -errno. Never waits. */
long sock_write_some(struct sock *s, const void *data, size_t len);

/* Which of SOCK_READ (bytes, the end or an error are there) and SOCK_WRITE (connected and room, or
 * an error) hold now, of those wanted. Never waits. */
enum { SOCK_READ = 1, SOCK_WRITE = 2 };
unsigned sock_ready(struct sock *s, unsigned want);

/* Waits until sock_ready(s, want) is not 0, and returns it; or -errno of the wait. Waits. */
int sock_wait(struct sock *s, unsigned want, ktime deadline);

/* e is signalled whenever sock_ready() may have changed; NULL: nobody. Who waits so for SOCK_READ
 * calls sock_expect() before, as sock_wait() does: the peer may wait until it hears that we have
 * what it has sent so far. Neither waits. */
void sock_watch(struct sock *s, struct event *e);
void sock_expect(struct sock *s);

/* 0, -EINPROGRESS while connecting, or why it died. */
int sock_error(const struct sock *s);
const struct endpoint *sock_peer(const struct sock *s);

/* No more will be written: FIN. */
void sock_shutdown(struct sock *s);

/* Ends it in order (FIN after what was written), or with a reset; s is invalid afterwards. Never
 * waits. */
void sock_close(struct sock *s);
void sock_abort(struct sock *s);
