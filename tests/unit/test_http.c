/* SPDX-License-Identifier: MIT */
/* sources: net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c
 * net/http/date.c net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c
 * net/http/read.c net/http/request.c net/http/response.c net/http/run.c net/http/target.c
 * net/http/time.c net/http/work.c net/http/write.c net/json/json.c net/json/number.c
 * net/json/string.c net/http/router.c kernel/config.c kernel/counter.c tests/unit/fake_http.c
 * tests/unit/fake_kernel.c */
/* The HTTP server on scripted streams: exact answers, however the input is cut, and
 * what is left when it is over: nothing. */
#include "tests/unit/fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/impl.h"
#include "tests/unit/fake_http.h"

#define DATE "Date: Sun, 22 Nov 2026 21:37:39 GMT\r\n"
#define OK "HTTP/1.1 200 OK\r\n" DATE
#define JSON "Content-Type: application/json\r\n"
#define TIME_BODY "{\"time\": 1795383459.123456}"
#define TIME OK JSON "Content-Length: 27\r\n\r\n" TIME_BODY
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLOSE "Connection: close\r\n"

static void answer(struct response *res, const char *template, ...)
{
	va_list ap;

	va_start(ap, template);
	response_json(res, template, ap);
	va_end(ap);
}

static void get_time(struct request *req, struct response *res)
{
	answer(res, "{ time: %.6f }", clock_unix());
}

static void echo(struct request *req, struct response *res)
{
	const char *type = http_header(req, "content-TYPE");
	size_t len;
	const char *data = http_body(req, &len);

	assert_true(!data || data[len] == 0);
	response_body(res, type ? type : "text/plain", data ? data : "", len);
}

static void show(struct request *req, struct response *res)
{
	for (unsigned i = 0; i < 2; i++)
		answer(res, "[%s, %s, %s, %s, %s]", http_method(req), http_path(req),
		       http_query(req), http_header(req, "host"), http_header(req, "x"));
}

static void hello(struct request *req, struct response *res)
{
	const char *b = http_param(req, "b"), *a = http_param(req, "a");

	assert_null(http_param(req, "c"));
	answer(res, "[%s, %s, %s]", a, b, http_path(req));
}

static void slow(struct request *req, struct response *res)
{
	const char *x = http_header(req, "x");

	fake_wait();
	answer(res, "[%s]", x);
}

static void big(struct request *req, struct response *res)
{
	size_t n = strtoul(http_query(req), NULL, 10);

	response_begin(res, "text/plain");
	for (size_t i = 0; i < n; i++)
		response_add(res, "x", 1);
}

static void made(struct request *req, struct response *res)
{
	response_status(res, 201);
	response_header(res, "Location", "/made/1");
	response_header(res, "X-Empty", "");
}

static void none(struct request *req, struct response *res)
{
	response_status(res, 204);
}

static void teapot(struct request *req, struct response *res)
{
	response_status(res, 418);
}

static void start(const char *words, unsigned max)
{
	fake_start(words, max);
	router_add("GET", "/", get_time);
	router_add("POST", "/echo", echo);
	router_add("GET", "/show", show);
	router_add("GET", "/hello/:a/:b", hello);
	router_add("GET", "/slow", slow);
	router_add("GET", "/big", big);
	router_add("GET", "/made", made);
	router_add("GET", "/none", none);
	router_add("GET", "/teapot", teapot);
}

static int setup(void **unused)
{
	start("", 100);
	return 0;
}

/* Nothing may be left but the one request object that is kept. */
static int teardown(void **unused)
{
	assert_int_equal(fake_pool_used("http_conns"), 0);
	assert_in_range(fake_pool_used("http_requests"), 0, 1);
	return 0;
}

static void same(const char *got, const char *want, const char *how)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s:\n--- got\n%s\n--- wanted\n%s", how, got, want);
}

