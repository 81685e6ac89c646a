/* sources: net/addr.c net/ip6/text.c */
/* SPDX-License-Identifier: MIT */
/* Addresses as text (net/addr.h): RFC 4291 §2.2 in, RFC 5952 §4 out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "net/addr.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&text, &a), 0);
	assert_string_equal(text, "");
	return a;
}

/* RFC 5952 §4 and §5: what is read on the left is written as on the right. */
static void test_round_trip(void **state)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.7", "192.0.2.7" }, { "0.0.0.0", "none" }, { "::", "none" },
		{ "::1", "::1" }, { "1::", "1::" }, { "2001:DB8::1", "2001:db8::1" },
		{ "2001:0db8:0:0:0:0:0:0001", "2001:db8::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "fe80::a9fe:a9fe", "fe80::a9fe:a9fe" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" }, { "::ffff:192.0.2.7", "192.0.2.7" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" }, { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
	};
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
		struct addr a = parsed(pairs[i][0]);

		assert_string_equal(addr_text(text, &a), pairs[i][1]);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"", "1", "1.2.3", "256.1.1.1", ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "1::2::3",
		"g::", "12345::", "1:2:3:4:5:6:7", "::1.2.3", "::1.2.3.256", ":1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:1.2.3.4", "::1:2:3:4:5:6:7:8", "1::2:", "1:2:3:4:5:6:7:8::",
	};

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		const char *p = bad[i];
		struct addr a;

		if (addr_parse(&p, &a) == 0 && *p == '\0')
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

/* A text ends where the address does. */
static void test_moves(void **state)
{
	const char *p = "2001:db8::7/64", *q = "10.0.0.1,::2", *r = "fd00::1]:123";
	struct addr a;

	assert_int_equal(addr_parse(&p, &a), 0);
	assert_string_equal(p, "/64");
	assert_int_equal(addr_parse(&q, &a), 0);
	assert_true(addr_is_ip4(&a) && *q == ',');
	q++;
	assert_int_equal(addr_parse(&q, &a), 0);
	assert_false(addr_is_ip4(&a));
	assert_int_equal(addr_parse(&r, &a), 0);
	assert_string_equal(r, "]:123");
}

/* Peers are counted by address, or by /64. */
static void test_networks(void **state)
{
	struct addr a = parsed("2001:db8:1:2::1"), b = parsed("2001:db8:1:2:ffff::9");
	struct addr c = parsed("2001:db8:1:3::1"), v = parsed("10.0.0.1"), w = parsed("10.0.0.2");

	assert_true(addr_network(&a) == addr_network(&b));
	assert_true(addr_network(&a) != addr_network(&c));
	assert_true(addr_network(&v) != addr_network(&w));
	assert_true(addr_is_link_local(&(struct addr){ { __builtin_bswap32(0xfebf0000) } }));
	assert_false(addr_is_link_local(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_moves), cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
