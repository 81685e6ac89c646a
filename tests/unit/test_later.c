/* SPDX-License-Identifier: MIT */
/* sources: net/http/http.c net/http/chars.c net/http/chunk.c net/http/compose.c
 * net/http/date.c net/http/framing.c net/http/limits.c net/http/parse.c net/http/peers.c
 * net/http/read.c net/http/request.c net/http/response.c net/http/run.c net/http/target.c
 * net/http/time.c net/http/work.c net/http/write.c net/json/json.c net/json/number.c
 * net/json/string.c net/http/router.c net/http/later.c kernel/config.c kernel/counter.c
 * tests/unit/fake_http.c tests/unit/fake_kernel.c */
/* Answers that come after their handler has returned: each order of returning, answering, sending
 * and going away, and what is left: nothing. */
#include "tests/unit/fake_kernel.h"

#include <string.h>

#include "net/http/impl.h"
#include "net/later.h"
#include "tests/unit/fake_http.h"

#define DATE "Date: Sun, 22 Nov 2026 21:37:39 GMT\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HI "HTTP/1.1 200 OK\r\n" DATE "Content-Type: a/b\r\nContent-Length: 2\r\n"
#define BUSY "HTTP/1.1 503 Service Unavailable\r\n" DATE "Content-Type: application/json\r\n" \
	     "Content-Length: 32\r\n"

static struct later *later;
static unsigned gone_count;
static bool drop_when_gone;
static struct request *hold;

static void gone(void *arg)
{
	assert_ptr_equal(arg, &later);
	gone_count++;
	if (drop_when_gone)
		later_drop(later);
}

static void park(struct request *req, struct response *res)
{
	later = request_later(req, gone, &later);
}

static void park_slowly(struct request *req, struct response *res)
{
	later = request_later(req, gone, &later);
	fake_wait();
}

static void slow(struct request *req, struct response *res)
{
	fake_wait();
}

static bool answer(void)
{
	struct response *res = later_answer(later);

	if (res) {
		response_body(res, "a/b", "hi", 2);
		later_send(later);
	}
	return res;
}

static void at_once(struct request *req, struct response *res)
{
	park(req, res);
	assert_true(answer());
}

static void thinks_better(struct request *req, struct response *res)
{
	park(req, res);
	later_drop(later);
	response_body(res, "a/b", "hi", 2);
}

static int setup(void **unused)
{
	fake_start("", 4);
	router_add("GET", "/", park);
	router_add("GET", "/slow", park_slowly);
	router_add("GET", "/plain", slow);
	router_add("GET", "/once", at_once);
	router_add("GET", "/better", thinks_better);
	gone_count = 0;
	drop_when_gone = false;
	return 0;
}

static int teardown(void **unused)
{
	assert_int_equal(fake_pool_used("http_conns"), 0);
	assert_int_equal(fake_pool_used("http_later"), 0);
	assert_in_range(fake_pool_used("http_requests"), 0, 1);
	return 0;
}

static struct fake_stream *ask(const char *text)
{
	struct fake_stream *s = fake_open(1);

	fake_input(s, text, strlen(text));
	return s;
}

static void test_parked(void **unused)
{
	struct fake_stream *s = ask(GET("/") GET("/"));

	assert_string_equal(s->out, "");
	assert_in_range(fake_pool_used("http_requests"), 0, 1);
	assert_true(answer());
	assert_string_equal(s->out, HI "\r\nhi");
	assert_true(s->again);                  /* the next request lies there */
	fake_ready(s);
	assert_true(answer());
	assert_string_equal(s->out, HI "\r\nhi" HI "\r\nhi");
	assert_false(s->closed);
	fake_free(s);
	assert_int_equal(gone_count, 0);
}