/* The whole in pieces of `piece` bytes, of which the first is `first` long. */
static void play(const char *in, size_t len, const char *want, bool closes, size_t first,
		 size_t piece)
{
	struct fake_stream *s = fake_open(1);
	char how[64];
	size_t at = first < len ? first : len;

	snprintf(how, sizeof(how), "first piece %zu, others %zu", first, piece);
	fake_input(s, in, at);
	for (; at < len; at += piece)
		fake_input(s, in + at, len - at < piece ? len - at : piece);
	same(s->out, want, how);
	if (s->closed != closes || s->aborted)
		fail_msg("%s: %s", how,
			 s->aborted  ? "aborted"
			 : s->closed ? "closed"
				     : "left open");
	fake_free(s);
}

/* Answered alike whole, byte by byte, and cut anywhere. */
static void dialogue(const char *in, size_t len, const char *want, bool closes)
{
	struct fake_stream *s = fake_open(1);

	play(in, len, want, closes, len, 1);
	play(in, len, want, closes, 1, 1);
	for (size_t cut = 1; cut < len && len < 2000; cut++)
		play(in, len, want, closes, cut, len);
	for (size_t piece = 2; piece < 20; piece++)
		play(in, len, want, closes, piece, piece);
	for (size_t i = 0; i < len; i++)
		fake_queue(s, in + i, 1);        /* many pieces at once */
	fake_ready(s);
	same(s->out, want, "all pieces at once");
	assert_int_equal(s->closed, closes);
	fake_free(s);
}

#define OPEN(in, want) dialogue(in, sizeof(in) - 1, want, false)
#define CLOSED(in, want) dialogue(in, sizeof(in) - 1, want, true)

static char *refusal(const char *status, const char *length)
{
	static char text[512];

	snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n" DATE JSON "Content-Length: %s\r\n" CLOSE
		 "\r\n{\"error\": \"%s\"}", status, length, status + 4);
	return text;
}

static void test_get(void **unused)
{
	OPEN(GET, TIME);
	OPEN("\r\n" GET, TIME);
	OPEN("GET http://y HTTP/1.1\r\nHost: x\r\n\r\n", TIME);
	OPEN("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", OK JSON "Content-Length: 27\r\n\r\n");
	CLOSED("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET,
	       OK JSON "Content-Length: 27\r\n" CLOSE "\r\n" TIME_BODY);
	CLOSED("GET / HTTP/1.0\r\n\r\n" GET,
	       OK JSON "Content-Length: 27\r\n" CLOSE "\r\n" TIME_BODY);
	OPEN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	     OK JSON "Content-Length: 27\r\nConnection: keep-alive\r\n\r\n" TIME_BODY);
}

static void test_pipeline(void **unused)
{
	char both[1024];

	OPEN(GET GET GET, TIME TIME TIME);
	OPEN(GET "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET,
	     TIME OK "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc" TIME);
	snprintf(both, sizeof(both), "%s%s", TIME, refusal("400 Bad Request", "24"));
	CLOSED(GET "GET /\r\n" GET, both);
}

