/* SPDX-License-Identifier: MIT */
/* The benchmarks' own client: exact numbers of requests and connections, told what to do by
 * lines on its standard input, and answering each with one line. wrk measures rates; this one
 * keeps count.
 *
 *	load ADDRESS PORT [SOURCE...]       SOURCE: our addresses, used in turn
 *
 *	first			a new connection every 5 ms until one is answered: "first SECONDS",
 *				CLOCK_MONOTONIC
 *	open N			N more connections, each answered once and then left idle
 *	turn N COUNT		COUNT requests, one at a time, the first N open connections in turn
 *	busy N COUNT		COUNT requests on the first N open connections, all at once
 *	short N COUNT		COUNT connections with one request each, N at once
 *	close			closes all open connections
 *
 * Each of the last five answers "done OK BAD LATE SLOWEST SECONDS": requests answered with 200;
 * those that failed in whatever way (why is said on standard error, once each); those that took
 * LATE_MS or longer, which a lost packet costs at least; the slowest, in ms; the time taken.
 *
 * KEEP, from the command that compiles it: more fields of a request whose connection is to stay
 * open, for servers that want it said. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 65536
#define PROBES 4096
#define EVENTS 256
#define INPUT 1024
#define LATE_MS 900
#define STUCK_MS 20000
#define SWEEP_MS 1000
#define OPEN_AT_ONCE 64
#define PROBE_NS 5000000LL

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"

enum state { CONNECTING, ASKED, IDLE };

struct connection {
	int fd;                         /* -1: none */
	enum state state;
	int last;                       /* its request says Connection: close */
	int got;
	int64_t since_ns;
	char data[INPUT];
};

static const char keep[] = REQUEST KEEP "\r\n", closing[] = REQUEST "Connection: close\r\n\r\n";
static struct connection connections[CONNECTIONS];
static struct sockaddr_in server, sources[64];
static int source_count, next_source, open_count, epoll;

/* The command at work. */
static long wanted, begun, ok, bad, late;
static int64_t slowest_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void complain(const char *what, int error)
{
	static char said[16][80];
	char text[80];
	int i;

	snprintf(text, sizeof(text), "%s%s%s", what, error ? ": " : "",
		 error ? strerror(error) : "");
	for (i = 0; i < 15 && said[i][0]; i++) {
		if (strcmp(said[i], text) == 0)
			return;
	}
	strcpy(said[i], text);
	fprintf(stderr, "load: %s\n", text);
}

static int start_connection(struct connection *c)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (source_count) {
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		bind(fd, (struct sockaddr *)&sources[next_source++ % source_count],
		     sizeof(sources[0]));
	}
	c->fd = fd;
	c->state = CONNECTING;
	c->got = 0;
	c->since_ns = now_ns();
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		c->fd = -1;
		return -error;
	}
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static void ask(struct connection *c)
{
	const char *text = c->last ? closing : keep;

	c->state = ASKED;
	c->got = 0;
	if (send(c->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		complain("send", errno);        /* recv will fail too, and count it */
}

static void drop(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
}

static void count(struct connection *c, int good)
{
	int64_t took = now_ns() - c->since_ns;

	if (!good) {
		bad++;
		return;
	}
	ok++;
	late += took >= LATE_MS * 1000000LL;
	if (took > slowest_ns)
		slowest_ns = took;
}

/* The length of the whole answer in the buffer, 0: not yet, -1: not an answer of 200. */
static int answer_length(struct connection *c)
{
	char *end, *field;
	int total;

	c->data[c->got] = 0;
	end = strstr(c->data, "\r\n\r\n");
	if (!end)
		return c->got < INPUT - 1 ? 0 : -1;
	field = strcasestr(c->data, "\r\ncontent-length:");
	if (strncmp(c->data, "HTTP/1.1 200 ", 13) != 0 || !field || field > end)
		return -1;
	total = end + 4 - c->data + atoi(field + 17);
	return c->got >= total ? total : 0;
}

/* Reads: 1 the request is answered, 0 not yet, -1 it never will be. A connection's last answer
 * is whole when the server has closed. */
static int take(struct connection *c)
{
	ssize_t n = recv(c->fd, c->data + c->got, INPUT - 1 - c->got, 0);
	int whole;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		complain(c->state == CONNECTING ? "connect" : "recv", errno);
		return -1;
	}
	c->got += n;
	whole = answer_length(c);
	if (n == 0 && !(c->last && whole > 0))
		complain("closed without an answer", 0);
	if (whole < 0)
		complain("not a 200", 0);
	if (c->last)
		return n == 0 ? (whole > 0 ? 1 : -1) : 0;
	return n == 0 || whole < 0 ? -1 : whole > 0;
}

/* A connection can go on: 1 its request is over, well or not. */
static int step(struct connection *c, uint32_t events)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int good;

	if (c->state == CONNECTING && !(events & (EPOLLERR | EPOLLHUP))) {
		epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
		ask(c);
		return 0;
	}
	if (c->state == IDLE) {
		complain("an idle connection was closed", 0);
		drop(c);
		return 0;
	}
	good = take(c);
	if (!good)
		return 0;
	count(c, good > 0);
	if (good < 0 || c->last)
		drop(c);
	else
		c->state = IDLE;
	return 1;
}

/* Gives up what waits for too long, and the rest when nothing is left that could go on. */
static void sweep(int from, int to, void (*over)(struct connection *c))
{
	int64_t limit = now_ns() - STUCK_MS * 1000000LL;
	int waiting = 0;

	for (int i = from; i < to; i++) {
		struct connection *c = &connections[i];

		if (c->fd < 0 || c->state == IDLE)
			continue;
		waiting++;
		if (c->since_ns > limit)
			continue;
		complain(c->state == CONNECTING ? "no connection" : "no answer", 0);
		count(c, 0);
		drop(c);
		over(c);
	}
	if (!waiting)
		bad = wanted - ok;
}

