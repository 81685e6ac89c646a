/* sources: kernel/userdata.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/userdata.c: what is settings and what is not, and names out of meta-data. */
#include "tests/unit/fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/userdata.h"

static char applied[200];

int config_apply_document(const char *words, size_t len, const char *source, bool late)
{
	assert_string_equal(source, "test");
	assert_true(late);
	snprintf(applied, sizeof(applied), "%.*s", (int)len, words);
	return 0;
}

/* Bytes in a block of their exact size. */
static void apply(const char *text, size_t len)
{
	char *copy = malloc(len);

	memcpy(copy, text, len);
	applied[0] = fake_log[0] = '\0';
	userdata_apply(copy, len, "test", true);
	free(copy);
}

static void test_settings(void **state)
{
	apply("#zeitkern\na=1\nb=2", 17);
	assert_string_equal(applied, "\na=1\nb=2");
	apply("\xef\xbb\xbf#zeitkern\r\na=1\r\n", 19);
	assert_string_equal(applied, "\r\na=1\r\n");
	apply("#zeitkern", 9);
	assert_string_equal(fake_log, "test: 9 bytes of settings");
	apply("#zeitkern a=\xc3\xa9", 14);
	assert_string_equal(applied, " a=\xc3\xa9");
}

static void refused(const char *text, size_t len, const char *line)
{
	apply(text, len);
	assert_string_equal(applied, "");
	assert_string_equal(fake_log, line);
}

static void test_refused(void **state)
{
	unsigned lines = fake_log_lines;

	apply("", 0);
	assert_int_equal(fake_log_lines, lines);
	refused("#zeitkernel a=1", 15, "test: user-data: the first line is \"#zeitkernel a=1\": "
		"expected \"#zeitkern\" and settings; not used");
	refused("#zeit", 5, "test: user-data: the first line is \"#zeit\": expected \"#zeitkern\" "
		"and settings; not used");
	refused("password=x", 10, "test: user-data: the first line is another: expected "
		"\"#zeitkern\" and settings; not used");
	refused("#zeitkern\0a=1", 13, "test: user-data: byte 10 is none of a text; not used");
	refused("#zeitkern \x7f", 11, "test: user-data: byte 11 is none of a text; not used");
	refused("\x1f\x8b\x08", 3, "test: user-data is compressed: expected text; not used");
}

static void member(const char *text, const char *key, const char *expected)
{
	size_t len = strlen(text);
	char *copy = malloc(len), to[16] = "";

	memcpy(copy, text, len);
	if (userdata_member(copy, len, key, to, sizeof(to)) != (expected != NULL))
		fail_msg("%s in %s", key, text);
	if (expected)
		assert_string_equal(to, expected);
	free(copy);
}

static void test_members(void **state)
{
	member("{\"hostname\": \"a.b\"}", "hostname", "a.b");
	member(" \n{ \"x\" : { \"hostname\": \"no\" }, \"y\": [\"hostname\", \"q\"],\n"
	       " \"hostname\" :\n\"a\" }", "hostname", "a");
	member("{\"v\": \"hostname\", \"n\\\"\": 1, \"hostname\": \"a\"}", "hostname", "a");
	for (const char *const *text = (const char *const[]){ "", "{", "{\"hostname\"",
	     "{\"hostname\":", "{\"hostname\":\"", "{\"hostname\":\"a",
	     "{\"hostname\":\"a b\"}", "{\"hostname\":\"\"}",
	     "{\"hostname\": {\"a\": 1}}", "{\"hostname\": \"\\u0041\"}", "{\"hostname2\":\"a\"}",
	     "{\"hostname\": \"a-name-that-is-too-long\"}", "}{\"hostname\": \"a\"}",
	     "xhostname: a", " hostname: a", "hostname", "hostname:", "hostname:\n",
	     "hostname: a,b", "hostname: \"a", NULL }; *text; text++)
		member(*text, "hostname", NULL);
	member("instance-id: i-1\nlocal-hostname: box\n", "local-hostname", "box");
	member("local-hostname: 'box' # ours", "local-hostname", "box");
	member("local-hostname:\t\"box\"\r\n", "local-hostname", "box");
	member("local-hostname: box", "local-hostname", "box");
	member("a:\n  local-hostname: no\nlocal-hostname: box\n", "local-hostname", "box");
}

static void test_hostname(void **state)
{
	char name[81];

	userdata_hostname("box.example.net", "test", true);
	assert_string_equal(applied, "hostname=box");
	applied[0] = '\0';
	userdata_hostname("", "test", true);
	userdata_hostname(".x", "test", true);
	memset(name, 'n', 80);
	name[80] = '\0';
	userdata_hostname(name, "test", true);
	assert_string_equal(applied, "");
	assert_string_equal(fake_log, "test: hostname: expected at most 63 characters");
	name[63] = '\0';
	userdata_hostname(name, "test", true);
	assert_int_equal(strlen(applied), 9 + 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_hostname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
