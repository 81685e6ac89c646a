/* sources: net/http/parse.c net/http/target.c net/http/framing.c net/http/chars.c
 * tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/http/parse.h: good heads, every way to be wrong, and every place to be cut.
 * The input ends where an unmapped page begins. */
#include "tests/unit/fake_kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "net/http/chars.h"
#include "net/http/parse.h"

#define ROOM 65536

static uint8_t *page_end;
static const struct http_limits limits = {.max_head = 8192, .max_fields = 64, .max_uri = 2048};

/* A copy that ends at the unmapped page. */
static const uint8_t *place(const char *text, size_t len)
{
	return memcpy(page_end - len, text, len);
}

static int parse(struct http_head *h, const char *text, size_t len)
{
	return http_parse(h, place(text, len), len, &limits);
}

static bool slice_is(const char *text, struct http_slice s, const char *want)
{
	return s.len == strlen(want) && memcmp(text + s.at, want, s.len) == 0;
}

/* Feeds it to http_scan() in pieces of n bytes: the bytes it takes. */
static size_t scan(const char *text, size_t len, size_t n, enum http_scan *state)
{
	size_t at = 0;

	*state = HTTP_SCAN_START;
	while (at < len && *state < HTTP_SCAN_END) {
		size_t piece = len - at < n ? len - at : n;

		at += http_scan(state, place(text + at, piece), piece);
	}
	return at;
}

static void good(const char *text)
{
	struct http_head h;
	enum http_scan state;
	size_t len = strlen(text);

	if (parse(&h, text, len) != (int)len)
		fail_msg("%d for %s", parse(&h, text, len), text);
	for (size_t n = 0; n < len; n++) {
		if (parse(&h, text, n) != 0)
			fail_msg("%d after %zu bytes of %s", parse(&h, text, n), n, text);
	}
	for (size_t n = 1; n <= len; n++) {
		assert_int_equal(scan(text, len, n, &state), len);
		assert_int_equal(state, HTTP_SCAN_END);
	}
}

/* Refused with `status`, once enough is there; never good, never another status. */
static void bad(int status, const char *text, size_t len)
{
	struct http_head h;
	enum http_scan state;
	int e = parse(&h, text, len);

	if (e != -status)
		fail_msg("%d instead of %d for %s", e, -status, text);
	for (size_t n = 0; n < len; n++) {
		e = parse(&h, text, n);
		if (e != 0 && e != -status)
			fail_msg("%d after %zu bytes of %s", e, n, text);
	}
	for (size_t n = 1; n <= len; n++)
		scan(text, len, n, &state);
}

#define BAD(status, text) bad(status, text, sizeof(text) - 1)
#define HEAD "GET / HTTP/1.1\r\nHost: x\r\n"

