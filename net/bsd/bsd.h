/* SPDX-License-Identifier: MIT */
/* BSD sockets for unmodified C libraries: what the files of net/bsd share, and how their
 * functions differ from POSIX.1-2017.
 *
 * Sources that are compiled with net/bsd/include first on their include path (every app, and the
 * libraries of its library.mk) get POSIX names whose calls yield instead of blocking: other
 * tasks run meanwhile. One call is one attempt on net/sock.h, which never waits, and a wait for
 * readiness, the same one for recv(), send(), connect(), poll() and select() (poll.c).
 *
 *	sockets		connected TCP over IPv4 and IPv6; else EAFNOSUPPORT, EPROTONOSUPPORT.
 *			bind(), listen(), accept(), socketpair(): EOPNOTSUPP
 *	descriptors	BSD_FIRST up, below FD_SETSIZE, one table for the whole image; a full one
 *			is EMFILE. The standard streams are none: write(1) is EBADF
 *	errno		per task. In a task that was cancelled every wait ends in ECANCELED; at the
 *			task's limit in ETIMEDOUT, at SO_RCVTIMEO or SO_SNDTIMEO in EAGAIN. ENOMEM:
 *			no stack was free for a handler that had to wait
 *	SO_ERROR	is not cleared by asking: a connection that has died stays so
 *	options		TCP_NODELAY and keepalives are always on; buffers are what they are
 *	close()		wakes those who wait for the descriptor: EBADF, POLLNVAL
 *	time		is Unix time as NTP has it; before it is known EAGAIN, time() is -1
 *	signals		there are none: no SIGPIPE, no EINTR */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/clock.h"
#include "kernel/task.h"
#include "net/sock.h"

#define BSD_FIRST 3                    /* after what a library takes for the standard streams */

/* An open socket. */
struct bsd {
	struct sock *sock;             /* NULL before connect() */
	struct bsd_waiter *first, *last;       /* who wait for it; sock_watch() tells the first */
	ktime recv_timeout, send_timeout;      /* 0: none */
	int family;
	bool nonblock, no_more_reads, no_more_writes;
};

/* The socket of a descriptor, or NULL and errno is EBADF. */
struct bsd *bsd_of(int fd);

/* -1, and errno is that of a negative errno. */
int bsd_fail(int err);

/* The sock of b, or NULL when there is none yet. Its first waiter is watching from then on. */
void bsd_connected(struct bsd *b, struct sock *s);

/* As poll(), with a deadline: how many of fds[n] have revents, or -errno: -ETIMEDOUT, of the wait
 * (event_wait()), -ENOMEM no memory for as many. Waits, or yields at least, unless one is ready. */
int bsd_wait_any(struct pollfd *fds, size_t n, ktime deadline);

/* Waits until fd is ready for POLLIN or POLLOUT, has died or is closed: 0, or -errno:
 * -ETIMEDOUT, -EBADF closed, or of the wait. */
int bsd_wait(int fd, short events, ktime deadline);

/* Ends every wait for b, which is being closed. */
void bsd_forget(struct bsd *b);
/* Makes those who wait for b look again. */
void bsd_changed(struct bsd *b);

/* An address as a struct sockaddr and back. -EAFNOSUPPORT, -EINVAL. */
struct sockaddr;
int bsd_endpoint(struct endpoint *e, const struct sockaddr *from, size_t len);
/* Cut at *len, which becomes its whole length. */
void bsd_sockaddr(struct sockaddr *to, unsigned *len, const struct endpoint *e);
