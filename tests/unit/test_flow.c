/* SPDX-License-Identifier: MIT */
/* sources: net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c
 * net/http/date.c net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c
 * net/http/read.c net/http/request.c net/http/response.c net/http/run.c net/http/target.c
 * net/http/time.c net/http/work.c net/http/write.c net/json/json.c net/json/number.c
 * net/json/string.c net/http/router.c net/http/later.c net/http/flow.c net/http/body.c
 * kernel/config.c kernel/counter.c tests/unit/fake_http.c tests/unit/fake_kernel.c */
/* Answers and bodies in pieces, whatever room and input there is, and every way they end. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/flow.h"
#include "net/http/impl.h"
#include "tests/unit/fake_http.h"

#define OK "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 21:37:39 GMT\r\nContent-Type: a/b\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /up HTTP/1.1\r\nHost: x\r\n"
#define LONG 3000

static char long_text[LONG + 1];
static int result;
static struct later *later;

static void pieces(struct request *req, struct response *res)
{
	result = response_stream(req, "a/b");
	if (result == 0)
		result = response_write(req, "hello", 5);
	if (result == 0)
		result = response_write(req, "", 0);
	if (result == 0)
		result = response_write(req, long_text, LONG);
	if (result == 0)
		result = response_print(req, "%d", 42);
}

static void events(struct request *req, struct response *res)
{
	response_events(req);
	response_event(req, NULL, NULL, "one");
	response_event(req, "kind", "7", "two\nlines");
}

static void long_event(struct request *req, struct response *res)
{
	response_events(req);
	response_event(req, NULL, NULL, long_text);
}

static void park(struct request *req, struct response *res)
{
	later = request_later(req, NULL, NULL);
}

/* For ever, to whoever takes it. */
static void endless(struct request *req, struct response *res)
{
	result = response_stream(req, "a/b");
	while (result == 0)
		result = response_print(req, "on");
}

static void nothing(struct request *req, struct response *res)
{
	response_status(res, 204);
	endless(req, res);
}

static void refuse(struct request *req, struct response *res)
{
	char type[RESPONSE_TYPE_MAX + 2];

	memset(type, 'x', sizeof(type));
	type[sizeof(type) - 1] = 0;
	result = response_stream(req, type);
	assert_int_equal(response_write(req, "x", 1), -ECONNRESET);
	response_break(req);
}

/* Answers with the body it reads, seven bytes at a time, or with an error's number. */
static void up(struct request *req, struct response *res)
{
	char buf[7];
	long n;

	response_begin(res, "a/b");
	while ((n = request_read(req, buf, sizeof(buf))) > 0)
		response_add(res, buf, (size_t)n);
	result = (int)n;
}

static void ignore(struct request *req, struct response *res)
{
	response_body(res, "a/b", "no", 2);
}

static int setup(void **unused)
{
	fake_start("http.max_body=10", 20);
	router_add("GET", "/", pieces);
	router_add("GET", "/events", events);
	router_add("GET", "/long", long_event);
	router_add("GET", "/park", park);
	router_add("GET", "/refuse", refuse);
	router_add("GET", "/endless", endless);
	router_add("GET", "/nothing", nothing);
	route_stream("POST", "/up", up);
	route_stream("POST", "/ignore", ignore);
	router_add("POST", "/whole", up);
	for (unsigned i = 0; i < LONG; i++)
		long_text[i] = (char)('a' + i % 26);
	return 0;
}

static int teardown(void **unused)
{
	assert_int_equal(fake_pool_used("http_conns"), 0);
	assert_int_equal(fake_pool_used("http_later"), 0);
	assert_in_range(fake_pool_used("http_requests"), 0, 1);
	return 0;
}

static struct fake_stream *ask(const char *text, size_t room)
{
	struct fake_stream *s = fake_open(1);

	s->room = room;
	fake_input(s, text, strlen(text));
	return s;
}

/* Takes the chunked coding off. */
static char *decoded(const char *out)
{
	const char *in = strstr(out, "\r\n\r\n") + 4;
	size_t len = strlen(in), used, data, n = 0;
	struct http_chunk c = {0};
	char *text = malloc(len + 1);
	int e;

	assert_memory_equal(out, CHUNKED, (size_t)(in - out));
	while ((e = http_chunk_next(&c, (const uint8_t *)in, len, 99, &used, &data)) > 0) {
		if (e == HTTP_CHUNK_DATA) {
			memcpy(text + n, in + used - data, data);
			n += data;
		}
		in += used;
		len -= used;
		if (e == HTTP_CHUNK_END)
			break;
	}
	assert_int_equal(e, HTTP_CHUNK_END);
	assert_int_equal(len, 0);
	text[n] = 0;
	return text;
}

