/* SPDX-License-Identifier: MIT */
/* Sockets (POSIX.1-2017 <sys/socket.h>): connected TCP, no more (net/bsd/bsd.h). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <bsd_name.h>

typedef unsigned int socklen_t;
typedef unsigned short sa_family_t;

struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct sockaddr_storage {
	sa_family_t ss_family;
	char __ss_padding[118];
	unsigned long __ss_align;
};

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_LOCAL AF_UNIX
#define AF_INET 2
#define AF_INET6 10
#define PF_UNSPEC AF_UNSPEC
#define PF_UNIX AF_UNIX
#define PF_INET AF_INET
#define PF_INET6 AF_INET6

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK 04000            /* in socket()'s type, as on Linux */
#define SOCK_CLOEXEC 02000000
#define SOMAXCONN 128

#define SOL_SOCKET 1
#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_LINGER 13
#define SO_REUSEPORT 15
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_DONTROUTE 0x4
#define MSG_CTRUNC 0x8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000            /* there is no SIGPIPE */

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

struct linger { int l_onoff, l_linger; };

struct msghdr {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	int msg_iovlen;
	void *msg_control;
	socklen_t msg_controllen;
	int msg_flags;
};

int socket(int family, int type, int protocol) BSD(socket);
int connect(int fd, const struct sockaddr *addr, socklen_t len) BSD(connect);
ssize_t recv(int fd, void *buf, size_t len, int flags) BSD(recv);
ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
		 socklen_t *from_len) BSD(recvfrom);
ssize_t recvmsg(int fd, struct msghdr *msg, int flags) BSD(recvmsg);
ssize_t send(int fd, const void *data, size_t len, int flags) BSD(send);
ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len) BSD(sendto);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) BSD(sendmsg);
int shutdown(int fd, int how) BSD(shutdown);
int getsockopt(int fd, int level, int name, void *value, socklen_t *len) BSD(getsockopt);
int setsockopt(int fd, int level, int name, const void *value, socklen_t len) BSD(setsockopt);
int getpeername(int fd, struct sockaddr *addr, socklen_t *len) BSD(getpeername);
int getsockname(int fd, struct sockaddr *addr, socklen_t *len) BSD(getsockname);

/* These answer EOPNOTSUPP: what listens is the HTTP server. */
int bind(int fd, const struct sockaddr *addr, socklen_t len) BSD(bind);
int listen(int fd, int backlog) BSD(listen);
int accept(int fd, struct sockaddr *addr, socklen_t *len) BSD(accept);
int socketpair(int family, int type, int protocol, int fds[2]) BSD(socketpair);
