/* SPDX-License-Identifier: MIT */
/* sources: net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c
 * net/http/date.c net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c
 * net/http/read.c net/http/request.c net/http/response.c net/http/run.c net/http/target.c
 * net/http/time.c net/http/work.c net/http/write.c net/json/json.c net/json/number.c
 * net/json/string.c net/http/router.c kernel/config.c kernel/counter.c tests/unit/fake_http.c */
/* libFuzzer: the HTTP server on scripted streams. The same bytes are given to two
 * connections, cut in different places, one of which reads its answers slowly:
 * both must get the same answers, and nothing may be left behind. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/impl.h"
#include "tests/unit/fake_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

static void echo(struct request *req, struct response *res)
{
	size_t len;
	const char *data = http_body(req, &len);
	const char *type = http_header(req, "content-type");

	assert(!data || data[len] == 0);
	response_body(res, type ? type : "text/plain", data ? data : "", len);
}

static void answer(struct response *res, const char *template, ...)
{
	va_list ap;

	va_start(ap, template);
	response_json(res, template, ap);
	va_end(ap);
}

static void show(struct request *req, struct response *res)
{
	answer(res, "[%s, %s, %s, %s, %s, %s, %s]", http_param(req, "a"), http_param(req, "b"),
	       http_method(req), http_path(req), http_query(req), http_header(req, "host"),
	       http_header(req, "x"));
}

/* Gives the bytes in pieces whose lengths follow from `seed`. */
static void feed(struct fake_stream *s, const uint8_t *data, size_t size, uint32_t seed, bool queue)
{
	while (size > 0 && !s->closed) {
		seed = seed * 1664525 + 1013904223;
		size_t n = MIN(size, (size_t)1 + (seed >> 24) % (seed >> 16 & 1 ? 4 : 200));

		if (queue)
			fake_queue(s, data, n);
		else
			fake_input(s, data, n);
		data += n;
		size -= n;
	}
	if (queue)
		fake_ready(s);
	fake_end(s);
}

/* Alike, but for which of several faults of the last request was found first. */
static void compare(const struct fake_stream *a, const struct fake_stream *b)
{
	size_t i = 0;

	assert(a->closed == b->closed);
	if (strstr(a->out, "100 Continue") || strstr(b->out, "100 Continue") ||
	    strcmp(a->out, b->out) == 0)
		return;
	while (a->out[i] == b->out[i])
		i++;
	while (i > 0 && strncmp(a->out + i, "HTTP/1.1 ", 9) != 0)
		i--;
	assert(a->out[i + 9] >= '4' && b->out[i + 9] >= '4');
	assert(strstr(a->out + i, "\r\nConnection: close") &&
	       strstr(b->out + i, "\r\nConnection: close"));
}

static void start(void)
{
	fake_start("http.max_head=2000 http.max_headers=8 http.max_uri=300 http.max_body=500", 8);
	router_add("GET", "/", show);
	router_add("POST", "/", echo);
	router_add("GET", "/:a/:b", show);
	router_add("PUT", "/p/:a", echo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct fake_stream *a, *b;
	uint32_t seed;

	if (!started)
		start();
	started = true;
	if (size < 4)
		return 0;
	memcpy(&seed, data, 4);
	a = fake_open(1);
	b = fake_open(2);
	feed(a, data + 4, size - 4, seed, false);
	b->room = seed >> 8 & 255;
	feed(b, data + 4, size - 4, ~seed, seed & 1);
	while (!b->closed)
		fake_room(b, 1 + (seed & 1023));
	compare(a, b);
	fake_free(a);
	fake_free(b);
	assert(fake_pool_used("http_conns") == 0);
	assert(fake_pool_used("http_requests") <= 1);
	return 0;
}