static void check(const char *out)
{
	char want[LONG + 100], *got = decoded(out);

	snprintf(want, sizeof(want), "hello%s42", long_text);
	assert_string_equal(got, want);
	free(got);
}

static void test_chunked(void **unused)
{
	struct fake_stream *s = ask(GET("/"), 1 << 20);

	check(s->out);
	assert_int_equal(result, 0);
	assert_false(s->closed);
	fake_free(s);
}

/* However slowly it is read, with the handler waiting for room. */
static void test_slow_reader(void **unused)
{
	for (size_t room = 0; room < 400; room++) {
		struct fake_stream *s = ask(GET("/"), room);

		while (!strstr(s->out, "0\r\n\r\n")) {
			fake_room(s, 1 + room * 7 % 500);
			if (s->again)
				fake_ready(s);
			if (fake_waiting())
				fake_resume();
		}
		check(s->out);
		fake_free(s);
	}
}

static void test_old(void **unused)
{
	struct fake_stream *s = ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1 << 20);
	char want[LONG + 400];

	snprintf(want, sizeof(want), OK "Connection: close\r\n\r\nhello%s42", long_text);
	assert_string_equal(s->out, want);
	assert_true(s->closed);
	fake_free(s);
	s = ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET("/refuse"), 1 << 20);
	assert_memory_equal(s->out, CHUNKED "HTTP/1.1 500", sizeof(CHUNKED "HTTP/1.1 500") - 1);
	assert_int_equal(result, -ENOSPC);
	fake_free(s);
}

/* An answer without a body ends in order, and its writer at once. */
static void test_mute(void **unused)
{
	struct fake_stream *s = ask("HEAD /endless HTTP/1.1\r\nHost: x\r\n\r\n", 1 << 20);

	assert_int_equal(result, -EPIPE);
	assert_string_equal(s->out, CHUNKED);
	assert_false(s->closed || s->aborted);
	fake_input(s, GET("/nothing"), sizeof(GET("/nothing")) - 1);
	assert_int_equal(result, -EPIPE);
	assert_non_null(strstr(s->out, "HTTP/1.1 204 No Content\r\n"));
	assert_false(s->closed || s->aborted);
	fake_free(s);
}

/* Cut between two pieces: it does not end as if it were whole. */
static void test_cut(void **unused)
{
	for (size_t room = sizeof(CHUNKED); room < sizeof(CHUNKED) + 40; room++) {
		struct fake_stream *s = ask(GET("/endless"), room);

		fake_resume();
		assert_int_equal(result, -ETIMEDOUT);
		fake_room(s, 1 << 20);
		fake_ready(s);
		assert_true(s->aborted);
		assert_null(strstr(s->out, "\r\n0\r\n"));
		fake_free(s);
	}
}

static void test_events(void **unused)
{
	struct fake_stream *s = ask(GET("/events"), 1 << 20);
	assert_non_null(strstr(s->out, "Content-Type: text/event-stream; charset=utf-8\r\n"));
	assert_string_equal(strstr(s->out, "\r\n\r\n") + 4,
			    "b\r\ndata: one\n\n\r\n"
			    "29\r\nevent: kind\nid: 7\ndata: two\ndata: lines\n\n\r\n"
			    "0\r\n\r\n");
	fake_free(s);

	long_text[10] = '\n';
	s = ask(GET("/long"), 1 << 20);
	long_text[10] = 'k';
	assert_true(strstr(s->out, "data: abcdefghij\ndata: lmnop") &&
		    strstr(s->out, "0\r\n\r\n"));
	fake_free(s);
}

/* A reader that goes, or only stops, while the handler waits for room. */
static void test_gone(void **unused)
{
	struct fake_stream *s = ask(GET("/"), 300);

	fake_reset(s);
	fake_resume();
	assert_true(result == -ECONNRESET || result == -ECANCELED);
	fake_free(s);

	s = ask(GET("/"), 300);
	fake_end(s);
	fake_resume();
	assert_int_equal(result, -ECANCELED);
	fake_ready(s);
	assert_true(s->aborted);
	fake_free(s);

	s = ask(GET("/"), 300);
	fake_resume();
	assert_int_equal(result, -ETIMEDOUT);
	fake_ready(s);
	assert_true(s->aborted);
	fake_free(s);
}

/* It goes after the handler has returned, before the end is sent. */
static void test_gone_late(void **unused)
{
	struct fake_stream *s = ask(GET("/"), 2000);

	fake_room(s, 1 << 20);
	fake_resume();
	assert_int_equal(result, 0);
	fake_reset(s);
	fake_free(s);

	s = ask(POST "Content-Length: 1\r\n\r\n", 1 << 20);
	fake_input(s, "x", 1);
	fake_resume();
	assert_int_equal(result, 0);
	fake_reset(s);
	fake_free(s);
}

