/* sources: net/dns/message.c */
/* SPDX-License-Identifier: MIT */
/* net/dns/message.h: what is asked, what is believed, and what a server may try. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "net/dns/message.h"

#define HOST "www.example"
#define ID 0x1234

static uint8_t m[600];
static size_t len;

static void put(const void *p, size_t n)
{
	memcpy(m + len, p, n);
	len += n;
}

/* Begins an answer with these flags and counts to a question for HOST. */
static void begin(unsigned flags, unsigned answers, unsigned authority, enum dns_type type)
{
	memset(m, 0, sizeof(m));
	len = dns_write_query(m, HOST, ID, type);
	m[2] = (uint8_t)(flags >> 8);
	m[3] = (uint8_t)flags;
	m[7] = (uint8_t)answers;
	m[9] = (uint8_t)authority;
}

/* A record: its owner is given in bytes. */
static void record(const char *owner, size_t owner_len, unsigned type, uint32_t ttl,
		   const void *data, size_t n)
{
	const uint8_t fixed[] = {
		0, (uint8_t)type, 0, 1, (uint8_t)(ttl >> 24), (uint8_t)(ttl >> 16),
		(uint8_t)(ttl >> 8), (uint8_t)ttl, (uint8_t)(n >> 8), (uint8_t)n,
	};

	put(owner, owner_len);
	put(fixed, sizeof(fixed));
	put(data, n);
}

#define ASKED "\300\14", 2             /* a pointer to the question's name */
#define ADDRESS "\300\0\2\7", 4        /* 192.0.2.7 */

static int answer(enum dns_type type, struct dns_found *f)
{
	uint8_t *exact = malloc(len);          /* so that ASan sees a byte too far */
	int r;

	memcpy(exact, m, len);
	r = dns_read_answer(exact, len, HOST, ID, type, f);
	free(exact);
	return r;
}

static void test_question(void **state)
{
	static const uint8_t wanted[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";
	char label[70];

	assert_int_equal(dns_write_query(m, HOST, ID, DNS_A), sizeof(wanted) - 1);
	assert_memory_equal(m, wanted, sizeof(wanted) - 1);
	assert_int_equal(dns_write_query(m, HOST ".", ID, DNS_A), sizeof(wanted) - 1);
	assert_int_equal(dns_write_query(m, "", ID, DNS_A), 0);
	assert_int_equal(dns_write_query(m, ".", ID, DNS_A), 0);
	assert_int_equal(dns_write_query(m, "a..b", ID, DNS_A), 0);
	assert_int_equal(dns_write_query(m, ".a", ID, DNS_A), 0);
	memset(label, 'x', sizeof(label));
	label[63] = 0;
	assert_int_not_equal(dns_write_query(m, label, ID, DNS_A), 0);
	label[63] = 'x';
	label[64] = 0;
	assert_int_equal(dns_write_query(m, label, ID, DNS_A), 0);
}

static void test_long_name(void **state)
{
	char name[300];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'x';
	name[253] = 0;
	assert_int_equal(dns_write_query(m, name, ID, DNS_A), 12 + 255 + 4);
	name[253] = 'x';
	name[254] = 0;
	assert_int_equal(dns_write_query(m, name, ID, DNS_A), 0);
}

static void test_found(void **state)
{
	struct dns_found f;

	begin(0x8180, 2, 0, DNS_A);
	record(ASKED, DNS_A, 60, ADDRESS);
	record(ASKED, DNS_A, 30, "\300\0\2\10", 4);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.ttl, 30);
	assert_int_equal(addr_as_ip4(&f.addr[0]), 0x070200c0);
	begin(0x8180, 1, 0, DNS_AAAA);
	record(ASKED, DNS_AAAA, 60, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(answer(DNS_AAAA, &f), 0);
	assert_int_equal(f.count, 1);
	assert_false(addr_is_ip4(&f.addr[0]));
}

static void test_alias(void **state)
{
	struct dns_found f;

	begin(0x8180, 3, 0, DNS_A);
	record(ASKED, 5, 100, "\3cdn\300\20", 6);              /* cdn.example */
	record("\3cdn\300\20", 6, 5, 50, "\1x\3net\0", 7);      /* x.net */
	record("\1X\3NET\0", 7, DNS_A, 70, ADDRESS);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.ttl, 50);
}