static void test_good(void **unused)
{
	good("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	good("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
	good("GET / HTTP/1.0\r\n\r\n");
	good("GET / HTTP/1.9\r\nHost: x\r\n\r\n");
	good("GET /a/b%20c?d=%7e&e HTTP/1.1\r\nhost:x:80\r\n\r\n");
	good("OPTIONS * HTTP/1.1\r\nHOST: \t x \t \r\n\r\n");
	good("BREW /pot?a?b[] HTTP/1.1\r\nHost: [::1]:8080\r\nAccept:\r\n\r\n");
	good("GET http://example.org HTTP/1.1\r\nHost: other\r\n\r\n");
	good("GET HTTPS://[2001:db8::1]:443/p?q HTTP/1.1\r\nHost: x\r\n\r\n");
	good("CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
	good(HEAD "Content-Length: 0\r\n\r\n");
	good(HEAD "Content-Length: 00012\r\n\r\n");
	good(HEAD "transfer-encoding: Chunked\r\n\r\n");
	good(HEAD "Connection: a, close ,keep-alive,\r\n\r\n");
	good(HEAD "X: \x80\xff \t!~\r\n\r\n");
	good("GET / HTTP/1.0\r\nExpect: gold\r\n\r\n");
}

static void test_slices(void **unused)
{
	static const char text[] =
		"POST http://h:1/a/%41?q=1?2 HTTP/1.1\r\nHost: me\r\nX-Y:  a b \t\r\n"
		"Content-Length: 18446744073709551615\r\nExpect: 100-Continue\r\n"
		"Connection: Close\r\n\r\nrest";
	struct http_head h;

	assert_int_equal(parse(&h, text, sizeof(text) - 1), sizeof(text) - 5);
	assert_int_equal(h.len, sizeof(text) - 5);
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.count, 5);
	assert_true(slice_is(text, h.method, "POST"));
	assert_true(slice_is(text, h.path, "/a/%41"));
	assert_true(slice_is(text, h.query, "q=1?2"));
	assert_true(slice_is(text, h.authority, "h:1"));
	assert_true(slice_is(text, h.field[1].name, "X-Y"));
	assert_true(slice_is(text, h.field[1].value, "a b"));
	assert_true(h.length == UINT64_MAX);
	assert_int_equal(h.flags, HTTP_LENGTH | HTTP_CONTINUE | HTTP_CLOSE | HTTP_QUERY);

	static const char star[] = "OPTIONS http://h HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

	assert_true(parse(&h, star, sizeof(star) - 1) > 0);
	assert_int_equal(h.flags, HTTP_STAR | HTTP_KEEP);
	assert_int_equal(h.path.len, 0);
	assert_int_equal(h.minor, 0);
}

static void test_request_line(void **unused)
{
	BAD(400, "\r\n\r\nGET / HTTP/1.1\r\n");
	BAD(400, "\nGET / HTTP/1.1\r\n");
	BAD(400, "\rGET / HTTP/1.1\r\n");
	BAD(400, " GET / HTTP/1.1\r\n");
	BAD(400, "GET  / HTTP/1.1\r\n");
	BAD(400, "GET\t/ HTTP/1.1\r\n");
	BAD(400, "GET /  HTTP/1.1\r\n");
	BAD(400, "GET / HTTP/1.1 \r\n");
	BAD(400, "GET / HTTP/1.1\n");
	BAD(400, "GET / HTTP/1.1\rX");
	BAD(400, "GET /\r\n");
	BAD(400, "GET / \r\n");
	BAD(400, "GET\r\n");
	BAD(400, "G(T / HTTP/1.1\r\n");
	BAD(400, "GE\0T / HTTP/1.1\r\n");
	BAD(400, "\x16\x03\x01\x02");
	BAD(400, "GET / http/1.1\r\n");
	BAD(400, "GET / HTTP/1\r\n");
	BAD(400, "GET / HTTP/1.\r\n");
	BAD(400, "GET / HTTP/11\r\n");
	BAD(400, "GET / HTTP/1.10\r\n");
	BAD(400, "GET / HTTP/1,1\r\n");
	BAD(400, "GET / HTPP/1.1\r\n");
	BAD(505, "GET / HTTP/2.0\r\n");
	BAD(505, "GET / HTTP/0.9\r\n");
	BAD(505, "PRI * HTTP/2.0\r\n");
}

static void test_target(void **unused)
{
	BAD(400, "GET * HTTP/1.1\r\n");
	BAD(400, "GET x HTTP/1.1\r\n");
	BAD(400, "GET example.org:80 HTTP/1.1\r\n");
	BAD(400, "GET /a b HTTP/1.1\r\n");
	BAD(400, "GET /\x7f HTTP/1.1\r\n");
	BAD(400, "GET /\x01 HTTP/1.1\r\n");
	BAD(400, "GET /\0 HTTP/1.1\r\n");
	BAD(400, "GET /\xc3\xa9 HTTP/1.1\r\n");
	BAD(400, "GET /#a HTTP/1.1\r\n");
	BAD(400, "GET /\"<> HTTP/1.1\r\n");
	BAD(400, "GET /a\\b HTTP/1.1\r\n");
	BAD(400, "GET /% HTTP/1.1\r\n");
	BAD(400, "GET /%2 HTTP/1.1\r\n");
	BAD(400, "GET /%2g HTTP/1.1\r\n");
	BAD(400, "GET /%00 HTTP/1.1\r\n");
	BAD(400, "GET /?a=%x1 HTTP/1.1\r\n");
	BAD(400, "GET http:// HTTP/1.1\r\n");
	BAD(400, "GET http:///p HTTP/1.1\r\n");
	BAD(400, "GET http://u@h/ HTTP/1.1\r\n");
	BAD(400, "GET http://h:x/ HTTP/1.1\r\n");
	BAD(400, "GET http://h:65536/ HTTP/1.1\r\n");
	BAD(400, "GET ftp://h/ HTTP/1.1\r\n");
	BAD(400, "GET http:/h HTTP/1.1\r\n");
	BAD(400, "CONNECT / HTTP/1.1\r\n");
}

static void test_fields(void **unused)
{
	BAD(400, HEAD "X : y\r\n\r\n");
	BAD(400, HEAD "X\t: y\r\n\r\n");
	BAD(400, HEAD ": y\r\n\r\n");
	BAD(400, HEAD "X\r\n\r\n");
	BAD(400, HEAD "X: y\r\n z\r\n\r\n");
	BAD(400, HEAD "X: y\r\n\tz\r\n\r\n");
	BAD(400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n");
	BAD(400, HEAD "X: y\n\r\n");
	BAD(400, HEAD "X: y\n");
	BAD(400, HEAD "X: a\rb\r\n\r\n");
	BAD(400, HEAD "X: a\0b\r\n\r\n");
	BAD(400, HEAD "X: a\x7f\r\n\r\n");
	BAD(400, HEAD "X: a\x1b\r\n\r\n");
	BAD(400, HEAD "X\xe9: a\r\n\r\n");
	BAD(400, HEAD "X(Y): a\r\n\r\n");
	BAD(400, HEAD "\r\r\n");
	BAD(400, HEAD "\n");
	BAD(400, HEAD "\rX");
}

static void test_host(void **unused)
{
	static const char *const wrong[] = {
		"",     " ",       "a b",      "a,b c",    "a/b",   "u@h", "a:b",    "a:1:2",
		"a:-1", "a:65536", "a:123456", "[::1",     "[]",    "[x]", "[::1]x", "::1",
		"a%",   "a%zz",    "a%00",     "http://a", "a\xe9", "a?b", "<a>"};
	char text[128];

	BAD(400, "GET / HTTP/1.1\r\n\r\n");
	BAD(400, "GET / HTTP/1.1\r\nX: y\r\n\r\n");
	BAD(400, HEAD "Host: x\r\n\r\n");
	BAD(400, HEAD "hOST: y\r\n\r\n");
	BAD(400, "GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n");
	BAD(400, "GET http://h/ HTTP/1.1\r\n\r\n");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", wrong[i]);
		bad(400, text, strlen(text));
	}
}

static void test_framing(void **unused)
{
	static const char *const wrong[] = {"",
					    "+1",
					    "-1",
					    "0x1",
					    "1 2",
					    "1,1",
					    "1, 1",
					    "1;",
					    "1.0",
					    "a",
					    "\"1\"",
					    "18446744073709551616",
					    "99999999999999999999999",
					    "1e3",
					    "-0"};
	static const char *const codings[] = {"",
					      "identity",
					      "xchunked",
					      "chunkedx",
					      "chunked, chunked",
					      "chunked,",
					      ",chunked",
					      "chunked, gzip",
					      "chunked;q=1",
					      "\"chunked\"",
					      "gzip",
					      "chunked identity",
					      "gzip,,chunked",
					      "\x0b"
					      "chunked",
					      "x, chunked"};
	char text[160];

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		snprintf(text, sizeof(text), HEAD "Content-Length: %s\r\n\r\n", wrong[i]);
		bad(400, text, strlen(text));
	}
	for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
		snprintf(text, sizeof(text), HEAD "Transfer-Encoding: %s\r\n\r\n", codings[i]);
		bad(400, text, strlen(text));
	}
	BAD(501, HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n");
	BAD(501, HEAD "Transfer-Encoding: gzip, deflate ,chunked\r\n\r\n");
	BAD(400, HEAD "Transfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n\r\n");
	BAD(400, HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n");
	BAD(400, HEAD "Content-Length: 1\r\nContent-length: 2\r\n\r\n");
	BAD(400, HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
	BAD(400, HEAD "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n");
	BAD(400, HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n");
	BAD(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
	BAD(411, "POST / HTTP/1.1\r\nHost: x\r\n\r\n");
	BAD(411, "PUT / HTTP/1.0\r\n\r\n");
	BAD(411, "PATCH / HTTP/1.1\r\nHost: x\r\n\r\n");
	BAD(417, "POST / HTTP/1.1\r\nHost: x\r\nExpect: gold\r\n\r\n");
	BAD(417, HEAD "Expect: gold\r\n\r\n");
	BAD(417, HEAD "Expect: 100-continue, gold\r\n\r\n");
	BAD(400, HEAD "Expect: gold\r\nContent-Length: x\r\n\r\n");
}

static void test_limits(void **unused)
{
	static char text[20000];
	struct http_head h;
	size_t n;

	n = (size_t)sprintf(text, "GET /%02048d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
	bad(414, text, n);
	n = (size_t)sprintf(text, "GET /%02047d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
	assert_int_equal(parse(&h, text, n), n);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\nX: %08192d\r\n\r\n", 0);
	bad(431, text, n);
	n = (size_t)sprintf(text, "%09000d", 0);
	assert_int_equal(parse(&h, text, n), -414);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\nX: %0*d\r\n\r\n", 8192 - 32, 0);
	assert_int_equal(n, 8192);
	assert_int_equal(parse(&h, text, n), n);
	assert_int_equal(parse(&h, text, n - 1), 0);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\nX: %0*d\r\n\r\n", 8192 - 31, 0);
	assert_int_equal(parse(&h, text, n), -431);
	n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (unsigned i = 0; i < 63; i++)
		n += (size_t)sprintf(text + n, "X%u: %u\r\n", i, i);
	assert_int_equal(parse(&h, text, n), 0);
	memcpy(text + n, "\r\n", 2);
	assert_int_equal(parse(&h, text, n + 2), n + 2);
	assert_int_equal(h.count, 64);
	memcpy(text + n, "Y: 1\r\n\r\n", 8);
	assert_int_equal(parse(&h, text, n + 8), -431);
}

/* What the scanner calls complete or bad, the parser never calls incomplete. */
static void test_scan_agrees(void **unused)
{
	static const char alphabet[] = "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n:a \0";
	static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	uint32_t seed = 1;

	for (unsigned round = 0; round < 200000; round++) {
		char text[sizeof(start) + 4];
		size_t len = sizeof(start) - 1;
		enum http_scan state;
		struct http_head h;

		memcpy(text, start, len);
		for (unsigned i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % len] = alphabet[(seed >> 20) % (sizeof(alphabet) - 1)];
		}
		size_t n = scan(text, len, 7, &state);
		int e = parse(&h, text, len);

		if (e > 0) {
			assert_int_equal(state, HTTP_SCAN_END);
			assert_int_equal(n, e);
		}
		if (state == HTTP_SCAN_END)
			assert_true(parse(&h, text, n) != 0);
	}
}

static void test_chars(void **unused)
{
	static const char token[] = "!#$%&'*+-.^_`|~";
	static const char unreserved[] = "-._~", sub[] = "!$&'()*+,;=";

	for (unsigned c = 0; c < 256; c++) {
		bool digit = c >= '0' && c <= '9';
		bool word = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool name =
			word ||
			(c && (strchr(unreserved, (int)c) || strchr(sub, (int)c) || c == '%'));

		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_TOKEN),
				 word || (c && strchr(token, (int)c)));
		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_VALUE),
				 c == 9 || (c >= 32 && c != 127));
		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_HOST), name);
		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_TARGET),
				 name || (c && strchr(":@/?[]{}|^`", (int)c)));
		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_DIGIT), digit);
		assert_int_equal(!!http_char_is((uint8_t)c, CHAR_HEX),
				 digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_slices),
		cmocka_unit_test(test_request_line), cmocka_unit_test(test_target),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_host),
		cmocka_unit_test(test_framing), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_scan_agrees), cmocka_unit_test(test_chars),
	};
	uint8_t *map = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(map + ROOM, 4096, PROT_NONE);
	page_end = map + ROOM;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
