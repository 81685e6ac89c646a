/* SPDX-License-Identifier: MIT */
/* Descriptors, and what is done with a socket but waiting (net/bsd/bsd.h): POSIX.1-2017
 * <sys/socket.h>, <sys/uio.h>, and the parts of <unistd.h>, <fcntl.h> and <sys/ioctl.h> that
 * concern sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/bsd/bsd.h"

#define BSD_MAX (FD_SETSIZE - BSD_FIRST)

static struct pool pool = { .cap = 0 };
static struct bsd *table[BSD_MAX];

int bsd_fail(int err)
{
	errno = -err;
	return -1;
}

/* ---- Descriptors -------------------------------------------------------- */

struct bsd *bsd_of(int fd)
{
	if (fd >= BSD_FIRST && fd < FD_SETSIZE && table[fd - BSD_FIRST])
		return table[fd - BSD_FIRST];
	errno = EBADF;
	return NULL;
}

/* The lowest that is free, as POSIX has it; -1: none. */
static int free_fd(void)
{
	for (int i = 0; i < BSD_MAX; i++)
		if (!table[i])
			return i + BSD_FIRST;
	return -1;
}

int socket(int family, int type, int protocol)
{
	int fd, kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct bsd *b;

	if (family != AF_INET && family != AF_INET6)
		return bsd_fail(-EAFNOSUPPORT);
	if (kind != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP))
		return bsd_fail(-EPROTONOSUPPORT);
	if (!pool.cap)
		pool_init(&pool, "bsd_socket", sizeof(struct bsd), BSD_MAX);
	fd = free_fd();
	b = pool_get(&pool);
	if (!b)
		return bsd_fail(fd < 0 ? -EMFILE : -ENOMEM);
	*b = (struct bsd){ .family = family, .nonblock = type & SOCK_NONBLOCK };
	table[fd - BSD_FIRST] = b;
	return fd;
}

int close(int fd)
{
	struct bsd *b = bsd_of(fd);

	if (!b)
		return -1;
	bsd_forget(b);
	table[fd - BSD_FIRST] = NULL;
	if (b->sock)
		sock_close(b->sock);
	pool_put(&pool, b);
	return 0;
}

