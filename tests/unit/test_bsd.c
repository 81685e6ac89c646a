/* SPDX-License-Identifier: MIT */
/* sources: net/bsd/sockets.c net/bsd/poll.c net/bsd/options.c net/bsd/names.c net/bsd/sleep.c
 * net/addr.c net/ip6/text.c kernel/pool.c kernel/task.c kernel/task_pool.c
 * tests/unit/fake_tasks.c tests/unit/fake_kernel.c */
/* cflags: -isystem net/bsd/include */
/* net/bsd over scripted socks, on the real scheduler: what POSIX says, and that waiting is. */
#include "tests/unit/fake_tasks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "kernel/mem.h"
#include "net/net.h"
#include "net/sock.h"

/* ---- A sock that does as it is told ----------------------------------------------------- */

#define SOCKS 1024

struct sock {
	struct endpoint peer;
	struct event *watcher;
	char in[64], out[64];
	size_t in_len, out_len, room;
	bool used, ended, shut;
	int error;
	unsigned expected;
};

static struct sock socks[SOCKS], *last;
static int connect_error;

int sock_connect_start(struct sock **s, const struct endpoint *to)
{
	if (connect_error)
		return connect_error;
	for (last = socks; last->used; last++)
		;
	*last = (struct sock){ .peer = *to, .used = true, .error = -EINPROGRESS, .room = 64 };
	*s = last;
	return 0;
}

size_t sock_peek(struct sock *s, const uint8_t **data)
{
	*data = (uint8_t *)s->in;
	return MIN(s->in_len, 3u);             /* in pieces */
}

void sock_consume(struct sock *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len -= n);
}

long sock_write_some(struct sock *s, const void *data, size_t len)
{
	size_t n = MIN(len, s->room);

	if (s->error < 0)
		return s->error;
	memcpy(s->out + s->out_len, data, n);
	s->out_len += n;
	s->room -= n;
	return (long)n;
}

unsigned sock_ready(struct sock *s, unsigned want)
{
	unsigned is = (s->in_len || s->ended ? SOCK_READ : 0) | (s->room ? SOCK_WRITE : 0);

	return want & (s->error == -EINPROGRESS ? 0 : s->error ? SOCK_READ | SOCK_WRITE : is);
}

void sock_watch(struct sock *s, struct event *e)
{
	s->watcher = e;
}

void sock_expect(struct sock *s)
{
	s->expected++;
}

int sock_error(const struct sock *s)
{
	return s->error;
}

const struct endpoint *sock_peer(const struct sock *s)
{
	return &s->peer;
}

void sock_shutdown(struct sock *s)
{
	s->shut = true;
}

void sock_close(struct sock *s)
{
	assert_null(s->watcher);
	s->used = false;
}

static void changed(struct sock *s)
{
	if (s->watcher)
		event_signal(s->watcher);
}

static void arrives(struct sock *s, const char *text)
{
	memcpy(s->in + s->in_len, text, strlen(text));
	s->in_len += strlen(text);
	changed(s);
}

static void has_room(struct sock *s, size_t n)
{
	s->room = n;
	changed(s);
}

static void fails(struct sock *s, int error)
{
	s->error = error;
	changed(s);
}

/* ---- Names and the time of day ---------------------------------------------------------- */

static int64_t unix_ns = -1;

int clock_unix_ns(int64_t *ns)
{
	*ns = unix_ns + clock_now();
	return unix_ns < 0 ? -EAGAIN : 0;
}

int net_resolve_all(const char *host, struct addr list[BUDGET_DNS_ADDRS], ktime deadline)
{
	const char *six = "2001:db8::7";
	int n = 0;

	if (strcmp(host, "slow.example") == 0)
		return -ETIMEDOUT;
	if (strcmp(host, "four.example") == 0 || strcmp(host, "both.example") == 0)
		list[n++] = addr_ip4(htonl(0x0a090001));
	if (strcmp(host, "six.example") == 0 || strcmp(host, "both.example") == 0)
		addr_parse(&six, &list[n++]);
	if (strcmp(host, "both.example") == 0)
		list[n++] = addr_ip4(htonl(0x0a090002));
	return n ? n : -ENOENT;
}

