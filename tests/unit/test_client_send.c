/* sources: net/client/send.c net/url.c net/http/chars.c net/http/target.c net/http/parse.c
 * net/http/framing.c */
/* SPDX-License-Identifier: MIT */
/* Requests as the client sends them, byte by byte. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "net/client/impl.h"

static char sent[8192];
static size_t len;
static unsigned writes;

int sock_write(struct sock *s, const void *data, size_t n, ktime deadline)
{
	memcpy(sent + len, data, n);
	len += n;
	writes++;
	return 0;
}

static int send_it(struct client_ask *a, const char *text)
{
	struct url u;
	int err = url_parse(&u, text);

	len = writes = 0;
	a->url = &u;
	if (err == 0)
		err = client_send(NULL, a, FOREVER);
	sent[len] = 0;
	return err;
}

static void is(const struct client_request *q, const char *wanted)
{
	struct client_ask a;

	assert_int_equal(client_ask_first(&a, q), 0);
	assert_int_equal(send_it(&a, q->url), 0);
	assert_string_equal(sent, wanted);
	assert_int_equal(writes, 1);
}

#define USUAL "User-Agent: zeitkern\r\nAccept: */*\r\n"

static void test_heads(void **state)
{
	is(&(struct client_request){ .url = "http://a" },
	   "GET / HTTP/1.1\r\nHost: a\r\n" USUAL "\r\n");
	is(&(struct client_request){ .url = "http://A:81?q=1#f" },
	   "GET /?q=1 HTTP/1.1\r\nHost: A:81\r\n" USUAL "\r\n");
	is(&(struct client_request){ .url = "http://[::1]/x", .method = "HEAD" },
	   "HEAD /x HTTP/1.1\r\nHost: [::1]\r\n" USUAL "\r\n");
	is(&(struct client_request){ .url = "http://a/", .method = "POST" },
	   "POST / HTTP/1.1\r\nHost: a\r\n" USUAL "Content-Length: 0\r\n\r\n");
	is(&(struct client_request){
		.url = "http://a/", .method = "PUT", .body = "hello", .body_len = 5,
		.fields = (const char *const[]){ "accept", "text/plain", "Content-Type",
						 "text/x", "X-Y", "", NULL } },
	   "PUT / HTTP/1.1\r\nHost: a\r\nUser-Agent: zeitkern\r\nContent-Length: 5\r\n"
	   "accept: text/plain\r\nContent-Type: text/x\r\nX-Y: \r\n\r\nhello");
}

static void test_large_body(void **state)
{
	static char body[4000];
	struct client_ask a;

	memset(body, 'x', sizeof(body));
	assert_int_equal(client_ask_first(&a, &(struct client_request){
		.method = "POST", .body = body, .body_len = sizeof(body) }), 0);
	assert_int_equal(send_it(&a, "http://a/"), 0);
	assert_int_equal(writes, 2);           /* not copied */
	assert_memory_equal(sent + len - sizeof(body), body, sizeof(body));
}

/* What would end a field or a head early, or is ours to say. */
static void test_refused(void **state)
{
	static const char *const fields[][2] = {
		{ "X", "a\r\nY: b" }, { "X", "a\n" }, { "X: y", "a" }, { "", "a" }, { "X ", "a" },
		{ "X", "\x01" }, { "host", "b" }, { "Content-Length", "1" },
		{ "transfer-encoding", "chunked" }, { "Connection", "close" },
	};
	static const char *const methods[] = { "", "GET ", "G\r\n", "G T" };
	struct client_ask a;

	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		const char *const list[] = { fields[i][0], fields[i][1], NULL };

		/* An empty name ends the list for nobody: it is refused as well. */
		assert_int_equal(client_ask_first(&a, &(struct client_request){ .fields = list }),
				 -EINVAL);
	}
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++)
		assert_int_equal(client_ask_first(&a, &(struct client_request){
			.method = methods[i] }), -EINVAL);
}

static void again(const char *method, unsigned status, const char *wanted, bool body)
{
	struct client_ask a;

	assert_int_equal(client_ask_first(&a, &(struct client_request){
		.method = method, .body = "b", .body_len = 1 }), 0);
	client_ask_again(&a, status);
	assert_string_equal(a.method, wanted);
	assert_int_equal(a.has_body, body);
	assert_int_equal(a.body_len, body);
}

/* RFC 9110 §15.4.2-4, §15.4.8-9. */
static void test_redirected(void **state)
{
	again("POST", 301, "GET", false);
	again("POST", 302, "GET", false);
	again("POST", 303, "GET", false);
	again("PUT", 303, "GET", false);
	again("POST", 307, "POST", true);
	again("POST", 308, "POST", true);
	again("PUT", 302, "PUT", true);
	again("HEAD", 303, "HEAD", true);
}

static void test_credentials(void **state)
{
	const struct client_request q = {
		.fields = (const char *const[]){ "authorization", "Basic x", "Cookie", "c",
						 "X-Other", "o", NULL },
	};
	struct client_ask a;

	assert_int_equal(client_ask_first(&a, &q), 0);
	assert_int_equal(send_it(&a, "http://a/"), 0);
	assert_non_null(strstr(sent, "authorization: Basic x\r\nCookie: c\r\n"));
	a.foreign = true;
	assert_int_equal(send_it(&a, "http://b/"), 0);
	assert_null(strstr(sent, "Basic"));
	assert_null(strstr(sent, "Cookie"));
	assert_non_null(strstr(sent, "X-Other: o"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads), cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