int fcntl(int fd, int command, ...)
{
	struct bsd *b = bsd_of(fd);
	va_list ap;
	int flags = 0;

	if (!b)
		return -1;
	switch (command) {
	case F_GETFL:
		return O_RDWR | (b->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		va_start(ap, command);
		flags = va_arg(ap, int);
		va_end(ap);
		b->nonblock = flags & O_NONBLOCK;
		return 0;
	case F_GETFD:
		return FD_CLOEXEC;
	case F_SETFD:
		return 0;
	default:
		return bsd_fail(-EINVAL);
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	struct bsd *b = bsd_of(fd);
	const uint8_t *data;
	va_list ap;
	int *value;

	if (!b)
		return -1;
	va_start(ap, request);
	value = va_arg(ap, int *);
	va_end(ap);
	switch (request) {
	case FIONBIO:
		b->nonblock = *value;
		return 0;
	case FIONREAD:
		*value = b->sock ? (int)sock_peek(b->sock, &data) : 0;
		return 0;
	default:
		return bsd_fail(-EINVAL);
	}
}

/* ---- Connecting --------------------------------------------------------- */

/* When a wait of this call ends by the socket's own timeout. */
static ktime deadline_of(ktime timeout)
{
	return timeout > 0 ? clock_now() + timeout : FOREVER;
}

/* The errno of a wait that failed, whose own deadline means "try again" in POSIX. */
static int why(int err, ktime deadline)
{
	return err == -ETIMEDOUT && clock_now() >= deadline ? -EAGAIN : err;
}

static int begin(struct bsd *b, const struct sockaddr *addr, socklen_t len)
{
	struct endpoint to;
	struct sock *s;
	int err = bsd_endpoint(&to, addr, len);

	if (err < 0)
		return err;
	if (addr->sa_family != b->family)
		return -EAFNOSUPPORT;
	err = sock_connect_start(&s, &to);
	if (err < 0)
		return err;
	bsd_connected(b, s);
	return 0;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct bsd *b = bsd_of(fd);
	bool fresh = b && !b->sock;
	ktime deadline;
	int err;

	if (!b)
		return -1;
	err = fresh ? begin(b, addr, len) : 0;
	if (err < 0)
		return bsd_fail(err);
	err = sock_error(b->sock);
	if (err == 0 && !fresh)
		return bsd_fail(-EISCONN);
	if (err != -EINPROGRESS)
		return err < 0 ? bsd_fail(err) : 0;
	if (b->nonblock)
		return bsd_fail(fresh ? -EINPROGRESS : -EALREADY);
	deadline = deadline_of(b->send_timeout);
	err = bsd_wait(fd, POLLOUT, deadline);
	if (err < 0)
		return bsd_fail(why(err, deadline) == -EAGAIN ? -EINPROGRESS : err);
	err = sock_error(b->sock);
	return err < 0 ? bsd_fail(err) : 0;
}

/* ---- Reading ------------------------------------------------------------ */

/* What there is now: 1..len bytes, 0 at the end, or -errno; -EAGAIN: nothing yet. */
static ssize_t read_now(struct bsd *b, uint8_t *buf, size_t len, bool peek)
{
	size_t got = 0, n;
	const uint8_t *data;
	int err;

	if (!b->sock)
		return -ENOTCONN;
	if (b->no_more_reads || len == 0)
		return 0;
	while (got < len && (n = sock_peek(b->sock, &data)) > 0) {
		n = MIN(n, len - got);
		memcpy(buf + got, data, n);
		got += n;
		if (peek)
			break;
		sock_consume(b->sock, n);
	}
	if (got > 0)
		return (ssize_t)got;
	err = sock_error(b->sock);
	if (err == -EINPROGRESS || (err == 0 && !sock_ready(b->sock, SOCK_READ)))
		return -EAGAIN;
	return err;
}

/* -1 with errno, but what was done before is told first. */
static ssize_t outcome(size_t done, ssize_t last)
{
	if (done > 0 || last == 0)
		return (ssize_t)done;
	return bsd_fail((int)last);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct bsd *b = bsd_of(fd);
	ktime deadline = b ? deadline_of(b->recv_timeout) : 0;
	size_t got = 0;
	ssize_t n;

	if (!b)
		return -1;
	for (;;) {
		n = read_now(b, (uint8_t *)buf + got, len - got, flags & MSG_PEEK);
		if (n > 0)
			got += (size_t)n;
		if (got == len || (n > 0 && (flags & (MSG_WAITALL | MSG_PEEK)) != MSG_WAITALL) ||
		    (n <= 0 && n != -EAGAIN))
			return outcome(got, n);
		if (n > 0)
			continue;
		if (b->nonblock || (flags & MSG_DONTWAIT))
			return outcome(got, n);
		n = bsd_wait(fd, POLLIN, deadline);
		if (n < 0)
			return outcome(got, why((int)n, deadline));
	}
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
		 socklen_t *from_len)
{
	if (from_len)
		*from_len = 0;         /* as a stream has it */
	return recv(fd, buf, len, flags);
}

ssize_t read(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, 0);
}

/* Into one buffer after the other, waiting for the first byte only. */
static ssize_t read_all(int fd, const struct iovec *iov, int n, int flags)
{
	ssize_t sum = 0;

	for (int i = 0; i < n; i++) {
		ssize_t got = recv(fd, iov[i].iov_base, iov[i].iov_len,
				   flags | (sum > 0 ? MSG_DONTWAIT : 0));

		if (got < 0)
			return sum > 0 ? sum : got;
		sum += got;
		if ((size_t)got < iov[i].iov_len)
			break;
	}
	return sum;
}

ssize_t readv(int fd, const struct iovec *iov, int n)
{
	return read_all(fd, iov, n, 0);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	msg->msg_namelen = 0;
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	return read_all(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

/* ---- Writing ------------------------------------------------------------ */

/* What there is room for now: 1..len, or -errno; -EAGAIN: none. */
static ssize_t write_now(struct bsd *b, const void *data, size_t len)
{
	long n;

	if (!b->sock)
		return -ENOTCONN;
	if (b->no_more_writes)
		return -EPIPE;
	if (sock_error(b->sock) == -EINPROGRESS)
		return -EAGAIN;
	n = sock_write_some(b->sock, data, len);
	return n == 0 && len > 0 ? -EAGAIN : n;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	struct bsd *b = bsd_of(fd);
	ktime deadline = b ? deadline_of(b->send_timeout) : 0;
	size_t sent = 0;
	ssize_t n;

	if (!b)
		return -1;
	for (;;) {
		n = write_now(b, (const uint8_t *)data + sent, len - sent);
		if (n > 0)
			sent += (size_t)n;
		if (sent == len || (n < 0 && n != -EAGAIN))
			return outcome(sent, n);
		if (b->nonblock || (flags & MSG_DONTWAIT))
			return outcome(sent, -EAGAIN);
		n = bsd_wait(fd, POLLOUT, deadline);
		if (n < 0)
			return outcome(sent, why((int)n, deadline));
	}
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	return to ? bsd_fail(-EISCONN) : send(fd, data, len, flags);
}

ssize_t write(int fd, const void *data, size_t len)
{
	return send(fd, data, len, 0);
}

static ssize_t write_all(int fd, const struct iovec *iov, int n, int flags)
{
	ssize_t sum = 0;

	for (int i = 0; i < n; i++) {
		ssize_t sent = send(fd, iov[i].iov_base, iov[i].iov_len, flags);

		if (sent < 0)
			return sum > 0 ? sum : sent;
		sum += sent;
		if ((size_t)sent < iov[i].iov_len)
			break;
	}
	return sum;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return write_all(fd, iov, n, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return write_all(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

int shutdown(int fd, int how)
{
	struct bsd *b = bsd_of(fd);

	if (!b)
		return -1;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return bsd_fail(-EINVAL);
	if (!b->sock || sock_error(b->sock) < 0)
		return bsd_fail(-ENOTCONN);
	if (how != SHUT_WR)
		b->no_more_reads = true;
	if (how != SHUT_RD && !b->no_more_writes) {
		b->no_more_writes = true;
		sock_shutdown(b->sock);
	}
	bsd_changed(b);
	return 0;
}