/* ---- Helpers ---------------------------------------------------------------------------- */

static const struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = 0xeb18 };

#define FAILS(call, error) do { \
		errno = 0; \
		assert_int_equal(call, -1); \
		assert_int_equal(errno, error); \
	} while (0)

static int begin_connect(int fd)
{
	return connect(fd, (const struct sockaddr *)&server, sizeof(server));
}

/* A connected one. */
static int connected(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 3);
	FAILS(begin_connect(fd), EINPROGRESS);
	last->error = 0;
	changed(last);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	return fd;
}

static void do_later(void *arg)
{
	void (**fn)(void) = arg;

	task_sleep(clock_after_ms(50));
	(*fn)();
}

/* What happens in 50 ms. */
static void later(void (*fn)(void))
{
	static void (*what[8])(void);
	static unsigned n;

	what[n % 8] = fn;
	assert_int_equal(task_spawn("later", do_later, &what[n++ % 8]), 0);
}

static unsigned pool_used(void)
{
	for (struct pool *p = pool_first(); p; p = p->next)
		if (strcmp(p->name, "bsd_socket") == 0)
			return p->used;
	return 0;
}

static void take_turns(void)
{
	for (int i = 0; i < 8; i++)
		task_yield();
}

/* ---- Descriptors ------------------------------------------------------------------------ */

static void test_descriptors(void **state)
{
	int fds[FD_SETSIZE], n = 0;

	FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(AF_INET, SOCK_DGRAM, 0), EPROTONOSUPPORT);
	FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	while ((fds[n] = socket(n % 2 ? AF_INET : AF_INET6, SOCK_STREAM, 0)) >= 0)
		n++;
	assert_int_equal(errno, EMFILE);
	assert_int_equal(n, FD_SETSIZE - 3);
	assert_int_equal(fds[0], 3);
	assert_int_equal(fds[n - 1], FD_SETSIZE - 1);
	assert_int_equal(pool_used(), n);
	assert_int_equal(close(fds[7]), 0);
	FAILS(close(fds[7]), EBADF);
	assert_int_equal(socket(AF_INET, SOCK_STREAM, 0), fds[7]);     /* the lowest free one */
	while (n > 0)
		assert_int_equal(close(fds[--n]), 0);
	assert_int_equal(pool_used(), 0);
	for (int fd = -2; fd < 5; fd++) {
		FAILS(recv(fd, fds, 1, 0), EBADF);
		FAILS(write(fd, "x", 1), EBADF);
		FAILS(close(fd), EBADF);
	}
	FAILS(close(FD_SETSIZE), EBADF);
}

static void test_flags(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), on = 1, value = 9;
	struct timeval tv = { 2, 500000 }, got;
	socklen_t len = sizeof(value);

	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	on = 0;
	assert_int_equal(ioctl(fd, FIONBIO, &on), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	FAILS(ioctl(fd, 0x1234, &on), EINVAL);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	assert_int_equal(value, 1);
	FAILS(setsockopt(fd, SOL_SOCKET, 4711, &on, sizeof(on)), ENOPROTOOPT);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	len = sizeof(got);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
	assert_int_equal(got.tv_sec, 2);
	assert_int_equal(got.tv_usec, 500000);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &len), 0);
	assert_int_equal(got.tv_sec + got.tv_usec, 0);
	tv.tv_usec = 1000000;
	FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
	FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, 3), EINVAL);
	FAILS(bind(fd, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET },
		   sizeof(struct sockaddr_in)), EOPNOTSUPP);
	FAILS(listen(fd, 5), EOPNOTSUPP);
	FAILS(accept(fd, NULL, NULL), EOPNOTSUPP);
	FAILS(bind(99, NULL, 0), EBADF);
	FAILS(recv(fd, &on, 1, 0), ENOTCONN);
	FAILS(send(fd, &on, 1, 0), ENOTCONN);
	FAILS(shutdown(fd, SHUT_RDWR), ENOTCONN);
	close(fd);
}

