/* SPDX-License-Identifier: MIT */
/* sources: net/wsgi/wsgi.c net/wsgi/forwarded.c net/http/below.c net/http/form_parse.c
 * net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c net/http/date.c
 * net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c net/http/read.c
 * net/http/request.c net/http/response.c net/http/run.c net/http/target.c net/http/time.c
 * net/http/work.c net/http/write.c net/http/router.c net/http/later.c net/http/flow.c
 * net/http/body.c net/json/json.c net/json/number.c net/json/string.c net/addr.c net/ip6/text.c
 * kernel/config.c kernel/counter.c tests/unit/fake_http.c tests/unit/fake_kernel.c */
/* net/wsgi.h: what a callable may say, and what becomes of it; a body is closed once in every end
 * that it may come to. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/impl.h"
#include "net/wsgi.h"
#include "tests/unit/fake_http.h"

#define DATE "Date: Sun, 22 Nov 2026 21:37:39 GMT\r\n"
#define OK "HTTP/1.1 200 OK\r\n" DATE "Content-Type: a/b\r\n"
#define REQUEST(method) method " /w HTTP/1.1\r\nHost: x\r\n\r\n"

/* What the callable says next. */
static const char *said_status, *name, *value, *text;
static unsigned count, starts, closed;
static int end, pieces;

static int next(struct body *self, const void **data, size_t *len)
{
	if (pieces-- <= 0)
		return end;
	*data = text;
	*len = strlen(text);
	return 1;
}

static void close(struct body *self)
{
	closed++;
}

static struct body *callable(const struct wsgi *self, struct environ *env, struct start *start)
{
	static struct body body;

	for (unsigned i = 0; i < starts; i++)
		start_response(start, i + 1 < starts ? "500 Oh" : said_status,
			       &(struct field){name, value, i + 1 < starts ? NULL :
			       &(struct field){"Content-Type", "a/b", NULL}});
	body = (struct body){next, close, count};
	return text ? &body : NULL;
}

static const struct wsgi app = {.call = callable};

static int setup(void **unused)
{
	static bool mounted;

	fake_start("http.max_body=10", 20);
	if (!mounted)
		wsgi_mount("/w", &app);
	mounted = true;
	said_status = "200 OK";
	name = "X";
	value = "y";
	text = "hello";
	count = 0;
	starts = 1;
	closed = 0;
	pieces = 1;
	end = 0;
	fake_log[0] = 0;
	return 0;
}

static int teardown(void **unused)
{
	assert_int_equal(fake_pool_used("http_conns"), 0);
	assert_int_equal(fake_pool_used("http_later"), 0);
	assert_in_range(fake_pool_used("http_requests"), 0, 1);
	return 0;
}

/* What is sent for a request, with a "!" after it where the connection is reset. */
static const char *sent(const char *request)
{
	static char out[2000];
	struct fake_stream *s = fake_open(1);

	fake_input(s, request, strlen(request));
	snprintf(out, sizeof(out), "%s", s->out ? s->out : "");
	if (s->aborted)
		strcat(out, "!");
	fake_free(s);
	assert_int_equal(closed, text ? 1 : 0);
	closed = 0;
	return out;
}

static void test_pieces(void **unused)
{
	count = 1;
	assert_string_equal(sent(REQUEST("GET")),
			    OK "Content-Length: 5\r\nX: y\r\n\r\nhello");
	count = 0;
	pieces = 2;
	assert_string_equal(sent(REQUEST("GET")), OK "Transfer-Encoding: chunked\r\nX: y\r\n\r\n"
			    "5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n");
	pieces = 0;
	assert_string_equal(sent(REQUEST("GET")), OK "Content-Length: 0\r\nX: y\r\n\r\n");
	text = NULL;
	assert_string_equal(sent(REQUEST("GET")), OK "Content-Length: 0\r\nX: y\r\n\r\n");
	assert_string_equal(fake_log, "");
}

/* An error before the first piece is a 500, after it the connection's end. */
static void test_errors(void **unused)
{
	end = -EIO;
	pieces = 0;
	assert_non_null(strstr(sent(REQUEST("GET")), "HTTP/1.1 500 Internal Server Error\r\n"));
	pieces = 1;
	assert_string_equal(sent(REQUEST("GET")), OK "Transfer-Encoding: chunked\r\nX: y\r\n\r\n"
			    "5\r\nhello\r\n!");
}

/* The client goes away while the body waits for room. */
static void test_gone(void **unused)
{
	struct fake_stream *s = fake_open(1);

	pieces = 1 << 30;
	s->room = 1000;
	fake_input(s, REQUEST("GET"), strlen(REQUEST("GET")));
	assert_true(fake_waiting());
	assert_int_equal(closed, 0);
	fake_reset(s);
	fake_resume();
	assert_false(fake_waiting());
	assert_int_equal(closed, 1);
	fake_free(s);
}

/* The last start_response counts, whole. */
static void test_again(void **unused)
{
	starts = 3;
	assert_string_equal(sent(REQUEST("HEAD")), OK "Transfer-Encoding: chunked\r\nX: y\r\n\r\n");
	starts = 0;
	assert_non_null(strstr(sent(REQUEST("GET")), "HTTP/1.1 500 "));
	assert_string_equal(fake_log, "wsgi: no start_response for /w");
}

static void refused(const char *n, const char *v, const char *why)
{
	name = n;
	value = v;
	pieces = 1;
	assert_non_null(strstr(sent(REQUEST("GET")), "HTTP/1.1 500 Internal Server Error\r\n"));
	assert_string_equal(fake_log, why);
}

static void test_refused(void **unused)
{
	char long_type[RESPONSE_TYPE_MAX + 2];

	memset(long_type, 'x', sizeof(long_type));
	long_type[sizeof(long_type) - 1] = 0;
	refused("Connection", "close", "wsgi: Connection: is the server's to say");
	refused("transfer-encoding", "x", "wsgi: transfer-encoding: is the server's to say");
	refused("", "x", "wsgi: : is not a name");
	refused("X Y", "x", "wsgi: X Y: is not a name");
	refused("X", "a\r\nSet-Cookie: b", "wsgi: X: control characters in its value");
	refused("Content-Type", "a/\n", "wsgi: Content-Type: control characters in its value");
	refused("Content-Type", long_type, "wsgi: Content-Type: its value is too long");
	said_status = "99 No";
	refused("X", "y", "wsgi: 99 No: not a status");
	said_status = "600 No";
	refused("X", "y", "wsgi: 600 No: not a status");
}

/* Content-Length is looked at, and what is true is sent: the number of bytes, or none for a HEAD
 * without a body, whose GET has one. */
static void test_length(void **unused)
{
	name = "Content-Length";
	value = "5";
	count = 1;
	assert_string_equal(sent(REQUEST("GET")), OK "Content-Length: 5\r\n\r\nhello");
	assert_string_equal(fake_log, "");
	pieces = 0;
	assert_string_equal(sent(REQUEST("HEAD")), OK "Transfer-Encoding: chunked\r\n\r\n");
	assert_string_equal(fake_log, "");
	assert_string_equal(sent(REQUEST("GET")), OK "Content-Length: 0\r\n\r\n");
	assert_string_equal(fake_log, "wsgi: Content-Length 5, but 0 bytes");
	count = 0;
	pieces = 2;
	assert_non_null(strstr(sent(REQUEST("GET")), "5\r\nhello\r\n0\r\n\r\n"));
	assert_string_equal(fake_log, "wsgi: Content-Length 5, but 10 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_length, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
