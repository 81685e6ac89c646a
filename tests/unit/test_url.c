/* sources: net/url.c net/http/chars.c net/http/target.c net/http/parse.c net/http/framing.c */
/* SPDX-License-Identifier: MIT */
/* URLs: parts, refusals, and the examples of RFC 3986 §5.4. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "net/url.h"

static void is(const char *text, bool secure, const char *host, unsigned port, const char *target)
{
	struct url u;

	if (url_parse(&u, text) < 0)
		fail_msg("%s: refused", text);
	assert_int_equal(u.secure, secure);
	assert_int_equal(u.port, port);
	assert_int_equal(u.host_len, strlen(host));
	assert_memory_equal(u.host, host, u.host_len);
	assert_int_equal(u.target_len, strlen(target));
	assert_memory_equal(u.target, target, u.target_len);
}

static void test_parts(void **state)
{
	is("http://a", false, "a", 80, "");
	is("HTTP://a.example/", false, "a.example", 80, "/");
	is("https://a:8443/x?y#z", true, "a", 8443, "/x?y");
	is("http://[fd00::1]:81/x", false, "fd00::1", 81, "/x");
	is("http://[fd00::1]", false, "fd00::1", 80, "");
	is("http://1.2.3.4:/x", false, "1.2.3.4", 80, "/x");
	is("http://a?q", false, "a", 80, "?q");
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"", "a", "http:/a", "http://", "http:///x", "ftp://a", "http://u@a",
		"http://u:p@a/", "http://a:0",
		"http://a:65536", "http://a:x", "http://a b", "http://a/ b",
		"http://a/\r\nX: y", "http://[::1", "http://[]", "http://a/\x7f", "http://%zz/",
	};
	struct url u;

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		if (url_parse(&u, texts[i]) != -EINVAL)
			fail_msg("%s: accepted", texts[i]);
}

static void test_resolved(void **state)
{
	static const char *const pairs[][2] = {
		{ "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" }, { "//g", "http://g" }, { "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" }, { "g;x=1/../y", "http://a/b/c/y" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" }, { "..", "http://a/b/" }, { "../g", "http://a/b/g" },
		{ "../..", "http://a/" }, { "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "/./g", "http://a/g" }, { "/../g", "http://a/g" }, { "..g", "http://a/b/c/..g" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" }, { "http://x/y", "http://x/y" },
	};
	char out[URL_MAX];
	struct url base;

	assert_int_equal(url_parse(&base, "http://a/b/c/d;p?q"), 0);
	for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
		assert_int_equal(url_resolve(out, &base, pairs[i][0], strlen(pairs[i][0])), 0);
		assert_string_equal(out, pairs[i][1]);
	}
	assert_int_equal(url_resolve(out, &base, "mailto:x", 8), -EINVAL);
	assert_int_equal(url_resolve(out, &base, "ftp://x/", 8), -EINVAL);
	assert_int_equal(url_parse(&base, "http://a"), 0);
	assert_int_equal(url_resolve(out, &base, "g", 1), 0);
	assert_string_equal(out, "http://a/g");
}

static void test_too_long(void **state)
{
	char out[URL_MAX], where[URL_MAX];
	struct url base;

	memset(where, 'x', sizeof(where));
	assert_int_equal(url_parse(&base, "http://a/"), 0);
	assert_int_equal(url_resolve(out, &base, where, sizeof(where)), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_resolved), cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
