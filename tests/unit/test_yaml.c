/* sources: net/netconf/yaml.c net/netconf/yaml_inline.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/netconf/yaml.h: what is read, and what is refused with its line and reason. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/netconf/yaml.h"

static char tree[4096];
static size_t used;

/* Maps as {key:value;}, lists as [value;], nothing as ~. */
static void write_out(const struct yaml_node *n)
{
	if (n->key)
		used += (size_t)sprintf(tree + used, "%s:", n->key);
	if (n->kind == YAML_TEXT || n->kind == YAML_NULL)
		used += (size_t)sprintf(tree + used, "%s", n->text ? n->text : "~");
	else
		tree[used++] = n->kind == YAML_LIST ? '[' : '{';
	for (const struct yaml_node *m = n->first; m; m = m->next) {
		write_out(m);
		tree[used++] = ';';
	}
	if (n->kind == YAML_LIST || n->kind == YAML_MAP)
		tree[used++] = n->kind == YAML_LIST ? ']' : '}';
	tree[used] = '\0';
}

/* Reads it in a block of its exact size. */
static int read(struct yaml *y, const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, text, len);
	err = yaml_read(y, copy, len);
	free(copy);
	used = 0;
	tree[0] = '\0';
	if (err == 0 && y->root)
		write_out(y->root);
	return err;
}

static void reads(const char *text, const char *expected)
{
	struct yaml y;

	if (read(&y, text, strlen(text)) < 0)
		fail_msg("%s: line %u: %s", text, y.line, y.wrong);
	assert_string_equal(tree, expected);
	yaml_free(&y);
}

static void refuses(const char *text, unsigned line, const char *expected)
{
	struct yaml y;

	assert_int_equal(read(&y, text, strlen(text)), -EINVAL);
	assert_string_equal(y.wrong, expected);
	assert_int_equal(y.line, line);
	yaml_free(&y);
}

static void test_block(void **state)
{
	reads("", "");
	reads("# nothing\n\n", "");
	reads("---\n", "");
	reads("a: 1\nb:\n  c: x y  # z\n  d: e#f\ng:\n", "{a:1;b:{c:x y;d:e#f;};g:~;}");
	reads("\xef\xbb\xbf--- # x\na: 1\r\nb: 2\r\n...\nrest\n", "{a:1;b:2;}");
	reads("l:\n- a\n- b\nm:\n  - c\n", "{l:[a;b;];m:[c;];}");
	reads("- type: x\n  to:\n  - y\n- - 1\n  - 2\n-\n- \n  k: v\n",
	      "[{type:x;to:[y;];};[1;2;];~;{k:v;};]");
	reads("m: 52:54:00:12:34:56\nv6: 2001:db8::1/64\nu: http://x\n",
	      "{m:52:54:00:12:34:56;v6:2001:db8::1/64;u:http://x;}");
	reads("a : b\n'c': \"d\"\n\"e f\": 'it''s'\n", "{a:b;c:d;e f:it's;}");
	reads("a: ~\nb: null\nc: 'null'\nd: \"~\"\n", "{a:~;b:~;c:null;d:~;}");
	reads("a: 1, [2]\nb: -1\nc: ?x\n", "{a:1, [2];b:-1;c:?x;}");
	reads("word", "word");
}

static void test_flow(void **state)
{
	reads("[]", "[]");
	reads("{}", "{}");
	reads("a: [ 1 , \"2\", {b: c, d: [e]}, ]\n", "{a:[1;2;{b:c;d:[e;];};];}");
	reads("a: [1, # one\n2\n]\nb: {c:\n d}\n", "{a:[1;2;];b:{c:d;};}");
	reads("{\"a\":{\"b\":[1,null,true]},\n\t\"c\":\"\"}", "{a:{b:[1;~;true;];};c:;}");
	reads("\"\\u00e9\\u20ac\\u0041\\/\\\\\\\"\"", "\xc3\xa9\xe2\x82\xac""A/\\\"");
	reads("{a: , b: }", "{a:~;b:~;}");
	reads("[::1/64, fe80::2]", "[::1/64;fe80::2;]");
}

