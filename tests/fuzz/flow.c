/* SPDX-License-Identifier: MIT */
/* sources: net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c
 * net/http/date.c net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c
 * net/http/read.c net/http/request.c net/http/response.c net/http/run.c net/http/target.c
 * net/http/time.c net/http/work.c net/http/write.c net/json/json.c net/json/number.c
 * net/json/string.c net/http/router.c net/http/later.c net/http/flow.c net/http/body.c
 * kernel/config.c kernel/counter.c tests/unit/fake_http.c */
/* libFuzzer: answers and bodies in pieces and answers that come later, on two connections, in any
 * order of input, room, waiting, answering and going away. Nothing may be left behind. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/flow.h"
#include "net/http/impl.h"
#include "tests/unit/fake_http.h"

#define LATERS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

static struct later *laters[LATERS];
static bool begun[LATERS];
static char text[1000];
static bool drops;                     /* gone() ends the later */

static void drop(unsigned i)
{
	if (begun[i])
		later_end(laters[i]);
	else
		later_drop(laters[i]);
	laters[i] = NULL;
	begun[i] = false;
}

static void gone(void *arg)
{
	unsigned i = (unsigned)((struct later **)arg - laters);

	if (drops && laters[i])
		drop(i);
}

static void park(struct request *req, struct response *res)
{
	for (unsigned i = 0; i < LATERS; i++) {
		if (!laters[i]) {
			laters[i] = request_later(req, gone, &laters[i]);
			return;
		}
	}
	response_status(res, 503);
}

static void park_slowly(struct request *req, struct response *res)
{
	struct event e = {0};

	park(req, res);
	event_wait(&e, 1);
}

static void stream(struct request *req, struct response *res)
{
	if (response_stream(req, "a/b") < 0)
		return;
	for (unsigned n = 1; n <= sizeof(text); n *= 3)
		if (response_write(req, text, n) < 0)
			return;
}

static void up(struct request *req, struct response *res)
{
	char buf[50];

	while (request_read(req, buf, sizeof(buf)) > 0)
		;
}

static void mirror(struct request *req, struct response *res)
{
	char buf[50];
	long n;

	if (response_stream(req, "a/b") < 0)
		return;
	while ((n = request_read(req, buf, sizeof(buf))) > 0)
		if (response_write(req, buf, (size_t)n) < 0)
			return;
	if (n < 0)
		response_break(req);
}

static void act(unsigned i, unsigned what)
{
	struct later *l = laters[i];

	if (!l)
		return;
	if (begun[i]) {
		if (what & 1)
			drop(i);
		else
			later_write_some(l, text, what * 8);
	} else if (what % 4 == 0) {
		drop(i);
	} else {
		struct response *res = later_answer(l);

		if (!res) {
			laters[i] = NULL;
		} else if (what % 4 == 1) {
			later_stream(l, "a/b");
			begun[i] = true;
		} else {
			response_body(res, "a/b", text, what);
			laters[i] = NULL;
			later_send(l);
		}
	}
}

/* A request, whole or begun. */
static void ask(struct fake_stream *s, unsigned which)
{
#define AS(line, fields) line " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
	static const char *const requests[] = {
		AS("GET /park", ""), AS("GET /slow", ""), AS("GET /stream", ""),
		"GET /stream HTTP/1.0\r\n\r\n", AS("HEAD /stream", ""), AS("HEAD /park", ""),
		AS("POST /up", "Content-Length: 20\r\n"),
		AS("POST /up", "Transfer-Encoding: chunked\r\n"),
		AS("POST /mirror", "Content-Length: 9\r\nExpect: 100-continue\r\n"),
		AS("POST /mirror", "Transfer-Encoding: chunked\r\n"),
		AS("POST /ignore", "Content-Length: 5\r\n"),
		"5\r\nhello\r\n", "0\r\n\r\n", "123456789",
	};
	const char *r = requests[which % ARRAY_LEN(requests)];

	fake_input(s, r, strlen(r));
}

static void start(void)
{
	fake_start("http.max_body=100", 8);
	router_add("GET", "/park", park);
	router_add("GET", "/slow", park_slowly);
	router_add("GET", "/stream", stream);
	route_stream("POST", "/up", up);
	route_stream("POST", "/mirror", mirror);
	route_stream("POST", "/ignore", park);
}

static void step(struct fake_stream *s, uint8_t op, uint8_t n)
{
	switch (op % 8) {
	case 0:
	case 1:
		ask(s, n);
		break;
	case 2:
		if (!s->closed)
			fake_room(s, n * 4u);
		break;
	case 3:
		if (fake_waiting())
			fake_resume();
		break;
	case 4:
		if (s->again)
			fake_ready(s);
		break;
	case 5:
		act(n % LATERS, n / LATERS);
		break;
	case 6:
		if (!s->closed && n & 1)
			fake_end(s);
		break;
	default:
		if (n > 200)
			fake_reset(s);
		else
			s->room = MIN(s->room, (size_t)n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct fake_stream *s[2];

	if (!started)
		start();
	started = true;
	if (size < 1)
		return 0;
	drops = data[0] & 1;
	s[0] = fake_open(1);
	s[1] = fake_open(2);
	for (size_t i = 1; i + 1 < size && i < 200; i += 2)
		step(s[data[i] >> 7], data[i], data[i + 1]);
	for (unsigned i = 0; i < 2; i++)
		fake_reset(s[i]);
	while (fake_waiting())
		fake_resume();
	for (unsigned i = 0; i < LATERS; i++) {
		if (laters[i])
			drop(i);
	}
	for (unsigned i = 0; i < 2; i++) {
		s[i]->conn = NULL;
		fake_free(s[i]);
	}
	assert(fake_pool_used("http_conns") == 0);
	assert(fake_pool_used("http_later") == 0);
	assert(fake_pool_used("http_requests") <= 1);
	return 0;
}
