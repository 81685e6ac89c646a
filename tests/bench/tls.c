/* SPDX-License-Identifier: MIT */
/* load.c's sister for HTTPS, with OpenSSL: exact numbers of handshakes and requests, whole ones
 * and ones that are broken off. Told what to do by lines on its standard input.
 *
 *	tls ADDRESS PORT [SOURCE...]        SOURCE: our addresses, used in turn
 *
 *	full V N COUNT		COUNT connections with one request each, N at once, over TLS 1.V
 *	resumed V N COUNT	the same, each resumed with the ticket of an earlier one
 *	keep V N COUNT		COUNT requests, N at once, on the first N open connections
 *	torn E N COUNT		as full, in TLS 1.3, but each Eth is broken off once a number of
 *				our bytes is sent, which grows by one from each to the next, from
 *				none to all; by FIN and by RST, in TLS 1.3, 1.2, and 1.3 resumed
 *	open V N COUNT		COUNT more connections, each answered once and then left idle
 *	half V N COUNT		COUNT more whose ClientHello is answered, and nothing after it
 *	close			closes all open connections
 *
 * Each answers as load.c: "done OK BAD LATE SLOWEST SECONDS"; one that was broken off is OK once
 * it is over for both sides, at most STUCK_MS later. */
#define TICKET_S 600                   /* a newer one then takes its place: they live an hour */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 8192
#define EVENTS 256
#define INPUT 1024
#define LATE_MS 900
#define STUCK_MS 20000
#define SWEEP_MS 1000
#define WHOLE (-1L)

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"

enum state { CONNECTING, SHAKING, ASKED, IDLE, TORN };

struct connection {
	int fd;                         /* -1: none */
	enum state state;
	SSL *ssl;                       /* between two BIOs in memory, which are its own */
	struct kind *kind;
	long sent, limit;               /* bytes; broken off when they are equal */
	bool by_reset;
	int got;
	int64_t since_ns;
	char data[INPUT];
};

/* A way to shake hands. */
struct kind {
	int version;
	bool resume;
	SSL_SESSION *ticket;
	long torn_at, whole;            /* of the one broken off next; of a whole connection */
};

static struct kind full13 = { TLS1_3_VERSION, .whole = WHOLE };
static struct kind full12 = { TLS1_2_VERSION, .whole = WHOLE };
static struct kind resumed13 = { TLS1_3_VERSION, true, .whole = WHOLE };
static struct kind resumed12 = { TLS1_2_VERSION, true, .whole = WHOLE };
static struct kind *const torn_kinds[] = { &full13, &full12, &resumed13 };

enum verb { FULL, KEEP, TEAR, OPEN, HALF };

static struct connection connections[CONNECTIONS];
static struct sockaddr_in server, sources[64];
static int source_count, next_source, open_count, epoll;
static SSL_CTX *context;

/* The command at work. */
static enum verb verb;
static struct kind *kind;
static long wanted, begun, ok, bad, late, torn;
static int torn_each;
static int64_t slowest_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void complain(const char *what, const char *why)
{
	static char said[16][160];
	char text[160];
	int i;

	snprintf(text, sizeof(text), "%s%s%s", what, why ? ": " : "", why ? why : "");
	for (i = 0; i < 15 && said[i][0]; i++) {
		if (strcmp(said[i], text) == 0)
			return;
	}
	strcpy(said[i], text);
	fprintf(stderr, "tls: %s\n", text);
}

/* ---- One connection --------------------------------------------------------------------- */

/* OpenSSL uses a ticket of TLS 1.3 once: the first is kept, and copies of it are used. */
static int new_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct connection *c = SSL_get_app_data(ssl);
	struct kind *of = c->kind->version == TLS1_3_VERSION ? &resumed13 : &resumed12;

	if (of->ticket && SSL_SESSION_get_time(session) <
			  SSL_SESSION_get_time(of->ticket) + TICKET_S)
		return 0;
	if (!SSL_SESSION_is_resumable(session))
		return 0;
	SSL_SESSION_free(of->ticket);
	of->ticket = SSL_SESSION_dup(session);
	return 0;
}

