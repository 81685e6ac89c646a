/* SPDX-License-Identifier: MIT */
/* sources: net/json/json.c net/json/number.c net/json/string.c net/http/chars.c
 * tests/unit/fake_kernel.c */
/* net/json.h: templates, numbers against printf, strings against the RFC. */
/* cflags: -Wno-format-security -Wno-format-nonliteral -Wno-format-extra-args -Wno-format-overflow
 * -Wno-clobbered */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/json.h"

static char out[512];
static const char *name;
static size_t name_len;

static PRINTF_LIKE(2, 3) int format(size_t cap, const char *template, ...)
{
	static char *exact;            /* a panic leaves it for the next call to free */
	va_list ap;

	free(exact);
	exact = malloc(cap ? cap : 1);

	va_start(ap, template);
	int n = json_format(exact, cap, template, ap, &name, &name_len);

	va_end(ap);
	memcpy(out, exact, n > 0 ? (size_t)n : 0);
	out[n > 0 ? n : 0] = 0;
	return n;
}

#define IS(want, ...) \
	do { \
		assert_int_equal(format(sizeof(out) - 1, __VA_ARGS__), sizeof(want) - 1); \
		assert_string_equal(out, want); \
		assert_int_equal(format(sizeof(want) - 1, __VA_ARGS__), sizeof(want) - 1); \
		assert_int_equal(format(sizeof(want) - 2, __VA_ARGS__), -ENOSPC); \
	} while (0)

static void test_templates(void **unused)
{
	IS("{\"time\": 1795383459.123456}", "{ time: %.6f }", 1795383459.123456);
	IS("{\"name\": \"x\", \"n\": 1}", "{ name: %s, n: %d }", "x", 1);
	IS("{}", "{}");
	IS("[]", " [ ] ");
	IS("{\"a\": [1, 2, {\"b\": null}], \"c d\": true, \"e\": -1.5e3}",
	   "{a:[%u,%d,{b:null}],\"c d\":true,\n\t\"e\":-1.5e3}", 1u, 2);
	IS("\"x\\\"y\"", "\"x\\\"y\"");
	IS("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
	IS("{\"k\\n\": \"c\"}", "{ %s: %c }", "k\n", 'c');
	IS("[null, \"\"]", "[%s, %s]", (char *)NULL, "");
	IS("[false, 0, -2147483648, 4294967295]", "[false, %d, %d, %u]", 0, INT_MIN, UINT_MAX);
	IS("[-9223372036854775808, 18446744073709551615, 7, 8, 9]", "[%ld, %lu, %lld, %llu, %zu]",
	   LONG_MIN, ULONG_MAX, 7LL, 8ULL, (size_t)9);
}

static void test_unknown(void **unused)
{
	assert_int_equal(format(100, "{ a: 1, time: %.6f }", NAN), -ENODATA);
	assert_int_equal(name_len, 4);
	assert_memory_equal(name, "time", 4);
	assert_int_equal(format(100, "{ a: [ %f ], b: 1 }", -INFINITY), -ENODATA);
	assert_memory_equal(name, "a", 1);
	assert_int_equal(format(100, "[ %f ]", NAN), -ENODATA);
	assert_int_equal(name_len, 0);
}

static void test_malformed(void **unused)
{
	static const char *const wrong[] = {
		"",         "{",        "{ a }",
		"{ a: }",   "{ a: 1",   "{ a: 1, }",
		"{ : 1 }",  "[1 2]",    "[1,]",
		"{ a: b }", "x",        "\"x",
		"\"a\nb\"", "{} {}",    "[}",
		"{ a; 1 }", "\"100%\"", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
		"tru",      "nulls",    "\"\\"};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *volatile template = wrong[i];

		if (!PANICS(format(100, template, 1, 2)))
			fail_msg("accepted: %s", wrong[i]);
	}
	static const char *const conversions[] = {"%x",    "%5d",  "%i",  "%.10f", "%.f", "%e",
						  "%lf",   "%ls",  "%zs", "%hd",   "%%",  "%",
						  "%llld", "%.6d", "%p",  "%+d"};

	for (size_t i = 0; i < ARRAY_LEN(conversions); i++) {
		const char *volatile template = conversions[i];

		if (!PANICS(format(100, template, 1, 2)))
			fail_msg("accepted: %s", conversions[i]);
	}
}

static void test_strings(void **unused)
{
	IS("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"", "%s", "\"\\/\b\f\n\r\t\x01\x1f\x7f");
	IS("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "%s",
	   "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
#define R "\xef\xbf\xbd"
	IS("\"a" R "b\"", "%s", "a\xff" "b");
	IS("\"" R "\"", "%s", "\xc3");
	IS("\"" R R "\"", "%s", "\xe2\x82");
	IS("\"" R R "\"", "%s", "\xc0\xaf");
	IS("\"" R R R "\"", "%s", "\xe0\x80\x80");
	IS("\"" R R R "\"", "%s", "\xed\xa0\x80");
	IS("\"" R R R R "\"", "%s", "\xf0\x80\x80\x80");
	IS("\"" R R R R "\"", "%s", "\xf4\x90\x80\x80");
	IS("\"" R "\xc3\xa9\"", "%s", "\x80\xc3\xa9");
	IS("\"\\u0000\"", "%c", 0);
}

static void number(double v, unsigned decimals)
{
	char want[400], got[JSON_NUMBER_MAX + 1];
	size_t n = json_double(got, v, decimals);

	snprintf(want, sizeof(want), "%.*f", (int)decimals, v);
	if (strcmp(got, want) != 0 || n != strlen(want))
		fail_msg("%a to %u decimals: %s, not %s", v, decimals, got, want);
}

static void test_numbers(void **unused)
{
	static const double some[] = {0,
				      -0.0,
				      1,
				      -1,
				      0.5,
				      1.5,
				      2.5,
				      0.125,
				      0.375,
				      1e-7,
				      5e-7,
				      4.9e-7,
				      0.9999995,
				      0.9999999,
				      999999.9999999,
				      1795383459.123456,
				      9007199254740993.0,
				      9.2233720368547758e18,
				      9.3e18,
				      1e300,
				      DBL_MAX,
				      DBL_MIN,
				      4.9e-324,
				      0.1,
				      1e15 + 0.3,
				      123456789.987654321};
	uint64_t seed = 12345;

	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		for (unsigned d = 0; d <= 9; d++) {
			number(some[i], d);
			number(-some[i], d);
		}
	}
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t bits;
		double v;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		bits = (seed >> 12) | (uint64_t)(1023 - 90 + (seed >> 3) % 160) << 52;
		memcpy(&v, &bits, 8);
		number(v, i % 10);
		number((double)(int64_t)(seed >> 40) / 1024, i % 10);     /* ties */
	}
}

static void test_integers(void **unused)
{
	char want[24], got[24];
	uint64_t n = 1;

	for (unsigned i = 0; i < 20; i++, n *= 10) {
		for (int64_t d = -1; d <= 1; d++) {
			snprintf(want, sizeof(want), "%llu", (unsigned long long)(n + (uint64_t)d));
			got[json_u64(got, n + (uint64_t)d)] = 0;
			assert_string_equal(got, want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_templates), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers),   cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