static void test_framing(void **unused)
{
	struct fake_stream *s = ask("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

	assert_true(answer());
	assert_string_equal(s->out, HI "Connection: keep-alive\r\n\r\n");
	fake_free(s);
	s = ask("GET / HTTP/1.0\r\n\r\n");
	assert_true(answer());
	assert_string_equal(s->out, HI "Connection: close\r\n\r\nhi");
	assert_true(s->closed);
	fake_free(s);
}

static void test_in_handler(void **unused)
{
	struct fake_stream *s = ask(GET("/once") GET("/better"));

	assert_string_equal(s->out, HI "\r\nhi" HI "\r\nhi");
	fake_free(s);
}

/* While the handler waits: answered, then it returns; or the other way round. */
static void test_handler_waits(void **unused)
{
	struct fake_stream *s = ask(GET("/slow"));

	assert_true(answer());
	assert_string_equal(s->out, "");
	fake_resume();
	fake_ready(s);
	assert_string_equal(s->out, HI "\r\nhi");

	fake_input(s, GET("/slow"), sizeof(GET("/slow")) - 1);
	struct response *res = later_answer(later);

	fake_resume();
	fake_ready(s);
	response_body(res, "a/b", "hi", 2);
	later_send(later);
	assert_string_equal(s->out, HI "\r\nhi" HI "\r\nhi");

	fake_input(s, GET("/slow"), sizeof(GET("/slow")) - 1);
	fake_resume();
	assert_true(answer());
	fake_ready(s);
	assert_string_equal(s->out, HI "\r\nhi" HI "\r\nhi" HI "\r\nhi");
	fake_free(s);
}

static void test_gone(void **unused)
{
	struct fake_stream *s = ask(GET("/"));

	fake_reset(s);
	assert_int_equal(gone_count, 1);
	assert_false(answer());
	fake_free(s);

	s = ask(GET("/"));
	drop_when_gone = true;
	fake_reset(s);
	fake_free(s);
	s = ask(GET("/"));
	fake_end(s);
	assert_true(s->aborted);
	assert_int_equal(gone_count, 3);
	fake_free(s);
}

/* It goes after the handler has returned, before that is seen. */
static void test_gone_late(void **unused)
{
	struct fake_stream *s = ask(GET("/slow"));

	fake_resume();
	fake_reset(s);
	assert_int_equal(gone_count, 1);
	assert_false(answer());
	fake_free(s);

	s = ask(GET("/slow"));
	drop_when_gone = true;
	fake_resume();
	fake_reset(s);
	fake_free(s);

	s = ask(GET("/plain"));
	fake_resume();
	fake_reset(s);
	fake_free(s);
}

/* A client that closes only its side is told all the same. */
static void test_half_closed(void **unused)
{
	struct fake_stream *s = ask(GET("/"));

	fake_end(s);
	fake_ready(s);
	assert_int_equal(gone_count, 1);
	assert_true(answer());
	assert_string_equal(s->out, HI "\r\nhi");
	fake_ready(s);
	assert_true(s->closed);
	fake_free(s);
}

/* The client goes while an answer is made, and while the handler waits. */
static void test_gone_meanwhile(void **unused)
{
	struct fake_stream *s = ask(GET("/"));
	struct response *res = later_answer(later);

	fake_reset(s);
	response_body(res, "a/b", "hi", 2);
	later_send(later);
	fake_free(s);

	for (unsigned order = 0; order < 2; order++) {
		s = ask(GET("/slow"));
		fake_reset(s);
		if (order == 0) {
			assert_true(answer());  /* into the void */
			fake_resume();
		} else {
			fake_resume();
			assert_false(answer());
		}
		fake_free(s);
	}
	s = ask(GET("/slow"));
	res = later_answer(later);
	fake_reset(s);
	fake_resume();
	response_body(res, "a/b", "hi", 2);
	later_send(later);
	fake_free(s);
	assert_int_equal(gone_count, 4);
}

/* The eight requests that may wait, and the loop's own, are all taken. */
static void test_no_request_free(void **unused)
{
	struct fake_stream *s[9], *parked;
	struct later *l;

	fake_start("", 20);
	router_add("GET", "/", park);
	router_add("GET", "/slow", slow);
	parked = ask(GET("/"));
	l = later;
	for (unsigned i = 0; i < 8; i++)
		s[i] = ask(GET("/slow"));
	s[8] = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
	later = l;
	hold = request_get();
	assert_non_null(hold);
	assert_false(answer());
	assert_string_equal(parked->out, BUSY "Connection: close\r\n\r\n"
			    "{\"error\": \"Service Unavailable\"}");
	assert_true(parked->closed);
	request_put(hold);
	fake_free(parked);
	for (unsigned i = 0; i < 8; i++) {
		fake_resume();
		fake_ready(s[i]);
	}
	for (unsigned i = 0; i < 9; i++)
		fake_free(s[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_framing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_handler, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handler_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_request_free, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
