/* sources: net/ip6/dhcp6_message.c net/addr.c net/ip6/text.c */
/* SPDX-License-Identifier: MIT */
/* Messages of DHCPv6 (net/ip6/dhcp6.h): what is written, what is read, and that no damage does
 * any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ip6/dhcp6.h"

#define XID 0x123456u

static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };

/* A reply with an address, name servers, and time servers by address and by name. */
static const uint8_t reply[] = {
	7, 0x12, 0x34, 0x56,
	0, 1, 0, 10, 0, 3, 0, 1, 2, 3, 4, 5, 6, 7,
	0, 2, 0, 4, 'd', 'u', 'i', 'd',
	0, 3, 0, 40, 4, 5, 6, 7, 0, 0, 0, 60, 0, 0, 0, 90,
	0, 5, 0, 24, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
	0, 0, 0, 100, 0, 0, 0, 200,
	0, 23, 0, 16, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0, 56, 0, 38, 0, 1, 0, 16, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	0, 3, 0, 14, 4, 't', 'i', 'm', 'e', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,
	0, 7, 0, 1, 9,
};

static void test_read(void **state)
{
	struct dhcp6_answer a;
	char text[ADDR_TEXT];

	assert_int_equal(dhcp6_read(reply, sizeof(reply), mac, XID, &a), 0);
	assert_int_equal(a.type, DHCP6_REPLY);
	assert_true(a.has_address);
	assert_string_equal(addr_text(text, &a.addr), "fd77::9");
	assert_int_equal(a.preferred, 100);
	assert_int_equal(a.valid, 200);
	assert_int_equal(a.t1, 60);
	assert_int_equal(a.t2, 90);
	assert_int_equal(a.preference, 9);
	assert_int_equal(a.dns_count, 1);
	assert_string_equal(a.ntp, "[fd77::2],time.example");
	assert_memory_equal(a.server, "duid", 4);
	assert_int_not_equal(dhcp6_read(reply, sizeof(reply), mac, XID + 1, &a), 0);
}

/* Every length, and every byte changed in many ways: nothing is read beyond the end (ASan), and
 * what is accepted is whole. */
static void test_damage(void **state)
{
	struct dhcp6_answer a;

	for (size_t len = 0; len < sizeof(reply); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, reply, len);
		dhcp6_read(copy, len, mac, XID, &a);
		free(copy);
	}
	for (size_t at = 0; at < sizeof(reply); at++) {
		for (int v = 0; v < 256; v++) {
			uint8_t *copy = malloc(sizeof(reply));

			memcpy(copy, reply, sizeof(reply));
			copy[at] = (uint8_t)v;
			if (dhcp6_read(copy, sizeof(reply), mac, XID, &a) == 0) {
				assert_true(a.server_len > 0 && a.server_len <= DHCP6_DUID_MAX);
				assert_true(!a.has_address || a.preferred <= a.valid);
				assert_true(strlen(a.ntp) < NTP_LIST_MAX);
			}
			free(copy);
		}
	}
}

/* Our own question is no answer; it holds what RFC 8415 asks for. */
static void test_write(void **state)
{
	uint8_t duid[DHCP6_DUID_MAX], out[DHCP6_QUESTION_MAX];
	struct addr addr = { { 1, 2, 3, 4 } };
	struct dhcp6_answer a;
	struct dhcp6_question q = {
		.type = DHCP6_REQUEST, .xid = XID, .elapsed_cs = 100000, .mac = mac,
		.server = duid, .server_len = sizeof(duid), .addr = &addr,
	};
	size_t len;

	memset(duid, 7, sizeof(duid));
	len = dhcp6_write(out, &q);
	assert_in_range(len, 4 + 14 + 4 + sizeof(duid) + 6 + 44 + 10, DHCP6_QUESTION_MAX);
	assert_memory_equal(out, "\3\x12\x34\x56\0\1\0\x0a\0\3\0\1\2\3\4\5\6\7", 18);
	assert_int_not_equal(dhcp6_read(out, len, mac, XID, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