/* Without a ticket yet, there is nothing to resume: this one brings one. */
static void set_up(struct connection *c, struct kind *how, long limit)
{
	if (how->resume && !how->ticket) {
		how = how->version == TLS1_3_VERSION ? &full13 : &full12;
		limit = WHOLE;
	}
	c->kind = how;
	c->ssl = SSL_new(context);
	c->sent = c->got = 0;
	c->limit = limit;
	SSL_set_app_data(c->ssl, c);
	SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_min_proto_version(c->ssl, how->version);
	SSL_set_max_proto_version(c->ssl, how->version);
	SSL_set_connect_state(c->ssl);
	if (how->resume) {
		SSL_SESSION *copy = SSL_SESSION_dup(how->ticket);

		SSL_set_session(c->ssl, copy);
		SSL_SESSION_free(copy);
	}
}

/* Begins to connect; an errno. */
static int dial(struct connection *c)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };

	if (fd < 0)
		return errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (source_count) {
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		bind(fd, (struct sockaddr *)&sources[next_source++ % source_count],
		     sizeof(sources[0]));
	}
	c->state = CONNECTING;
	c->since_ns = now_ns();
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return error;
	}
	c->fd = fd;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static void drop(struct connection *c)
{
	struct linger at_once = { 1, 0 };

	if (c->limit != WHOLE && c->by_reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(c->fd);
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	c->fd = -1;
	c->ssl = NULL;
}

static bool ask(struct connection *c)
{
	const char *text = verb == KEEP || verb == OPEN ? REQUEST "\r\n" :
			   REQUEST "Connection: close\r\n\r\n";

	c->state = ASKED;
	c->got = 0;
	return SSL_write(c->ssl, text, (int)strlen(text)) > 0;
}

/* What TLS wants to send goes out, as far as it may: 1 it was the last that may, -1 it cannot. */
static int flush(struct connection *c)
{
	BIO *out = SSL_get_wbio(c->ssl);
	char *data;
	long n = BIO_get_mem_data(out, &data);

	if (c->limit != WHOLE && n > c->limit - c->sent)
		n = c->limit - c->sent;
	if (n > 0 && send(c->fd, data, (size_t)n, MSG_NOSIGNAL) != n) {
		complain("send", strerror(errno));
		return -1;
	}
	c->sent += n;
	if (c->limit != WHOLE && c->sent == c->limit)
		return 1;
	BIO_reset(out);
	return 0;
}

/* What has come goes to TLS: false at its end. */
static bool receive(struct connection *c)
{
	char data[16384];
	ssize_t n;

	while ((n = recv(c->fd, data, sizeof(data), 0)) > 0)
		BIO_write(SSL_get_rbio(c->ssl), data, (int)n);
	return n < 0 && errno == EAGAIN;
}

static bool answered(struct connection *c)
{
	char *end, *field;

	c->data[c->got] = 0;
	end = strstr(c->data, "\r\n\r\n");
	field = strcasestr(c->data, "\r\ncontent-length:");
	return end && field && field < end && strncmp(c->data, "HTTP/1.1 200 ", 13) == 0 &&
	       c->got >= end + 4 - c->data + atoi(field + 17);
}

/* An end of the connection: 1 as it should be, -1 not. */
static int ended(struct connection *c)
{
	if (c->state != ASKED || !answered(c) || verb == KEEP || verb == OPEN) {
		complain("closed", c->state == SHAKING ? "in the handshake" : "early");
		return -1;
	}
	if (!(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN)) {
		complain("closed without close_notify", NULL);
		return -1;
	}
	if (c->kind->resume && !SSL_session_reused(c->ssl)) {
		complain("not resumed", NULL);
		return -1;
	}
	c->kind->whole = c->sent;
	return 1;
}

/* TLS goes on with what it has: 1 the request is answered, 0 not yet, -1 it never will be. */
static int go_on(struct connection *c)
{
	int n;

	ERR_clear_error();
	if (c->state == SHAKING && SSL_do_handshake(c->ssl) == 1 && !ask(c))
		return -1;
	n = c->state == ASKED ? SSL_read(c->ssl, c->data + c->got, INPUT - 1 - c->got) :
	    SSL_is_init_finished(c->ssl) - 1;
	if (n > 0)
		c->got += n;
	else if (SSL_get_error(c->ssl, n) == SSL_ERROR_SSL) {
		complain("TLS", ERR_reason_error_string(ERR_peek_error()));
		return -1;
	}
	if (n > 0 && SSL_pending(c->ssl) == 0)      /* tickets, close_notify behind it */
		SSL_read(c->ssl, c->data + c->got, 0);
	return (verb == KEEP || verb == OPEN) && answered(c);
}

/* Something happened: 1 its request is over, -1 badly, 0 not yet. */
static int step(struct connection *c)
{
	bool open = receive(c);
	bool greeted = BIO_ctrl_pending(SSL_get_rbio(c->ssl)) > 0;
	int over, full;

	if (c->state == TORN)
		return open ? 0 : 1;
	if (verb == HALF && c->sent > 0)
		return greeted ? 1 : open ? 0 : -1;
	over = go_on(c);
	full = over < 0 ? over : flush(c);
	if (full > 0 && c->by_reset)
		return 1;
	if (full > 0) {
		shutdown(c->fd, SHUT_WR);
		c->state = TORN;
		return open ? 0 : 1;
	}
	if (over != 0 || full < 0)
		return over != 0 ? over : full;
	if (open)
		return 0;
	while (c->state == ASKED && go_on(c) == 0 && BIO_ctrl_pending(SSL_get_rbio(c->ssl)) > 0)
		;
	SSL_read(c->ssl, c->data + c->got, INPUT - 1 - c->got);
	return ended(c);
}

/* ---- A command -------------------------------------------------------------------------- */

static void count(struct connection *c, bool good)
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

/* What the next connection is to be. */
static void prepare(struct connection *c)
{
	struct kind *how = kind;
	long limit = WHOLE;

	if (verb == TEAR && begun % torn_each == 0) {
		how = torn_kinds[torn / 2 % 3];
		c->by_reset = torn++ % 2;
		if (how->whole == WHOLE) {      /* not seen yet: this one shows it */
			torn--;
		} else {
			limit = how->torn_at;
			if (c->by_reset)
				how->torn_at = limit < how->whole ? limit + 1 : 0;
		}
	}
	set_up(c, how, limit);
}

/* The connection is free for the next request, if one is wanted. */
static void next(struct connection *c)
{
	while (begun < wanted) {
		int error;

		if (c->fd >= 0) {
			begun++;
			c->since_ns = now_ns();
			ask(c);
			flush(c);
			return;
		}
		prepare(c);
		begun++;
		error = dial(c);
		if (!error)
			return;
		complain("connect", strerror(error));
		SSL_free(c->ssl);
		bad++;
	}
}

static void over(struct connection *c, bool good)
{
	count(c, good);
	if (good && verb != FULL && verb != TEAR)
		c->state = IDLE;
	else
		drop(c);
	if (verb == OPEN || verb == HALF)
		c = good && open_count < CONNECTIONS ? &connections[open_count++] : c;
	if (begun < wanted)
		next(c);
}

static void on_event(struct connection *c, uint32_t events)
{
	struct epoll_event reading = { .events = EPOLLIN, .data.ptr = c };
	int done;

	if (c->state == IDLE) {
		char byte;

		if (recv(c->fd, &byte, 1, MSG_PEEK) > 0) {
			receive(c);                     /* a ticket */
			return;
		}
		complain("an idle connection was closed", NULL);
		drop(c);
		return;
	}
	if (c->state == CONNECTING) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			complain("no connection", NULL);
			over(c, false);
			return;
		}
		epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &reading);
		c->state = SHAKING;
	}
	done = step(c);
	if (done)
		over(c, done > 0);
}