static void test_refused(void **state)
{
	refuses("a:\n\t- b", 2, "a tab before a word: expected spaces");
	refuses("a:\tb", 1, "a tab before a word: expected spaces");
	refuses("a: 1\n\"a\": 2", 2, "\"a\" twice: expected a key once");
	refuses("a: {b: 1,\nb: 2}", 2, "\"b\" twice: expected a key once");
	refuses("a: [1, 2", 1, "no comma between two values: expected , or ]");
	refuses("a: {b: [1]", 1, "no comma between two values: expected , or }");
	refuses("a: [1,", 1, "the text ends: expected a ]");
	refuses("a: [1 2: 3]", 1, "no comma between two values: expected , or ]");
	refuses("a: \"x\nb\"", 1, "a quote that is open: expected its end in the same line");
	refuses("a: b: c", 1, "a colon in a value: expected quotes around it");
	refuses("a: 'b' c", 1, "more behind a value: expected the end of the line");
	refuses("a:\n  b: 1\n c: 2", 3, "indented further than the line before: expected one "
		"column");
	refuses("a: 1\n- b", 2, "no key: expected key: value");
	refuses("- a\nb: 1", 2, "a line that belongs to none before it: expected the column of "
		"one of those");
	refuses("a: &x 1", 1, "\"&\" where a text begins: expected plain text, quotes, [] or {}");
	refuses("a: *x", 1, "\"*\" where a text begins: expected plain text, quotes, [] or {}");
	refuses("a: !!str 1", 1, "\"!\" where a text begins: expected plain text, quotes, [] or "
		"{}");
	refuses("a: |\n  x", 1, "\"|\" where a text begins: expected plain text, quotes, [] or {}");
	refuses("a: 1\n---\nb: 2", 2, "a second document: expected one");
	refuses("a: {b}", 1, "no colon behind a key: expected key: value");
	refuses("\"\\x41\"", 1, "a backslash: expected one of \"\\/bfnrtu behind it");
	refuses("\"\\u00g0\"", 1, "\\u: expected four hex digits behind it");
	refuses("\"\\u0000\"", 1, "\\u0000: expected a character");
	refuses("a: 1\nb: \x01", 2, "a byte that is none of a text: expected text");
	refuses("\xc3\xa9: 1\n\xc3\xa9: 2", 2, "\"??\" twice: expected a key once");
}

static void test_nul(void **state)
{
	struct yaml y;

	assert_int_equal(read(&y, "a: \0", 4), -EINVAL);
	yaml_free(&y);
}

/* What is at a limit is read, and what is beyond it refused. */
static void test_limits(void **state)
{
	char text[2 * YAML_NODES + 2] = "[", nested[2 * YAML_DEPTH + 3];
	struct yaml y;

	for (unsigned n = 0; n < YAML_NODES - 1; n++)
		memcpy(text + 1 + 2 * n, "1,", 2);
	memcpy(text + 2 * YAML_NODES - 1, "]", 2);
	assert_int_equal(read(&y, text, strlen(text)), 0);
	yaml_free(&y);
	memcpy(text + 2 * YAML_NODES - 1, "1]", 3);
	refuses(text, 1, "too much in one document: expected at most 1024 values");
	memset(nested, '[', YAML_DEPTH);
	memset(nested + YAML_DEPTH, ']', YAML_DEPTH);
	assert_int_equal(read(&y, nested, 2 * YAML_DEPTH), 0);
	yaml_free(&y);
	memset(nested, '-', sizeof(nested));
	for (unsigned n = 1; n < sizeof(nested); n += 2)
		nested[n] = ' ';
	assert_int_equal(read(&y, nested, sizeof(nested)), -EINVAL);
	assert_string_equal(y.wrong, "nested too deep: expected at most 16 levels");
	yaml_free(&y);
}

static void test_tree(void **state)
{
	struct yaml y;

	assert_int_equal(read(&y, "a: {b: x, c: ~, d: [y]}", 23), 0);
	assert_string_equal(yaml_text(yaml_member(y.root, "a"), "b"), "x");
	assert_null(yaml_member(yaml_member(y.root, "a"), "c"));
	assert_null(yaml_text(yaml_member(y.root, "a"), "d"));
	assert_string_equal(yaml_first(yaml_member(yaml_member(y.root, "a"), "d"))->text, "y");
	assert_null(yaml_member(y.root, "b"));
	assert_null(yaml_member(NULL, "b"));
	assert_null(yaml_first(NULL));
	yaml_free(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block), cmocka_unit_test(test_flow),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
