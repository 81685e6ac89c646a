/* SPDX-License-Identifier: MIT */
/* Waiting for sockets (net/bsd/bsd.h): poll(), select(), and the wait of every other call.
 *
 * A sock tells one event of its changes, but any number of tasks may wait for it: they stand in
 * a queue, the first has the sock's word, and passes it on to those behind it each time it wakes,
 * thus before it leaves, too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "kernel/kernel.h"
#include "net/bsd/bsd.h"

#define FEW 4                          /* waited for without asking for memory */
#define SELECT_MAX_S 100000000         /* three years are long enough for select() */

/* One task that waits for one socket. */
struct bsd_waiter {
	struct bsd *bsd;               /* NULL: a descriptor that is none, or closed meanwhile */
	struct bsd_waiter *next, *prev;
	struct event *event;
};

/* ---- The queue of a socket ---------------------------------------------- */

static void watch(struct bsd *b)
{
	if (b->sock)
		sock_watch(b->sock, b->first ? b->first->event : NULL);
}

static void join(struct bsd_waiter *w, struct bsd *b, struct event *e)
{
	*w = (struct bsd_waiter){ .bsd = b, .prev = b->last, .event = e };
	if (b->last) {
		b->last->next = w;
	} else {
		b->first = w;
		watch(b);
	}
	b->last = w;
}

static void leave(struct bsd_waiter *w)
{
	struct bsd *b = w->bsd;

	if (!b)
		return;
	if (w->next)
		w->next->prev = w->prev;
	else
		b->last = w->prev;
	if (w->prev) {
		w->prev->next = w->next;
		return;
	}
	b->first = w->next;
	watch(b);
}

static void pass_on(const struct bsd_waiter *w)
{
	if (w->bsd)
		for (const struct bsd_waiter *next = w->next; next; next = next->next)
			if (next->event != w->event)    /* one poll() may name a socket twice */
				event_signal(next->event);
}

void bsd_changed(struct bsd *b)
{
	for (struct bsd_waiter *w = b->first; w; w = w->next)
		event_signal(w->event);
}

void bsd_forget(struct bsd *b)
{
	bsd_changed(b);
	for (struct bsd_waiter *w = b->first; w; w = w->next)
		w->bsd = NULL;
	b->first = b->last = NULL;
	watch(b);
}

void bsd_connected(struct bsd *b, struct sock *s)
{
	b->sock = s;
	watch(b);
	bsd_changed(b);
}

/* ---- Readiness ---------------------------------------------------------- */

/* An unconnected socket is POLLOUT | POLLHUP, as Linux has it. */
static short ready(struct bsd *b, short events)
{
	unsigned is = b->sock ? sock_ready(b->sock, SOCK_READ | SOCK_WRITE) : SOCK_WRITE;
	int err = b->sock ? sock_error(b->sock) : 0;
	int r = 0;

	if ((is & SOCK_READ) || b->no_more_reads)
		r |= POLLIN | POLLRDNORM;
	if ((is & SOCK_WRITE) || b->no_more_writes)
		r |= POLLOUT | POLLWRNORM;
	r &= events;
	if (err < 0 && err != -EINPROGRESS)
		r |= POLLERR | POLLHUP;
	if (!b->sock)
		r |= POLLHUP;
	return (short)r;
}

static struct bsd *lookup(int fd)
{
	int saved = errno;
	struct bsd *b = bsd_of(fd);

	errno = saved;
	return b;
}

/* Fills in revents: how many have any. `waiters` knows of what was closed meanwhile. */
static int scan(struct pollfd *fds, size_t n, const struct bsd_waiter *waiters)
{
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		struct bsd *b = waiters ? waiters[i].bsd : lookup(fds[i].fd);

		fds[i].revents = fds[i].fd < 0 ? 0 : b ? ready(b, fds[i].events) : POLLNVAL;
		count += fds[i].revents != 0;
	}
	return count;
}

/* Their peers are told that more is expected. */
static void expect(const struct pollfd *fds, size_t n, const struct bsd_waiter *waiters)
{
	for (size_t i = 0; i < n; i++)
		if ((fds[i].events & POLLIN) && waiters[i].bsd && waiters[i].bsd->sock)
			sock_expect(waiters[i].bsd->sock);
}

/* None is ready. */
static int wait_for(struct pollfd *fds, size_t n, struct bsd_waiter *waiters, ktime deadline)
{
	struct event e = { 0 };
	int count = 0, err = 0;

	for (size_t i = 0; i < n; i++) {
		waiters[i] = (struct bsd_waiter){ 0 };
		if (fds[i].fd >= 0)
			join(&waiters[i], lookup(fds[i].fd), &e);
	}
	while (count == 0 && err == 0) {
		expect(fds, n, waiters);
		err = event_wait(&e, deadline);
		for (size_t i = 0; i < n; i++)
			pass_on(&waiters[i]);
		count = scan(fds, n, waiters);
	}
	for (size_t i = 0; i < n; i++)
		leave(&waiters[i]);
	if (count == 0)
		task_yield();          /* the wait may have failed at once, again and again */
	return count > 0 ? count : err;
}