static void sweep(void)
{
	int64_t limit = now_ns() - STUCK_MS * 1000000LL;
	char text[80];

	for (int i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &connections[i];

		if (c->fd < 0 || c->state == IDLE || c->since_ns > limit)
			continue;
		snprintf(text, sizeof(text), "state %d, TLS 1.%d%s, after %ld of %ld bytes",
			 c->state, c->kind->version - TLS1_VERSION,
			 c->kind->resume ? " resumed" : "", c->sent, c->kind->whole);
		complain("stuck", text);
		over(c, false);
	}
}

static void run(int n)
{
	struct epoll_event events[EVENTS];
	int64_t from = now_ns(), swept = from;
	int first = verb == KEEP ? 0 : open_count;

	begun = ok = bad = late = 0;
	slowest_ns = 0;
	if (verb == OPEN || verb == HALF)
		open_count += n;
	for (int i = 0; i < n; i++)
		next(&connections[first + i]);
	while (ok + bad < wanted) {
		int found = epoll_wait(epoll, events, EVENTS, SWEEP_MS);

		for (int i = 0; i < found; i++) {
			struct connection *c = events[i].data.ptr;

			if (c->fd >= 0)
				on_event(c, events[i].events);
		}
		if (now_ns() - swept > SWEEP_MS * 1000000LL) {
			swept = now_ns();
			sweep();
		}
	}
	printf("done %ld %ld %ld %.1f %.3f\n", ok, bad, late, slowest_ns / 1e6,
	       (now_ns() - from) / 1e9);
}