/* ---- Connecting ------------------------------------------------------------------------- */

static void succeed(void) { fails(last, 0); }
static void refuse(void) { fails(last, -ECONNREFUSED); }

static void test_connect(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	later(succeed);
	assert_int_equal(begin_connect(fd), 0);
	FAILS(begin_connect(fd), EISCONN);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	assert_memory_equal(&peer, &server, sizeof(peer));
	close(fd);

	fd = socket(AF_INET, SOCK_STREAM, 0);
	later(refuse);
	FAILS(begin_connect(fd), ECONNREFUSED);
	FAILS(recv(fd, &peer, 1, 0), ECONNREFUSED);
	close(fd);

	fd = socket(AF_INET6, SOCK_STREAM, 0);
	FAILS(begin_connect(fd), EAFNOSUPPORT);
	FAILS(connect(fd, (const struct sockaddr *)&server, 4), EINVAL);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	connect_error = -ENOMEM;
	FAILS(begin_connect(fd), ENOMEM);
	connect_error = 0;
	close(fd);
}

static void test_connect_nonblocking(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 5;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(error);

	assert_int_equal(poll(&p, 1, 0), 1);           /* not connected, as on Linux */
	assert_int_equal(p.revents, POLLOUT | POLLHUP);
	FAILS(begin_connect(fd), EINPROGRESS);
	FAILS(begin_connect(fd), EALREADY);
	FAILS(send(fd, "x", 1, 0), EAGAIN);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	assert_int_equal(error, 0);
	assert_int_equal(poll(&p, 1, 10), 0);
	later(refuse);
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_int_equal(p.revents, POLLOUT | POLLERR | POLLHUP);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	assert_int_equal(error, ECONNREFUSED);
	FAILS(begin_connect(fd), ECONNREFUSED);
	close(fd);
}

static void test_connect_times_out(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval tv = { 0, 20000 };
	ktime began = clock_now();

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	FAILS(begin_connect(fd), EINPROGRESS);         /* as on Linux */
	assert_int_equal(clock_now() - began, MILLIS(20));
	close(fd);
}

/* ---- Reading and writing ---------------------------------------------------------------- */

static void more(void) { arrives(last, "world"); }
static void end(void) { last->ended = true; changed(last); }
static void reset(void) { fails(last, -ECONNRESET); }
static void room(void) { has_room(last, 4); }

static void test_recv(void **state)
{
	int fd = connected(), n;
	char buf[32];

	FAILS(recv(fd, buf, 5, MSG_DONTWAIT), EAGAIN);
	arrives(last, "hello");
	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(recv(fd, buf, 32, MSG_PEEK), 3);
	assert_int_equal(recv(fd, buf, 2, 0), 2);
	assert_int_equal(recv(fd, buf, 32, 0), 3);
	assert_memory_equal(buf, "llo", 3);
	later(more);
	assert_int_equal(read(fd, buf, 32), 5);
	assert_memory_equal(buf, "world", 5);
	arrives(last, "ab");
	later(more);
	assert_int_equal(recv(fd, buf, 7, MSG_WAITALL), 7);
	assert_memory_equal(buf, "abworld", 7);
	later(end);
	assert_int_equal(recv(fd, buf, 32, 0), 0);
	assert_int_equal(recv(fd, buf, 0, 0), 0);
	arrives(last, "zz");                    /* what came before an end or a reset is not lost */
	last->error = -ECONNRESET;
	assert_int_equal(recv(fd, buf, 32, 0), 2);
	FAILS(recv(fd, buf, 32, 0), ECONNRESET);
	close(fd);
}