/* A look that does not wait still lets others run, or who looks again and again would starve
 * those who make it ready. */
static int look_again(struct pollfd *fds, size_t n)
{
	int count;

	task_yield();
	count = scan(fds, n, NULL);
	return count > 0 ? count : task_cancelled() ? -ECANCELED : -ETIMEDOUT;
}

int bsd_wait_any(struct pollfd *fds, size_t n, ktime deadline)
{
	struct bsd_waiter few[FEW], *waiters = few;
	int count = scan(fds, n, NULL);

	if (count > 0)
		return count;
	if (deadline <= clock_now())
		return look_again(fds, n);
	if (n > FEW) {
		waiters = n <= FD_SETSIZE ? malloc(n * sizeof(*waiters)) : NULL;
		if (!waiters)
			return -ENOMEM;
	}
	count = wait_for(fds, n, waiters, deadline);
	if (waiters != few)
		free(waiters);
	return count;
}

int bsd_wait(int fd, short events, ktime deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = bsd_wait_any(&p, 1, deadline);

	return n < 0 ? n : p.revents & POLLNVAL ? -EBADF : 0;
}

/* ---- What libraries call ------------------------------------------------ */

/* 0 also at the deadline, but at the task's limit an error: who asks again and again must end. */
static int polled(struct pollfd *fds, size_t n, ktime deadline)
{
	int count = bsd_wait_any(fds, n, deadline);
	ktime limit = task_limit(FOREVER), now = clock_now();

	task_limit(limit);
	if (count == -ETIMEDOUT && now >= deadline && now < limit)
		return 0;
	return count < 0 ? bsd_fail(count) : count;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return polled(fds, n, timeout_ms < 0 ? FOREVER : clock_after_ms(timeout_ms));
}

static bool in_set(int fd, const fd_set *set)
{
	return set && FD_ISSET(fd, set);
}

static short wanted(int fd, const fd_set *readable, const fd_set *writable, const fd_set *odd)
{
	return (short)((in_set(fd, readable) ? POLLIN : 0) | (in_set(fd, writable) ? POLLOUT : 0) |
		       (in_set(fd, odd) ? POLLPRI : 0));
}

/* Leaves in the set what is ready: how many that are. */
static int keep(fd_set *set, const struct pollfd *fds, size_t n, int bits)
{
	int count = 0;

	if (!set)
		return 0;
	FD_ZERO(set);
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents & bits) {
			FD_SET(fds[i].fd, set);
			count++;
		}
	return count;
}

/* The descriptors below `most` that a set holds, into fds unless that is NULL: how many; -EBADF. */
static int gather(struct pollfd *fds, int most, const fd_set *r, const fd_set *w, const fd_set *o)
{
	int n = 0;

	for (int fd = 0; fd < most; fd++) {
		short events = wanted(fd, r, w, o);

		if (!events)
			continue;
		if (!lookup(fd))
			return -EBADF;
		if (fds)
			fds[n] = (struct pollfd){ .fd = fd, .events = events };
		n++;
	}
	return n;
}

int pselect(int most, fd_set *readable, fd_set *writable, fd_set *odd,
	    const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd few[FEW], *fds = few;
	int n = gather(NULL, MIN(most, FD_SETSIZE), readable, writable, odd), count;
	ktime deadline = FOREVER;

	if (most < 0 || (timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0)))
		return bsd_fail(-EINVAL);
	if (timeout)
		deadline = clock_now() + SECONDS(MIN(timeout->tv_sec, SELECT_MAX_S)) +
			   timeout->tv_nsec;
	if (n < 0)
		return bsd_fail(n);
	if (n > FEW)
		fds = malloc((size_t)n * sizeof(*fds));
	if (!fds)
		return bsd_fail(-ENOMEM);
	gather(fds, MIN(most, FD_SETSIZE), readable, writable, odd);
	count = polled(fds, (size_t)n, deadline);
	if (count >= 0)
		count = keep(readable, fds, (size_t)n, POLLIN | POLLHUP | POLLERR | POLLNVAL) +
			keep(writable, fds, (size_t)n, POLLOUT | POLLERR | POLLNVAL) +
			keep(odd, fds, (size_t)n, POLLPRI);
	if (fds != few)
		free(fds);
	return count;
}

int select(int most, fd_set *readable, fd_set *writable, fd_set *odd, struct timeval *timeout)
{
	struct timespec t;

	if (timeout)
		t = (struct timespec){ timeout->tv_sec, (long)timeout->tv_usec * 1000 };
	return pselect(most, readable, writable, odd, timeout ? &t : NULL, NULL);
}
