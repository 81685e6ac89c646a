/* SPDX-License-Identifier: MIT */
/* sources: net/http/form_parse.c net/http/chars.c tests/unit/fake_kernel.c */
/* Decoders of queries, forms, cookies and multipart bodies. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/form_parse.h"

/* On the heap, without a NUL, so that the sanitizer sees its end. */
static struct text text(const char *s)
{
	size_t len = strlen(s);
	char *p = malloc(len + 1);

	memcpy(p, s, len);
	return (struct text){realloc(p, len ? len : 1), len};
}

static void same(struct text got, const char *want)
{
	if (got.len != strlen(want) || memcmp(got.p, want, got.len) != 0)
		fail_msg("got %.*s, wanted %s", (int)got.len, got.p, want);
}

typedef bool next(struct text *in, struct text *name, struct text *value);

/* "a=b|c=d": the pairs as they are. */
static void pairs(next *fn, const char *in, const char *want)
{
	struct text t = text(in), all = t, name, value;
	char out[200] = "";

	while (fn(&t, &name, &value)) {
		strncat(out, name.p, name.len);
		strcat(out, "=");
		strncat(out, value.p, value.len);
		strcat(out, "|");
	}
	assert_string_equal(out, want);
	free((void *)all.p);
}

static void test_form(void **unused)
{
	pairs(form_next, "", "");
	pairs(form_next, "&&&", "");
	pairs(form_next, "a=b&c=d", "a=b|c=d|");
	pairs(form_next, "a&=b&c==d=&", "a=|=b|c==d=|");
	pairs(cookie_next, "", "");
	pairs(cookie_next, "a=b; c=\"d e\"; f", "a=b|c=d e|");
	pairs(cookie_next, " ; a = b ;;=x;c=\";d=\"\"", "a=b|c=\"|d=|");
}

static void decodes(const char *in, const char *want)
{
	struct text t = text(in);
	char out[50];

	same((struct text){out, form_decode(out, t)}, want);
	free((void *)t.p);
}

static void test_decode(void **unused)
{
	decodes("", "");
	decodes("a+b%20c%2B%e2%82%AC", "a b c+\xe2\x82\xac");
	decodes("%", "%");
	decodes("%4", "%4");
	decodes("%4g%41", "%4gA");
}

static void parameter(const char *in, const char *name, const char *want)
{
	struct text t = text(in), got = field_parameter(t, name);

	if (want)
		same(got, want);
	else
		assert_null(got.p);
	free((void *)t.p);
}

static void test_parameter(void **unused)
{
	parameter("form-data; name=x; filename=\"a;b\"", "name", "x");
	parameter("form-data; name=x; filename=\"a;b\"", "FileName", "a;b");
	parameter("form-data; filename=\"name=y; a\\\"\"; name=x", "name", "x");
	parameter("form-data; filename=\"a\\", "filename", "a\\");
	parameter("form-data; a; name = ", "name", NULL);
	parameter("name=x", "name", "x");
	parameter("for=1.2.3.4;Proto=https;by=\"[::1]:2\"", "proto", "https");
	parameter(";;=,;by = x", "by", NULL);
	parameter("", "name", NULL);
	parameter("x; boundary=\"\"", "boundary", "");
}

#define HEAD "Content-Disposition: form-data; name=a\r\n"

static void part(const char *in, int first, const char *data, int second)
{
	struct text t = text(in), all = t, boundary = {"--x", 3};
	struct part p;

	assert_int_equal(part_next(&t, boundary, &p), first);
	if (first == 1) {
		same(p.data, data);
		assert_int_equal(part_next(&t, boundary, &p), second);
	}
	free((void *)all.p);
}

static void test_parts(void **unused)
{
	part("", -EINVAL, NULL, 0);
	part("----x", -EINVAL, NULL, 0);
	part("----x--", 0, NULL, 0);
	part("----x\r\n" HEAD "\r\nhello\r\n----x--\r\n", 1, "hello", 0);
	part("----x \r\n" HEAD "\r\n\r\n----x--\r\n", 1, "", 0);
	part("----x\r\n" HEAD "\r\n----x--\r\n", 1, "", 0);
	part("----x\r\n\r\n\r\n----x\r\n" HEAD "\r\nb\r\n----x--", 1, "", 1);
	part("----x\r\n" HEAD "\r\n--x\r\n--\r\n----y\r\n----x--", 1, "--x\r\n--\r\n----y", 0);
	part("----x\r\n" HEAD "\r\nhello", -EINVAL, NULL, 0);
	part("----x\r\n" HEAD, -EINVAL, NULL, 0);
	part("----x\r\n" HEAD "\n\r\n----x--", -EINVAL, NULL, 0);
	part("----xy\r\n" HEAD "\r\n\r\n----x--", -EINVAL, NULL, 0);
	part("----x\r\n" HEAD "\r\na\r\n----x", 1, "a", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_parameter),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