static void test_recv_timeouts(void **state)
{
	int fd = connected();
	struct timeval tv = { 0, 30000 };
	ktime began = clock_now(), limit;
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	FAILS(recv(fd, &c, 1, 0), EAGAIN);
	assert_int_equal(clock_now() - began, MILLIS(30));
	limit = task_limit(clock_after_ms(10));
	FAILS(recv(fd, &c, 1, 0), ETIMEDOUT);          /* the task's own, which is earlier */
	FAILS(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1000), ETIMEDOUT);
	FAILS(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0), ETIMEDOUT);
	FAILS(usleep(50000), ETIMEDOUT);
	task_limit(limit);
	later(reset);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 0 }, sizeof(tv));
	FAILS(recv(fd, &c, 1, 0), ECONNRESET);
	close(fd);
}

static void test_send(void **state)
{
	struct timeval tv = { 0, 30000 };
	int fd = connected();

	last->room = 3;
	assert_int_equal(send(fd, "abcdef", 6, MSG_DONTWAIT), 3);
	FAILS(send(fd, "def", 3, MSG_DONTWAIT), EAGAIN);
	later(room);
	assert_int_equal(send(fd, "defg", 4, MSG_NOSIGNAL), 4);
	assert_memory_equal(last->out, "abcdefg", 7);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	FAILS(send(fd, "h", 1, 0), EAGAIN);
	last->room = 1;
	assert_int_equal(send(fd, "hi", 2, 0), 1);     /* what was sent is told */
	has_room(last, 20);
	assert_int_equal(writev(fd, (struct iovec[]){ { "12", 2 }, { "345", 3 } }, 2), 5);
	assert_memory_equal(last->out + 8, "12345", 5);
	assert_int_equal(send(fd, "", 0, 0), 0);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(last->shut);
	FAILS(send(fd, "x", 1, 0), EPIPE);
	FAILS(sendto(fd, "x", 1, 0, (const struct sockaddr *)&server, sizeof(server)), EISCONN);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	assert_int_equal(recv(fd, &tv, 1, 0), 0);
	FAILS(shutdown(fd, 3), EINVAL);
	close(fd);
}