static void test_of_others(void **state)
{
	struct dns_found f;

	begin(0x8180, 3, 0, DNS_A);
	record("\4evil\7example\0", 14, DNS_A, 60, ADDRESS);
	record(ASKED, 16, 60, "\4text", 5);
	record(ASKED, DNS_AAAA, 60, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.count, 0);
	assert_int_equal(f.ttl, 0);
	begin(0x8180, 1, 0, DNS_A);
	record(ASKED, DNS_A, 60, "\0\0\0\0", 4);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.count, 0);
}

static void test_none(void **state)
{
	static const char soa[] = "\2ns\300\20\1h\300\20\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\12";
	struct dns_found f;

	begin(0x8183, 0, 1, DNS_A);
	record("\300\20", 2, 6, 3600, soa, sizeof(soa) - 1);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.count, 0);
	assert_int_equal(f.ttl, 10);
	assert_true(f.no_name);
	begin(0x8180, 0, 1, DNS_A);                            /* but perhaps of another type */
	record("\300\20", 2, 6, 3600, soa, sizeof(soa) - 1);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_true(f.count == 0 && !f.no_name);
	begin(0x8183, 0, 1, DNS_A);
	record("\300\20", 2, 6, 5, soa, sizeof(soa) - 1);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.ttl, 5);
	begin(0x8183, 0, 1, DNS_A);
	record("\300\20", 2, 6, 5, soa, sizeof(soa) - 3);      /* cut short */
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.ttl, 0);
}

static void test_ttl(void **state)
{
	struct dns_found f;

	begin(0x8180, 1, 0, DNS_A);
	record(ASKED, DNS_A, 0x80000001, ADDRESS);             /* RFC 2181 §8 */
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.ttl, 0);
	begin(0x8180, 1, 0, DNS_A);
	record(ASKED, DNS_A, 0x7fffffff, ADDRESS);
	assert_int_equal(answer(DNS_A, &f), 0);
	assert_int_equal(f.ttl, 86400);
}

static void test_refused(void **state)
{
	struct dns_found f;

	for (unsigned rcode = 1; rcode < 16; rcode++) {
		begin(0x8180 | rcode, 0, 0, DNS_A);
		assert_int_equal(answer(DNS_A, &f), rcode == 3 ? 0 : -EIO);
	}
	begin(0x8380, 0, 0, DNS_A);                            /* cut, nothing in it */
	assert_int_equal(answer(DNS_A, &f), -EIO);
}

/* Answers to something else, or by somebody else. */
static void test_lies(void **state)
{
	struct dns_found f;

	for (size_t i = 0; i < 12 + 13 + 4; i++) {
		begin(0x8180, 1, 0, DNS_A);
		record(ASKED, DNS_A, 60, ADDRESS);
		if (i >= 6 && i < 12)
			continue;                      /* counts of records */
		m[i] ^= i == 2 ? 0x80 : i == 3 ? 0 : 0x11;
		if (i == 3)
			continue;
		assert_int_equal(answer(DNS_A, &f), -EAGAIN);
	}
}

/* Every length short of the whole. */
static void test_cut(void **state)
{
	struct dns_found f;
	size_t whole;

	begin(0x8180, 1, 0, DNS_A);
	record(ASKED, DNS_A, 60, ADDRESS);
	whole = len;
	for (len = 1; len < whole; len++)
		assert_int_equal(answer(DNS_A, &f), -EAGAIN);
}

static void test_loops(void **state)
{
	static const char *const owners[] = {
		"\300\35", "\3www\300\35", "\300\377", "\377\377", "\300\14", "\300\0", "\100x",
	};
	struct dns_found f;

	for (unsigned i = 0; i < ARRAY_LEN(owners); i++) {
		begin(0x8180, 2, 0, DNS_A);
		record(owners[i], strlen(owners[i]), DNS_A, 60, ADDRESS);
		record(ASKED, 5, 60, "\3www\300\72", 6);       /* an alias of itself, for ever */
		answer(DNS_A, &f);                             /* it comes back */
	}
	begin(0x8180, 200, 0, DNS_A);
	for (int i = 0; i < 20; i++)
		record(ASKED, 5, 60, "\300\14", 2);
	assert_int_equal(answer(DNS_A, &f), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question), cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_found), cmocka_unit_test(test_alias),
		cmocka_unit_test(test_of_others), cmocka_unit_test(test_none),
		cmocka_unit_test(test_ttl), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lies), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
