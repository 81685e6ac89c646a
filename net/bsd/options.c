/* SPDX-License-Identifier: MIT */
/* What a socket is asked and told about itself (net/bsd/bsd.h), and what only a listening one
 * would do. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "kernel/kernel.h"
#include "net/bsd/bsd.h"

#define TIMEOUT_MAX_S 100000000

/* ---- Options ------------------------------------------------------------ */

/* Those that are as they are, whatever they are set to: 1 on, 0 off; else -ENOPROTOOPT. */
static int fixed(int level, int name)
{
	if (level == IPPROTO_TCP)
		return name == TCP_NODELAY || name == TCP_KEEPIDLE || name == TCP_KEEPINTVL ||
		       name == TCP_KEEPCNT ? 1 : -ENOPROTOOPT;
	if (level == IPPROTO_IP || level == IPPROTO_IPV6)
		return name == IP_TOS || name == IPV6_V6ONLY ? 0 : -ENOPROTOOPT;
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_KEEPALIVE:
		return 1;
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_LINGER:
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_OOBINLINE:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static ktime *timeout_of(struct bsd *b, int level, int name)
{
	if (level != SOL_SOCKET)
		return NULL;
	return name == SO_RCVTIMEO ? &b->recv_timeout : name == SO_SNDTIMEO ? &b->send_timeout :
	       NULL;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct bsd *b = bsd_of(fd);
	ktime *timeout = b ? timeout_of(b, level, name) : NULL;
	struct timeval tv;
	int is;

	if (!b)
		return -1;
	if (!timeout) {
		is = fixed(level, name);
		return is < 0 ? bsd_fail(is) : 0;
	}
	if (len < sizeof(tv))
		return bsd_fail(-EINVAL);
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return bsd_fail(-EDOM);
	*timeout = SECONDS(MIN(tv.tv_sec, TIMEOUT_MAX_S)) + (ktime)tv.tv_usec * 1000;
	return 0;
}

static void answer(void *value, socklen_t *len, const void *data, size_t size)
{
	*len = (socklen_t)MIN(*len, size);
	memcpy(value, data, *len);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct bsd *b = bsd_of(fd);
	const ktime *timeout = b ? timeout_of(b, level, name) : NULL;
	int is;

	if (!b)
		return -1;
	if (timeout) {
		struct timeval tv = {
			.tv_sec = *timeout / SECONDS(1),
			.tv_usec = *timeout % SECONDS(1) / 1000,
		};

		answer(value, len, &tv, sizeof(tv));
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_TYPE)
		is = SOCK_STREAM;
	else if (level == SOL_SOCKET && name == SO_ERROR)
		is = b->sock && sock_error(b->sock) != -EINPROGRESS ? -sock_error(b->sock) : 0;
	else
		is = fixed(level, name);
	if (is < 0)
		return bsd_fail(is);
	answer(value, len, &is, sizeof(is));
	return 0;
}

/* ---- Addresses ---------------------------------------------------------- */

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct bsd *b = bsd_of(fd);

	if (!b)
		return -1;
	if (!b->sock || sock_error(b->sock) < 0)
		return bsd_fail(-ENOTCONN);
	bsd_sockaddr(addr, len, sock_peer(b->sock));
	return 0;
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return bsd_of(fd) ? bsd_fail(-EOPNOTSUPP) : -1;
}

/* ---- What listens is the HTTP server ------------------------------------ */

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bsd_of(fd) ? bsd_fail(-EOPNOTSUPP) : -1;
}

int listen(int fd, int backlog)
{
	return bsd_of(fd) ? bsd_fail(-EOPNOTSUPP) : -1;
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return bsd_of(fd) ? bsd_fail(-EOPNOTSUPP) : -1;
}

int socketpair(int family, int type, int protocol, int fds[2])
{
	return bsd_fail(-EOPNOTSUPP);
}