static void test_readv(void **state)
{
	char a[4], b[8];
	struct iovec iov[] = { { a, sizeof(a) }, { b, sizeof(b) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int fd = connected();

	arrives(last, "hello!");
	assert_int_equal(readv(fd, iov, 2), 6);
	assert_memory_equal(a, "hell", 4);
	assert_memory_equal(b, "o!", 2);
	arrives(last, "four");
	assert_int_equal(recvmsg(fd, &msg, 0), 4);
	assert_int_equal(sendmsg(fd, &(struct msghdr){ .msg_iov = iov, .msg_iovlen = 1 }, 0), 4);
	assert_memory_equal(last->out, "four", 4);
	close(fd);
}

/* ---- Waiting ---------------------------------------------------------------------------- */

static void test_poll(void **state)
{
	int a = connected(), b;
	struct sock *first = last;
	struct pollfd p[7];

	b = connected();
	p[0] = (struct pollfd){ .fd = a, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = b, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = -1, .events = POLLIN, .revents = 7 };
	assert_int_equal(poll(p, 3, 0), 0);
	assert_int_equal(p[2].revents, 0);
	later(more);
	assert_int_equal(poll(p, 3, -1), 1);
	assert_int_equal(p[0].revents, 0);
	assert_int_equal(p[1].revents, POLLIN);
	p[3] = (struct pollfd){ .fd = a, .events = POLLIN | POLLOUT };
	p[4] = (struct pollfd){ .fd = 999, .events = POLLIN };
	p[5] = p[6] = p[0];
	first->ended = true;
	assert_int_equal(poll(p, 7, -1), 6);
	assert_int_equal(p[3].revents, POLLIN | POLLOUT);
	assert_int_equal(p[4].revents, POLLNVAL);
	assert_int_equal(p[6].revents, POLLIN);
	first->ended = false;
	last->in_len = 0;
	p[4].fd = b;                           /* more than are waited for without memory */
	p[3].events = POLLIN;
	later(more);
	assert_int_equal(poll(p, 7, 500), 2);
	assert_int_equal(p[1].revents & p[4].revents, POLLIN);
	last->in_len = 0;
	ktime began = clock_now();
	assert_int_equal(poll(p, 7, 500), 0);
	assert_int_equal(clock_now() - began, MILLIS(500));
	assert_int_equal(poll(NULL, 0, 20), 0);
	assert_int_equal(clock_now() - began, MILLIS(520));
	close(a);
	close(b);
}

static void test_select(void **state)
{
	int a = connected(), b = connected();
	fd_set r, w;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(a, &r);
	FD_SET(b, &r);
	FD_SET(b, &w);
	assert_int_equal(select(b + 1, &r, &w, NULL, NULL), 1);
	assert_true(FD_ISSET(b, &w));
	assert_false(FD_ISSET(a, &r) || FD_ISSET(b, &r));
	arrives(last, "x");
	FD_SET(b, &r);
	assert_int_equal(select(b + 1, &r, &w, NULL, &(struct timeval){ 9, 0 }), 2);
	FD_ZERO(&r);
	FD_SET(a, &r);
	assert_int_equal(select(a + 1, &r, NULL, NULL, &(struct timeval){ 0, 1000 }), 0);
	assert_false(FD_ISSET(a, &r));
	assert_int_equal(select(0, NULL, NULL, NULL, &(struct timeval){ 0, 1000 }), 0);
	close(b);
	FD_SET(b, &r);
	FAILS(select(b + 1, &r, NULL, NULL, NULL), EBADF);
	FAILS(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	close(a);
}

/* Several tasks wait for one socket, for different things. */
static int shared, readers, writers, closed;

static void reader(void *unused)
{
	char c;
	ssize_t n = recv(shared, &c, 1, 0);

	readers += n == 1;
	closed += n < 0 && errno == EBADF;
}

static void writer(void *unused)
{
	ssize_t n = send(shared, "x", 1, 0);

	writers += n == 1;
	closed += n < 0 && errno == EBADF;
}

static void crowd(unsigned n)
{
	readers = writers = closed = 0;
	shared = connected();
	last->room = 0;
	for (unsigned i = 0; i < n; i++) {
		task_spawn("writer", writer, NULL);
		task_spawn("reader", reader, NULL);
	}
	take_turns();
	assert_int_equal(readers + writers, 0);
}

static void test_shared(void **state)
{
	crowd(3);
	arrives(last, "a");                    /* behind writers, who have no use for it */
	take_turns();
	assert_int_equal(readers, 1);
	has_room(last, 2);
	take_turns();
	assert_int_equal(writers, 2);
	arrives(last, "bc");
	has_room(last, 1);
	take_turns();
	assert_int_equal(readers, 3);
	assert_int_equal(writers, 3);
	close(shared);
}

static void test_closed(void **state)
{
	crowd(3);
	close(shared);
	take_turns();
	assert_int_equal(closed, 6);
	assert_int_equal(pool_used(), 0);
	/* The number is taken again before they have run. */
	crowd(1);
	close(shared);
	assert_int_equal(connected(), shared);
	arrives(last, "not yours");
	take_turns();
	assert_int_equal(closed, 2);
	close(shared);
}

static struct task *waiting;

static void cancelled(void *error)
{
	char c;

	waiting = task_self();
	if (recv(shared, &c, 1, 0) < 0)
		((int *)error)[0] = errno;
	if (sleep(1) == 1)
		((int *)error)[1] = errno;
	if (poll(&(struct pollfd){ .fd = shared, .events = POLLIN }, 1, 0) < 0)
		((int *)error)[2] = errno;
}

static void test_cancelled(void **state)
{
	int error[3] = { 0 };

	shared = connected();
	task_spawn("waiting", cancelled, error);
	take_turns();
	task_cancel(waiting);
	take_turns();
	for (int i = 0; i < 3; i++)
		assert_int_equal(error[i], ECANCELED);
	close(shared);
}

/* The same socket twice, and a change that makes nothing ready: the time-out comes all the same. */
static void stirs(void *unused) { changed(last); }

static void test_named_twice(void **state)
{
	int fd = connected();
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	task_spawn("stirs", stirs, NULL);
	assert_int_equal(poll(p, 2, 50), 0);
	close(fd);
}

/* A cancelled task that sleeps again and again, as a library may, lets others run. */
static bool others_ran;
static void others(void *unused) { others_ran = true; }

static void sleeps_on(void *left)
{
	task_cancel(task_self());
	while (!others_ran && sleep(1) > 0)
		*(int *)left += 1;
}

static void test_sleeps_on(void **state)
{
	int times = 0;

	task_spawn("sleeps on", sleeps_on, &times);
	task_spawn("others", others, NULL);
	take_turns();
	assert_true(others_ran && times > 0);
}

/* Someone who only ever looks does not keep those from running who make it ready. */
static void soon(void *unused) { arrives(last, "x"); }

/* A peer hears that more is waited for, of those that are waited for to be read. */
static void test_expects(void **state)
{
	int read_fd = connected(), write_fd;
	struct sock *reads = last, *writes;
	struct pollfd p[2];

	write_fd = connected();
	writes = last;
	writes->room = 0;
	p[0] = (struct pollfd){ .fd = read_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = write_fd, .events = POLLOUT };
	assert_int_equal(poll(p, 2, 0), 0);
	assert_int_equal(reads->expected, 0);
	assert_int_equal(poll(p, 2, 50), 0);
	assert_true(reads->expected > 0);
	assert_int_equal(writes->expected, 0);
	close(read_fd);
	close(write_fd);
}

static void test_look(void **state)
{
	struct pollfd p = { .fd = connected(), .events = POLLIN };

	task_spawn("soon", soon, NULL);
	while (poll(&p, 1, 0) == 0)
		;
	assert_int_equal(p.revents, POLLIN);
	close(p.fd);
}

/* ---- Names and time --------------------------------------------------------------------- */

static void test_text(void **state)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	assert_int_equal(inet_pton(AF_INET, "10.9.0.1", &four), 1);
	assert_int_equal(four.s_addr, htonl(0x0a090001));
	assert_string_equal(inet_ntop(AF_INET, &four, text, sizeof(text)), "10.9.0.1");
	assert_null(inet_ntop(AF_INET, &four, text, 8));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(inet_pton(AF_INET, "0.0.0.0", &four), 1);
	assert_string_equal(inet_ntop(AF_INET, &four, text, sizeof(text)), "0.0.0.0");
	for (const char *const *bad = (const char *const[]){ "", "1.2.3", "1.2.3.4.5", "1.2.3.256",
	     "::1", "1.2.3.4 ", NULL }; *bad; bad++)
		assert_int_equal(inet_pton(AF_INET, *bad, &four), 0);
	for (const char *const *good = (const char *const[]){ "::", "::1", "2001:db8::7",
	     "::ffff:1.2.3.4", NULL }; *good; good++) {
		assert_int_equal(inet_pton(AF_INET6, *good, &six), 1);
		assert_string_equal(inet_ntop(AF_INET6, &six, text, sizeof(text)), *good);
	}
	assert_int_equal(inet_pton(AF_INET6, "1.2.3.4", &six), 0);
	assert_int_equal(inet_pton(AF_INET6, ":::", &six), 0);
	FAILS(inet_pton(AF_UNIX, "x", &six), EAFNOSUPPORT);
	assert_int_equal(inet_addr("127.0.0.1"), htonl(INADDR_LOOPBACK));
	assert_int_equal(inet_addr("localhost"), INADDR_NONE);
}

static void test_names(void **state)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char host[64], service[8];

	assert_int_equal(getaddrinfo("six.example", "6379", &hints, &list), 0);
	assert_int_equal(list->ai_family, AF_INET6);
	assert_int_equal(list->ai_addrlen, sizeof(struct sockaddr_in6));
	assert_null(list->ai_next);
	assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host), service,
				     sizeof(service), NI_NUMERICHOST), 0);
	assert_string_equal(host, "2001:db8::7");
	assert_string_equal(service, "6379");
	assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, host, 4, NULL, 0, 0),
			 EAI_OVERFLOW);
	assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, host, 40, NULL, 0,
				     NI_NAMEREQD), EAI_NONAME);
	freeaddrinfo(list);
	hints.ai_family = AF_INET;
	hints.ai_flags = AI_CANONNAME;
	assert_int_equal(getaddrinfo("six.example", NULL, &hints, &list), EAI_NONAME);
	assert_int_equal(getaddrinfo("four.example", NULL, &hints, &list), 0);
	assert_string_equal(list->ai_canonname, "four.example");
	freeaddrinfo(list);
	for (int family = 0; family <= AF_INET6; family++) {
		int n = 0;

		hints.ai_family = family;
		if (getaddrinfo("both.example", "80", &hints, &list) != 0)
			continue;
		for (struct addrinfo *a = list; a; a = a->ai_next, n++) {
			assert_true(family == AF_UNSPEC || a->ai_family == family);
			assert_int_equal(a->ai_addr->sa_family, a->ai_family);
		}
		assert_int_equal(n, family == AF_UNSPEC ? 3 : family == AF_INET ? 2 : 1);
		assert_string_equal(list->ai_canonname, "both.example");
		freeaddrinfo(list);
	}
	hints.ai_family = AF_INET;
	assert_int_equal(getaddrinfo("slow.example", NULL, &hints, &list), EAI_AGAIN);
	assert_int_equal(getaddrinfo("no.example", NULL, NULL, &list), EAI_NONAME);
	assert_int_equal(getaddrinfo(NULL, NULL, NULL, &list), EAI_NONAME);
	assert_int_equal(getaddrinfo("::1", "http", NULL, &list), EAI_SERVICE);
	assert_int_equal(getaddrinfo("::1", "65536", NULL, &list), EAI_SERVICE);
	assert_int_equal(getaddrinfo("::1", "-1", NULL, &list), EAI_SERVICE);
	hints.ai_flags = AI_NUMERICHOST;
	assert_int_equal(getaddrinfo("four.example", NULL, &hints, &list), EAI_NONAME);
	hints.ai_family = AF_UNIX;
	assert_int_equal(getaddrinfo("::1", NULL, &hints, &list), EAI_FAMILY);
	assert_string_equal(gai_strerror(EAI_SERVICE), "a service is a port, 0 to 65535");
}

