/* sources: net/http/chunk.c net/http/chars.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/http/chunk.h: each body whole and cut at every place. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "net/http/chunk.h"

#define MAX_EXTRA 64

struct outcome {
	int result;                    /* HTTP_CHUNK_END, HTTP_CHUNK_MORE or -STATUS */
	size_t used, len;
	char body[256];
};

/* Decodes in pieces of n bytes, each in memory of its own. */
static struct outcome decode(const char *text, size_t len, size_t n)
{
	struct outcome o = {HTTP_CHUNK_MORE, 0, 0, ""};
	struct http_chunk c = {0};

	while (o.used < len && (o.result == HTTP_CHUNK_MORE || o.result == HTTP_CHUNK_DATA)) {
		size_t size = len - o.used < n ? len - o.used : n, used, data;
		uint8_t *piece = malloc(size);

		memcpy(piece, text + o.used, size);
		o.result = http_chunk_next(&c, piece, size, MAX_EXTRA, &used, &data);
		if (o.result >= 0) {
			memcpy(o.body + o.len, piece + used - data, data);
			o.len += data;
			o.used += used;
		}
		free(piece);
	}
	return o;
}

static void good(const char *text, const char *body)
{
	size_t len = strlen(text);

	for (size_t n = 1; n <= len + 4; n++) {
		struct outcome o = decode(text, len, n);

		assert_int_equal(o.result, HTTP_CHUNK_END);
		assert_int_equal(o.used, len);
		assert_int_equal(o.len, strlen(body));
		assert_memory_equal(o.body, body, o.len);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_true(decode(text, cut, 3).result == HTTP_CHUNK_MORE ||
			    decode(text, cut, 3).result == HTTP_CHUNK_DATA);
}

static void bad(int status, const char *text, size_t len)
{
	for (size_t n = 1; n <= len; n++) {
		if (decode(text, len, n).result != -status)
			fail_msg("%d instead of %d for %s", decode(text, len, n).result, -status,
				 text);
	}
}

#define BAD(status, text) bad(status, text, sizeof(text) - 1)

static void test_good(void **unused)
{
	good("0\r\n\r\n", "");
	good("5\r\nhello\r\n0\r\n\r\n", "hello");
	good("1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n", "a0123456789");
	good("00001\r\na\r\n000\r\n\r\n", "a");
	good("1;x\r\na\r\n2;y=\"\\\"; q\";z\r\nbc\r\n0;last\r\n\r\n", "abc");
	good("1\r\n\n\r\n0\r\nA: b\r\nC-D:\t e \r\n\r\n", "\n");
}

static void test_rest_is_left(void **unused)
{
	static const char text[] = "1\r\na\r\n0\r\n\r\nGET /";

	assert_int_equal(decode(text, sizeof(text) - 1, 100).used, 11);
}

static void test_bad(void **unused)
{
	BAD(400, "\r\n");
	BAD(400, "g\r\n");
	BAD(400, "-1\r\n");
	BAD(400, "+1\r\n");
	BAD(400, "0x1\r\n");
	BAD(400, " 1\r\n");
	BAD(400, "1 \r\n");
	BAD(400, "1 ;x\r\n");
	BAD(400, "1\na");
	BAD(400, "1\rX");
	BAD(400, "1\r\na\n");
	BAD(400, "1\r\na\rX");
	BAD(400, "1\r\nab\r\n");
	BAD(400, "1000000000000000\r\n");
	BAD(400, "0000000000000001\r\n");
	BAD(400, "1;x\x01\r\n");
	BAD(400, "1;x\n");
	BAD(400, "1;x\0\r\n");
	BAD(400, "0\r\n\n");
	BAD(400, "0\r\n\rX");
	BAD(400, "0\r\nA\r\n");
	BAD(400, "0\r\nA : b\r\n");
	BAD(400, "0\r\n A: b\r\n");
	BAD(400, "0\r\n: b\r\n");
	BAD(400, "0\r\nA: b\n");
	BAD(400, "0\r\nA: b\rX");
	BAD(400, "0\r\nA: \0\r\n");
	BAD(431, "0\r\nA: 1234567890123456789012345678901234567890123456789012345678901234567\r\n");
	BAD(431, "1;34567890123456789012345678901234567890123456789012345678901234567\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_rest_is_left),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