static void close_all(void)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (connections[i].fd >= 0)
			drop(&connections[i]);
	}
	open_count = 0;
	printf("done 0 0 0 0 0\n");
}

static void obey(const char *word, int version, int n, long total)
{
	static const char *const words[] = { "full", "keep", "torn", "open", "half", "resumed" };
	bool resumed = strcmp(word, "resumed") == 0;
	int which = 0;

	while (which < 6 && strcmp(words[which], word) != 0)
		which++;
	if (strcmp(word, "close") == 0) {
		close_all();
		return;
	}
	if (which == 6 || version < 1 || n < 1 || n + open_count > CONNECTIONS || total < n) {
		printf("done 0 1 0 0 0\n");
		return;
	}
	verb = resumed ? FULL : (enum verb)which;
	kind = version == 2 ? (resumed ? &resumed12 : &full12) : resumed ? &resumed13 : &full13;
	torn_each = version;
	wanted = total;
	run(n);
}

/* ---- Start ------------------------------------------------------------------------------ */

static struct sockaddr_in address_of(const char *text, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
		fprintf(stderr, "tls: %s is no address\n", text);
		exit(2);
	}
	return address;
}

static SSL_CTX *make_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, new_ticket);
	return ctx;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char line[128], word[16];

	if (argc < 3)
		return 2;
	server = address_of(argv[1], atoi(argv[2]));
	for (int i = 3; i < argc && source_count < 64; i++)
		sources[source_count++] = address_of(argv[i], 0);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	context = make_context();
	for (int i = 0; i < CONNECTIONS; i++)
		connections[i] = (struct connection){ .fd = -1, .limit = WHOLE };
	while (fgets(line, sizeof(line), stdin)) {
		long total = 0;
		int version = 0, n = 0;

		if (sscanf(line, "%15s %d %d %ld", word, &version, &n, &total) < 1)
			continue;
		obey(word, version, n, total);
		fflush(stdout);
	}
	return 0;
}