/* Runs until `wanted` requests are over; over(c) begins the next one. */
static void serve_events(int from, int to, void (*over)(struct connection *c))
{
	struct epoll_event events[EVENTS];
	int64_t swept = now_ns();

	while (ok + bad < wanted) {
		int n = epoll_wait(epoll, events, EVENTS, SWEEP_MS);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (c->fd >= 0 && step(c, events[i].events))
				over(c);
		}
		if (now_ns() - swept > SWEEP_MS * 1000000LL) {
			swept = now_ns();
			sweep(from, to, over);
		}
	}
}

static void again(struct connection *c)
{
	if (c->fd < 0 || begun >= wanted)
		return;
	begun++;
	c->since_ns = now_ns();
	ask(c);
}

static void next_short(struct connection *c)
{
	int error;

	while (begun < wanted) {
		begun++;
		c->last = 1;
		error = start_connection(c);
		if (!error)
			return;
		complain("connect", -error);
		bad++;
	}
}

static void next_open(struct connection *c)
{
	(void)c;
	while (begun < wanted && begun - ok - bad < OPEN_AT_ONCE && open_count < CONNECTIONS) {
		struct connection *fresh = &connections[open_count++];
		int error;

		begun++;
		fresh->last = 0;
		error = start_connection(fresh);
		if (error) {
			complain("connect", -error);
			bad++;
		}
	}
}

static int turn_of, turn_next;

static void next_turn(struct connection *c)
{
	(void)c;
	for (int tries = 0; begun < wanted && tries < turn_of; tries++) {
		struct connection *next = &connections[turn_next++ % turn_of];

		if (next->fd >= 0) {
			again(next);
			return;
		}
	}
	if (begun < wanted) {
		bad += wanted - begun;
		begun = wanted;
	}
}

static void run(const char *verb, int n, long total)
{
	int64_t from = now_ns();

	wanted = total;
	begun = ok = bad = late = 0;
	slowest_ns = 0;
	if (strcmp(verb, "open") == 0) {
		wanted = n;
		next_open(NULL);
		serve_events(0, CONNECTIONS, next_open);
	} else if (strcmp(verb, "short") == 0) {
		for (int i = 0; i < n; i++)
			next_short(&connections[open_count + i]);
		serve_events(open_count, open_count + n, next_short);
	} else if (strcmp(verb, "turn") == 0) {
		turn_of = n;
		next_turn(NULL);
		serve_events(0, n, next_turn);
	} else {
		for (int i = 0; i < n; i++)
			again(&connections[i]);
		serve_events(0, n, again);
	}
	printf("done %ld %ld %ld %.1f %.3f\n", ok, bad, late, slowest_ns / 1e6,
	       (now_ns() - from) / 1e9);
}

static void close_all(void)
{
	for (int i = 0; i < open_count; i++) {
		if (connections[i].fd >= 0)
			drop(&connections[i]);
	}
	open_count = 0;
	printf("done 0 0 0 0 0\n");
}

/* Probes are connections that wait for any answer of 200; 1 when one has it. */
static int probe_events(int timeout_ms)
{
	struct epoll_event events[EVENTS], reading = { .events = EPOLLIN };
	int n = epoll_wait(epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct connection *c = events[i].data.ptr;

		reading.data.ptr = c;
		if (c->state == CONNECTING && !(events[i].events & (EPOLLERR | EPOLLHUP))) {
			epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &reading);
			ask(c);
			continue;
		}
		c->got = recv(c->fd, c->data, INPUT - 1, 0);
		if (c->got > 0 && strncmp(c->data, "HTTP/1.1 200 ", 13) == 0)
			return 1;
		if (c->got < 0 && errno == EAGAIN)
			continue;
		drop(c);
	}
	return 0;
}

static void first(void)
{
	int64_t next = now_ns(), at = 0;

	for (int i = 0; i < PROBES && !at; ) {
		int64_t left = next - now_ns();

		if (left <= 0) {
			connections[i].last = 0;
			start_connection(&connections[i++]);
			next += PROBE_NS;
		} else if (probe_events((left + 999999) / 1000000)) {
			at = now_ns();
		}
	}
	for (int i = 0; i < PROBES; i++) {
		if (connections[i].fd >= 0)
			drop(&connections[i]);
	}
	printf("first %.6f\n", at / 1e9);
}

static struct sockaddr_in address_of(const char *text, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
		fprintf(stderr, "load: %s is no address\n", text);
		exit(2);
	}
	return address;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char line[128], verb[16];

	if (argc < 3)
		return 2;
	server = address_of(argv[1], atoi(argv[2]));
	for (int i = 3; i < argc && source_count < 64; i++)
		sources[source_count++] = address_of(argv[i], 0);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < CONNECTIONS; i++)
		connections[i] = (struct connection){ .fd = -1 };
	while (fgets(line, sizeof(line), stdin)) {
		long total = 0;
		int n = 0;

		if (sscanf(line, "%15s %d %ld", verb, &n, &total) < 1)
			continue;
		if (strcmp(verb, "first") == 0)
			first();
		else if (strcmp(verb, "close") == 0)
			close_all();
		else if (n > 0 && n <= CONNECTIONS)
			run(verb, n, total);
		fflush(stdout);
	}
	return 0;
}