static void test_time(void **state)
{
	struct timespec t, left;
	struct timeval tv;
	ktime began = clock_now();

	unix_ns = -1;
	assert_int_equal(time(NULL), -1);
	FAILS(gettimeofday(&tv, NULL), EAGAIN);
	unix_ns = SECONDS(1800000000);
	assert_int_equal(time(NULL), 1800000000 + clock_now() / SECONDS(1));
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	assert_int_equal(SECONDS(t.tv_sec) + t.tv_nsec, clock_now());
	FAILS(clock_gettime(77, &t), EINVAL);
	assert_int_equal(sleep(2), 0);
	assert_int_equal(usleep(3000), 0);
	assert_int_equal(nanosleep(&(struct timespec){ 0, 5 }, NULL), 0);
	assert_int_equal(clock_now() - began, SECONDS(2) + MILLIS(3) + 5);
	FAILS(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL), EINVAL);
	began = task_limit(clock_after_ms(400));
	FAILS(nanosleep(&(struct timespec){ 1, 0 }, &left), ETIMEDOUT);
	assert_int_equal(left.tv_nsec, 600000000);
	task_limit(began);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_connect), cmocka_unit_test(test_connect_nonblocking),
		cmocka_unit_test(test_connect_times_out), cmocka_unit_test(test_recv),
		cmocka_unit_test(test_recv_timeouts), cmocka_unit_test(test_send),
		cmocka_unit_test(test_readv), cmocka_unit_test(test_poll),
		cmocka_unit_test(test_expects),
		cmocka_unit_test(test_select), cmocka_unit_test(test_shared),
		cmocka_unit_test(test_closed), cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_look), cmocka_unit_test(test_named_twice),
		cmocka_unit_test(test_sleeps_on), cmocka_unit_test(test_text),
		cmocka_unit_test(test_names), cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	fake_tasks_run(tests);
}