/* Without a stack: begun, watched, ended. */
static void test_parked(void **unused)
{
	struct fake_stream *s = ask(GET("/park"), 120);
	struct event room = {0};
	char want[LONG + 1];
	struct request *spare = request_get();  /* so that the answer is in a fresh one */
	size_t at = 0;

	assert_non_null(later_answer(later));
	assert_int_equal(later_stream(later, "a/b"), 0);
	request_put(spare);
	later_watch(later, &room);
	while (at < LONG) {
		long n = later_write_some(later, long_text + at, LONG - at);

		assert_true(n >= 0);
		at += (size_t)n;
		if (at < LONG) {
			room.signalled = false;
			fake_room(s, 100);
			assert_true(room.signalled);
		}
	}
	later_end(later);
	fake_room(s, 100);
	memcpy(want, long_text, LONG + 1);
	char *got = decoded(s->out);

	assert_string_equal(got, want);
	free(got);
	assert_false(s->closed);
	fake_free(s);

	s = ask(GET("/park"), 1000);
	assert_non_null(later_answer(later));
	fake_reset(s);
	assert_int_equal(later_stream(later, "a/b"), -ECONNRESET);
	assert_int_equal(later_write_some(later, "x", 1), -ECONNRESET);
	later_end(later);
	fake_free(s);
}

#define GOT(len, text) OK "Content-Length: " len "\r\n\r\n" text

/* Cut anywhere; longer than http.max_body. */
static void read_all(const char *in, const char *want, int err, bool closes)
{
	size_t len = strlen(in);

	for (size_t cut = 1; cut <= len; cut++) {
		struct fake_stream *s = fake_open(1);

		fake_input(s, in, cut);
		fake_queue(s, in + cut, len - cut);
		fake_ready(s);
		if (fake_waiting())
			fake_resume();
		fake_ready(s);
		assert_string_equal(s->out, want);
		assert_int_equal(result, err);
		assert_int_equal(s->closed, closes);
		fake_free(s);
	}
}

static void test_read(void **unused)
{
	read_all(POST "Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz",
		 GOT("26", "abcdefghijklmnopqrstuvwxyz"), 0, false);
	read_all(POST "Content-Length: 3\r\n\r\nabc" POST "Content-Length: 2\r\n\r\nde",
		 GOT("3", "abc") GOT("2", "de"), 0, false);
	read_all(POST "Transfer-Encoding: chunked\r\n\r\n"
		 "9\r\nabcdefghi\r\n3;x=y\r\njkl\r\n0\r\n\r\n",
		 GOT("12", "abcdefghijkl"), 0, false);
	read_all("POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcdefghi",
		 GOT("9", "abcdefghi"), 0, false);
	read_all(POST "Content-Length: 0\r\n\r\n", GOT("0", ""), 0, false);
	read_all(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
		 OK "Content-Length: 2\r\nConnection: close\r\n\r\nab", -EBADMSG, true);
	read_all("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab",
		 OK "Content-Length: 2\r\nConnection: close\r\n\r\nno", -EBADMSG, true);
}

static void test_read_ends(void **unused)
{
	struct fake_stream *s = ask(POST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", 9999);

	assert_string_equal(s->out, "HTTP/1.1 100 Continue\r\n\r\n");
	fake_input(s, "abcdefghi", 9);
	fake_resume();
	fake_ready(s);
	assert_string_equal(s->out, "HTTP/1.1 100 Continue\r\n\r\n" GOT("9", "abcdefghi"));
	fake_free(s);

	s = ask(POST "Content-Length: 9\r\n\r\nabc", 9999);
	fake_resume();
	assert_int_equal(result, -ETIMEDOUT);
	fake_ready(s);
	assert_true(s->closed);
	fake_free(s);

	s = ask(POST "Content-Length: 9\r\n\r\nabc", 9999);
	fake_reset(s);
	fake_resume();
	assert_true(result == -ECONNRESET || result == -ECANCELED);
	fake_free(s);
}

/* A body byte by byte: not longer than http.body_timeout, which is 60 s; at more than a byte a
 * millisecond as long as it likes. */
static void test_read_drip(void **unused)
{
	struct fake_stream *s = ask(POST "Content-Length: 999999\r\n\r\n", 1 << 20);
	char text[2000] = "";
	unsigned n;

	for (n = 0; n < 100; n++) {
		fake_pass(SECONDS(1));
		fake_input(s, text, sizeof(text));
		fake_resume();
		assert_true(fake_waiting());
	}
	for (n = 0; n < 100 && fake_waiting(); n++) {
		fake_pass(SECONDS(10));
		fake_input(s, "x", 1);
		fake_resume();
	}
	assert_int_equal(n, 7);
	assert_int_equal(result, -ETIMEDOUT);
	fake_ready(s);
	assert_true(s->closed);
	fake_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chunked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_drip, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