static void test_bodies(void **unused)
{
#define POST(rest) "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n" rest
#define ECHO(n, text) OK "Content-Type: a/b\r\nContent-Length: " n "\r\n\r\n" text
	OPEN(POST("Content-Length: 5\r\n\r\nhello"), ECHO("5", "hello"));
	OPEN(POST("Content-Length: 0\r\n\r\n"), ECHO("0", ""));
	CLOSED(POST("\r\n") GET, refusal("411 Length Required", "28"));
	OPEN(POST("Transfer-Encoding: "
		  "chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n")
		     GET,
	     ECHO("19", "abc0123456789abcdef") TIME);
	OPEN(POST("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ECHO("0", ""));
	CLOSED(POST("Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n") GET,
	       refusal("400 Bad Request", "24"));
	OPEN("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /" GET, TIME TIME);
}

static void test_body_limits(void **unused)
{
	start("http.max_body=20", 100);
	CLOSED(POST("Content-Length: 21\r\n\r\n"), refusal("413 Content Too Large", "30"));
	CLOSED(POST("Content-Length: 18446744073709551615\r\n\r\n"),
	       refusal("413 Content Too Large", "30"));
	CLOSED(POST("Transfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n"),
	       refusal("413 Content Too Large", "30"));
	CLOSED(POST("Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nb\r\n"),
	       refusal("413 Content Too Large", "30"));
	OPEN(POST("Content-Length: 20\r\n\r\n01234567890123456789"),
	     ECHO("20", "01234567890123456789"));
}

/* "go on" depends on what is in hand, so these are not cut everywhere. */
static void test_expect(void **unused)
{
	struct fake_stream *s = fake_open(1);
	const char *head = POST("Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");

	fake_input(s, head, strlen(head));
	same(s->out, "HTTP/1.1 100 Continue\r\n\r\n", "asked");
	fake_input(s, "hi", 2);
	same(s->out, "HTTP/1.1 100 Continue\r\n\r\n" ECHO("2", "hi"), "answered");
	fake_free(s);

	play(POST("Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi"), strlen(head) + 2,
	     ECHO("2", "hi"), false, 999, 1);
	head = "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: "
	       "100-continue\r\n\r\n";
	play(head, strlen(head), refusal("404 Not Found", "22"), true, 999, 1);
	CLOSED("GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n",
	       refusal("417 Expectation Failed", "31"));
}

static void test_refusals(void **unused)
{
	CLOSED("GET / HTTP/1.1\r\n\r\n" GET, refusal("400 Bad Request", "24"));
	CLOSED("GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n" GET, refusal("400 Bad Request", "24"));
	CLOSED("GET / HTTP/1.1\nHost: x\n\n" GET, refusal("400 Bad Request", "24"));
	CLOSED("GET / HTTP/3.0\r\n\r\n", refusal("505 HTTP Version Not Supported", "39"));
	CLOSED("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	       refusal("501 Not Implemented", "28"));
	CLOSED("HEAD / HTTP/1.1\r\n\r\n",
	       "HTTP/1.1 400 Bad Request\r\n" DATE JSON "Content-Length: 24\r\n" CLOSE "\r\n");
	CLOSED("\0\0\0\0", refusal("400 Bad Request", "24"));
}

static void test_long(void **unused)
{
	static char text[20000];
	size_t n;

	start("http.max_head=1000 http.max_uri=500 http.max_headers=3", 100);
	n = (size_t)sprintf(text, "GET /%0500d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
	dialogue(text, n, refusal("414 URI Too Long", "25"), true);
	n = (size_t)sprintf(text, "%01000d", 0);
	dialogue(text, n, refusal("414 URI Too Long", "25"), true);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\nX: %01000d\r\n\r\n", 0);
	dialogue(text, n, refusal("431 Request Header Fields Too Large", "44"), true);
	OPEN("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n", TIME);
	CLOSED("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\nE: f\r\n\r\n",
	       refusal("431 Request Header Fields Too Large", "44"));

	start("", 100);
	n = (size_t)sprintf(text, "GET /show HTTP/1.1\r\nHost: h\r\nX: %07000d\r\n\r\n", 0);
	char *want = malloc(n + 500);

	sprintf(want,
		OK JSON
		"Content-Length: 7031\r\n\r\n[\"GET\", \"/show\", null, \"h\", \"%07000d\"]",
		0);
	dialogue(text, n, want, false);
	free(want);
}

static void test_routes(void **unused)
{
	OPEN("GET /x HTTP/1.1\r\nHost: x\r\n\r\n" GET,
	     "HTTP/1.1 404 Not Found\r\n" DATE JSON
	     "Content-Length: 22\r\n\r\n{\"error\": \"Not Found\"}" TIME);
	OPEN("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" GET,
	     "HTTP/1.1 405 Method Not Allowed\r\n" DATE JSON
	     "Content-Length: 31\r\nAllow: POST, OPTIONS\r\n\r\n"
	     "{\"error\": \"Method Not Allowed\"}" TIME);
	OPEN("BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 501 Not Implemented\r\n" DATE JSON
	     "Content-Length: 28\r\n\r\n{\"error\": \"Not Implemented\"}");
	OPEN("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n",
	     OK "Content-Length: 0\r\nAllow: GET, HEAD, OPTIONS\r\n\r\n");
	OPEN("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	     OK "Content-Length: 0\r\nAllow: GET, HEAD, POST, OPTIONS\r\n\r\n");
	OPEN("OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 404 Not Found\r\n" DATE JSON
	     "Content-Length: 22\r\n\r\n{\"error\": \"Not Found\"}");
	OPEN("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 404 Not Found\r\n" DATE JSON "Content-Length: 22\r\n\r\n");
	OPEN("GET /hello/a%20b/%C3%A9 HTTP/1.1\r\nHost: x\r\n\r\n",
	     OK JSON "Content-Length: 36\r\n\r\n[\"a b\", \"\xc3\xa9\", \"/hello/a%20b/%C3%A9\"]");
}

static void test_strings(void **unused)
{
#define SHOWN(n, text) OK JSON "Content-Length: " n "\r\n\r\n" text
	for (unsigned again = 0; again < 2; again++)
		OPEN("GET /show?a=b HTTP/1.1\r\nHost: h:1\r\nX: y\r\nX: z\r\n\r\n",
		     SHOWN("35", "[\"GET\", \"/show\", \"a=b\", \"h:1\", \"y\"]"));
	OPEN("GET /show? HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n",
	     SHOWN("29", "[\"GET\", \"/show\", \"\", \"h\", \"\"]"));
	OPEN("GET http://abs:80/show HTTP/1.1\r\nHost: h\r\n\r\n",
	     SHOWN("38", "[\"GET\", \"/show\", null, \"abs:80\", null]"));
}

static void test_answers(void **unused)
{
	OPEN("GET /made HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 201 Created\r\n" DATE
	     "Content-Length: 0\r\nLocation: /made/1\r\nX-Empty: \r\n\r\n");
	OPEN("GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 No Content\r\n" DATE "\r\n");
	OPEN("GET /teapot HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 418 Client Error\r\n" DATE JSON
	     "Content-Length: 25\r\n\r\n{\"error\": \"Client Error\"}");
	fake_unix_ns = -1;
	fake_pass(SECONDS(2));
	OPEN(GET, "HTTP/1.1 503 Service Unavailable\r\n" JSON "Content-Length: 34\r\n\r\n"
	     "{\"error\": \"time is not known yet\"}");
}

static void test_date(void **unused)
{
	struct fake_stream *s = fake_open(1);

	fake_input(s, GET, strlen(GET));
	fake_pass(MILLIS(876));
	fake_input(s, GET, strlen(GET));
	assert_non_null(strstr(s->out + strlen(TIME), "21:37:39"));
	fake_pass(MILLIS(1));
	fake_input(s, GET, strlen(GET));
	assert_non_null(strstr(s->out + 2 * strlen(TIME), "21:37:40"));
	fake_free(s);
}

static void test_repeated(void **unused)
{
	struct fake_stream *s = fake_open(1);
	static const char other[] = "GET / HTTP/1.1\r\nHost: y\r\n\r\n";

	for (unsigned i = 0; i < 3; i++)
		fake_input(s, GET, strlen(GET));
	assert_int_equal(http_counters[COUNT_REPEATED].n, 2);
	fake_input(s, other, strlen(other));
	fake_input(s, GET GET, 2 * strlen(GET));
	assert_int_equal(http_counters[COUNT_REPEATED].n, 3);
	same(s->out, TIME TIME TIME TIME TIME TIME, "repeated");
	fake_free(s);
}

/* Answers wait for room, in order, and nothing is read meanwhile. */
static void test_back_pressure(void **unused)
{
	static char text[100 * sizeof(GET)], want[101 * sizeof(TIME)];
	struct fake_stream *s = fake_open(1);

	for (unsigned i = 0; i < 100; i++) {
		strcat(text, GET);
		strcat(want, TIME);
	}
	s->room = 1000;
	fake_input(s, text, strlen(text));
	assert_int_equal(s->out_len, 1000);
	assert_in_range(stream_available(&s->stream), strlen(text) - 8 * strlen(GET), strlen(text));
	while (s->out_len < strlen(want)) {
		size_t before = s->out_len;

		fake_room(s, 77);
		assert_true(s->out_len > before);
	}
	same(s->out, want, "pipelined");
	assert_int_equal(stream_available(&s->stream), 0);
	fake_free(s);
}

static void test_big(void **unused)
{
	static const size_t sizes[] = {0, 1, 2047, 2048, 2049, 10000, 300000};
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fake_stream *s = fake_open(1);
		size_t n = (size_t)sprintf(text, "GET /big?%zu HTTP/1.1\r\nHost: x\r\n\r\n" GET,
					   sizes[i]);

		s->room = i % 2 ? 100 : 1u << 20;
		fake_input(s, text, n);
		fake_room(s, 1u << 20);
		n = (size_t)sprintf(text,
				    OK "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
				    sizes[i]);
		assert_memory_equal(s->out, text, n);
		assert_int_equal(strspn(s->out + n, "x"), sizes[i]);
		same(s->out + n + sizes[i], TIME, "after it");
		fake_free(s);
	}
	OPEN("GET /big?600000 HTTP/1.1\r\nHost: x\r\n\r\n",
	     "HTTP/1.1 500 Internal Server Error\r\n" DATE JSON
	     "Content-Length: 34\r\n\r\n{\"error\": \"Internal Server Error\"}");
}

static void test_waits(void **unused)
{
	static const char in[] = "GET /slow HTTP/1.1\r\nHost: x\r\nX: 1\r\n\r\n" GET;
	struct fake_stream *a = fake_open(1), *b = fake_open(1), *c = fake_open(1);

	fake_input(a, GET, strlen(GET));
	fake_input(a, in, strlen(in));
	same(a->out, TIME, "waiting");
	fake_input(b, in, strlen(in));
	fake_input(c, GET, strlen(GET));
	same(c->out, TIME, "beside it");
	fake_input(a, GET, strlen(GET));         /* more comes while it waits */
	fake_pass(SECONDS(500));                 /* a handler takes as long as it takes */
	fake_end(a);
	fake_reset(b);                           /* and its connection may die */
	fake_resume();
	assert_true(a->again && !a->closed);
	fake_ready(a);
	assert_true(a->closed && !a->aborted);
	assert_non_null(strstr(a->out, "[\"1\"]HTTP/1.1 200 OK"));
	fake_resume();
	assert_int_equal(http_counters[COUNT_WAITED].n, 2);
	fake_free(a);
	fake_free(b);
	fake_free(c);
}

static void test_no_request_object(void **unused)
{
	static const char in[] = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fake_stream *s[10];

	for (unsigned i = 0; i < 10; i++) {
		s[i] = fake_open(1);
		if (i < 8)
			fake_input(s[i], in, strlen(in));
	}
	fake_input(s[8], GET, strlen(GET));      /* the ninth object */
	same(s[8]->out, TIME, "the last object");
	fake_free(s[8]);
	for (unsigned i = 0; i < 8; i++) {
		fake_resume();
		fake_ready(s[i]);
		fake_free(s[i]);
	}
	fake_free(s[9]);
}

static void test_time_outs(void **unused)
{
	struct fake_stream *idle = fake_open(1), *head = fake_open(1), *body = fake_open(1),
		      *stuck = fake_open(1);
	unsigned signals = fake_signals;

	fake_pass(SECONDS(10));
	fake_input(head, "GET ", 4);
	fake_input(body, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n", 51);
	stuck->room = 10;
	fake_input(stuck, GET, strlen(GET));
	assert_int_equal(fake_signals,
			 signals + 1); /* only the head is due before what is armed */
	fake_pass(SECONDS(29));
	fake_input(head, "/", 1);
	assert_false(head->closed);
	fake_pass(MILLIS(1002));
	assert_true(head->closed);
	same(head->out, strstr(head->out, "HTTP/1.1 408 Request Timeout"), "408");
	fake_pass(SECONDS(15));
	fake_room(stuck, 10);
	fake_pass(SECONDS(5));
	assert_true(idle->closed && !idle->aborted && idle->out_len == 0);
	assert_false(body->closed);
	fake_pass(SECONDS(11));
	assert_true(body->closed);
	assert_false(stuck->closed);
	stuck->unacked = 1;                             /* of 10: some progress */
	fake_pass(SECONDS(50));
	assert_false(stuck->closed);
	fake_pass(SECONDS(61));
	assert_true(stuck->aborted);
	assert_int_equal(http_counters[COUNT_TIMEOUTS].n, 4);
	fake_free(idle);
	fake_free(head);
	fake_free(body);
	fake_free(stuck);
}

/* An answer that the peer never acknowledges ends like one that finds no room. */
static void test_idle_unacked(void **unused)
{
	struct fake_stream *deaf = fake_open(1), *slow_peer = fake_open(1);

	fake_input(deaf, GET, strlen(GET));
	fake_input(slow_peer, GET, strlen(GET));
	slow_peer->unacked = 3;
	fake_pass(SECONDS(61));
	assert_true(deaf->aborted);
	assert_false(slow_peer->closed);
	slow_peer->unacked = 0;
	fake_pass(SECONDS(61));
	assert_true(slow_peer->closed && !slow_peer->aborted);
	fake_free(deaf);
	fake_free(slow_peer);
}

static void test_limit(void **unused)
{
	struct fake_stream *s[12];

	start("http.max_connections=8", 12);
	for (unsigned i = 0; i < 8; i++)
		s[i] = fake_open(1);
	for (unsigned i = 1; i < 8; i++)
		fake_input(s[i], "GET ", 4);
	s[8] = fake_open(1);
	assert_true(s[0]->closed && !s[0]->aborted);    /* the oldest idle makes room */
	fake_input(s[8], "GET ", 4);
	s[9] = fake_open(1);                            /* nobody is idle */
	s[10] = fake_open(1);
	fake_input(s[9], GET, strlen(GET));
	assert_non_null(strstr(s[9]->out, "HTTP/1.1 503 Service Unavailable"));
	assert_true(s[9]->closed && !s[9]->aborted);
	fake_reset(s[1]);
	fake_input(s[10], GET, strlen(GET));            /* room came in time */
	same(s[10]->out, TIME, "room came");
	s[9]->conn = NULL;
	for (unsigned i = 0; i <= 10; i++)
		fake_free(s[i]);
}

static void test_evict(void **unused)
{
	struct fake_stream *s[6];

	start("", 4);
	for (unsigned i = 0; i < 4; i++)
		s[i] = fake_open(1);
	assert_true(s[0]->closed && s[1]->closed);      /* two slots are kept for 503 */
	fake_input(s[2], "G", 1);
	fake_input(s[3], "G", 1);
	s[4] = fake_open(1);
	s[5] = fake_open(1);
	struct fake_stream *last = fake_open(1);

	assert_true(s[4]->aborted);                     /* the newcomers without a word go first */
	fake_input(last, GET, strlen(GET));
	assert_non_null(strstr(last->out, " 503 "));
	fake_free(last);
	for (unsigned i = 0; i < 6; i++)
		fake_free(s[i]);
}

static void test_per_address(void **unused)
{
	struct fake_stream *s[300];

	start("http.max_per_address=2", 400);
	for (unsigned i = 0; i < 300; i++)
		s[i] = fake_open(1 + i / 2);
	for (unsigned i = 0; i < 300; i++)
		assert_false(s[i]->closed);
	struct fake_stream *third = fake_open(7);

	assert_true(third->closed);
	assert_non_null(strstr(third->out, "HTTP/1.1 503 "));
	fake_free(third);
	for (unsigned i = 0; i < 300; i += 2)
		fake_free(s[i]);
	for (unsigned i = 0; i < 300; i += 2) {
		s[i] = fake_open(1 + i / 2);
		assert_false(s[i]->closed);
		third = fake_open(1 + i / 2);
		assert_true(third->closed);
		fake_free(third);
	}
	for (unsigned i = 0; i < 300; i++)
		fake_free(s[i]);
}

/* Collected requests share a bounded memory: the oldest gives way. */
static void test_work_budget(void **unused)
{
	struct fake_stream *s[40];
	unsigned refused = 0;

	fake_heap_limit = 64u << 10;
	start("", 100);
	for (unsigned i = 0; i < 40; i++) {
		s[i] = fake_open(1);
		fake_pass(MILLIS(10));
		fake_input(s[i], "GET ", 4);
	}
	for (unsigned i = 0; i < 40; i++) {
		refused += s[i]->closed;
		if (s[i]->closed)
			assert_non_null(strstr(s[i]->out, "HTTP/1.1 503 "));
		assert_true(i == 0 || s[i - 1]->closed >= s[i]->closed);
	}
	assert_in_range(refused, 8, 20);
	fake_input(s[39], "/ HTTP/1.1\r\nHost: x\r\n\r\n", 23);
	assert_memory_equal(s[39]->out, OK, strlen(OK));
	for (unsigned i = 0; i < 40; i++)
		fake_free(s[i]);
	fake_heap_limit = 1u << 20;
}

static void test_ends(void **unused)
{
	struct fake_stream *s = fake_open(1);

	fake_end(s);
	assert_true(s->closed && !s->aborted && s->out_len == 0);
	fake_free(s);

	s = fake_open(1);
	fake_queue(s, GET GET "GE", 2 * strlen(GET) + 2);
	fake_end(s);
	assert_true(s->closed && !s->aborted);
	assert_memory_equal(s->out, TIME TIME "HTTP/1.1 400 ", 2 * strlen(TIME) + 13);
	fake_free(s);

	s = fake_open(1);
	fake_input(s, POST("Content-Length: 3\r\n\r\nab"),
		   strlen(POST("Content-Length: 3\r\n\r\nab")));
	fake_end(s);
	assert_memory_equal(s->out, "HTTP/1.1 400 ", 13);
	fake_free(s);
}

static void test_drain(void **unused)
{
	struct fake_stream *idle = fake_open(1), *busy = fake_open(1), *late;

	fake_input(busy, "GET / HT", 8);
	http_drain();
	assert_true(idle->closed);
	fake_input(busy, "TP/1.1\r\nHost: x\r\n\r\n" GET, 19 + strlen(GET));
	same(busy->out, OK JSON "Content-Length: 27\r\n" CLOSE "\r\n" TIME_BODY, "draining");
	assert_true(busy->closed);
	late = fake_open(1);
	fake_input(late, GET, strlen(GET));
	assert_true(late->closed);
	fake_free(idle);
	fake_free(busy);
	fake_free(late);
}

static void test_more(void **unused)
{
	struct fake_stream *s = fake_open(1);

	fake_input(s, GET GET GET, 3 * strlen(GET));
	assert_int_equal(s->writes, 3);
	assert_int_equal(s->more, 2);            /* the last one sends what was held back */
	fake_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(get),           TEST(pipeline),     TEST(bodies), TEST(body_limits),
		TEST(expect),        TEST(refusals),     TEST(long),   TEST(routes),
		TEST(strings),       TEST(answers),      TEST(date),   TEST(repeated),
		TEST(back_pressure), TEST(big),          TEST(waits),  TEST(no_request_object),
		TEST(time_outs),     TEST(idle_unacked), TEST(limit),  TEST(evict),
		TEST(per_address),   TEST(work_budget),  TEST(ends),   TEST(drain),
		TEST(more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
