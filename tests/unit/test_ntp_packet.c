/* sources: net/ntp/packet.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/ntp/packet.c: every check of RFC 4330 §5 on its own, timestamps and their eras. */
#include "tests/unit/fake_kernel.h"

#include <string.h>

#include "net/ntp/impl.h"

#define UNIX_EPOCH 2208988800u
#define NOW 1795383459                 /* 2026 */

static const uint8_t cookie[8] = { 1, 2, 3, 4, 250, 251, 252, 253 };
static uint8_t packet[NTP_PACKET + 20];
static struct ntp_answer answer;

static void put32(unsigned at, uint32_t n)
{
	for (unsigned i = 0; i < 4; i++)
		packet[at + i] = (uint8_t)(n >> (24 - 8 * i));
}

/* A good one, sent a quarter of a second after it was received. */
static int good(void **state)
{
	memset(packet, 0, sizeof(packet));
	packet[0] = 4 << 3 | 4;
	packet[1] = 2;
	put32(4, 0x1000);
	put32(8, 0x2000);
	memcpy(packet + 24, cookie, 8);
	put32(32, NOW + UNIX_EPOCH);
	put32(36, 0x80000000);
	put32(40, NOW + UNIX_EPOCH);
	put32(44, 0xc0000000);
	return 0;
}

static enum ntp_verdict judge(size_t len)
{
	return ntp_read(packet, len, cookie, &answer);
}

static void test_good(void **state)
{
	assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
	assert_int_equal(answer.received, NOW * 1000000000ll + 500000000);
	assert_int_equal(answer.sent, NOW * 1000000000ll + 750000000);
	assert_int_equal(answer.stratum, 2);
	assert_int_equal(judge(NTP_PACKET + 20), NTP_GOOD);     /* extensions, a MAC */
	packet[0] = 3 << 3 | 4;
	assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
	packet[0] = 1 << 6 | 4 << 3 | 4;                          /* a leap second is coming */
	packet[1] = 15;
	assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
	assert_int_equal(answer.leap, 1);
	assert_int_equal(answer.root, (0x800 + 0x2000) * 1000000000ll / 65536);
	packet[0] = 2 << 6 | 4 << 3 | 4;
	assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
	assert_int_equal(answer.leap, -1);
}

static void test_foreign(void **state)
{
	for (size_t len = 0; len < NTP_PACKET; len++)
		assert_int_equal(judge(len), NTP_FOREIGN);
	for (unsigned mode = 0; mode < 8; mode++) {
		packet[0] = (uint8_t)(4 << 3 | mode);
		assert_int_equal(judge(NTP_PACKET), mode == 4 ? NTP_GOOD : NTP_FOREIGN);
	}
	packet[0] = 4 << 3 | 4;
	for (unsigned bit = 0; bit < 64; bit++) {
		packet[24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(judge(NTP_PACKET), NTP_FOREIGN);
		packet[24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
}

static void test_kiss(void **state)
{
	packet[0] |= 3 << 6;
	packet[1] = 0;
	memcpy(packet + 12, "RATE", 4);
	assert_int_equal(judge(NTP_PACKET), NTP_KISS);
	assert_string_equal(answer.kiss, "RATE");
	memcpy(packet + 12, "\x1b[2J", 4);
	assert_int_equal(judge(NTP_PACKET), NTP_KISS);
	assert_string_equal(answer.kiss, "?[2J");
	packet[24]++;                  /* who does not know the question sends no one away */
	assert_int_equal(judge(NTP_PACKET), NTP_FOREIGN);
}

static void test_unsynchronised(void **state)
{
	packet[0] |= 3 << 6;
	assert_int_equal(judge(NTP_PACKET), NTP_UNSYNCHRONISED);
}

static void test_nonsense(void **state)
{
	static const struct { unsigned at; uint32_t word; } changes[] = {
		{ 4, 0x10000 }, { 4, 0xffffff00 }, { 8, 0x10000 }, { 8, 0x80000000 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(changes); i++) {
		good(state);
		put32(changes[i].at, changes[i].word);
		assert_int_equal(judge(NTP_PACKET), NTP_NONSENSE);
	}
	for (unsigned version = 0; version < 8; version++) {
		good(state);
		packet[0] = (uint8_t)(version << 3 | 4);
		assert_int_equal(judge(NTP_PACKET),
				 version == 3 || version == 4 ? NTP_GOOD : NTP_NONSENSE);
	}
	for (unsigned stratum = 16; stratum < 256; stratum++) {
		good(state);
		packet[1] = (uint8_t)stratum;
		assert_int_equal(judge(NTP_PACKET), NTP_NONSENSE);
	}
	for (unsigned at = 32; at <= 40; at += 8) {
		good(state);
		memset(packet + at, 0, 8);
		assert_int_equal(judge(NTP_PACKET), NTP_NONSENSE);
	}
	good(state);
	put32(40, NOW + UNIX_EPOCH - 1);       /* sent before it was received */
	assert_int_equal(judge(NTP_PACKET), NTP_NONSENSE);
}

static void test_eras(void **state)
{
	static const struct { uint32_t seconds; int64_t unix_s; } times[] = {
		{ UINT32_MAX, 2085978495 },        /* the last second of era 0, in 2036 */
		{ 1, 2085978497 },
		{ INT32_MAX, 4233462143 },         /* 2104 */
		{ 1u << 31, -61505152 },           /* 1968 */
	};

	for (unsigned i = 0; i < ARRAY_LEN(times); i++) {
		put32(32, times[i].seconds);
		put32(40, times[i].seconds);
		assert_int_equal(judge(NTP_PACKET), NTP_GOOD);
		assert_int_equal(answer.received, times[i].unix_s * 1000000000 + 500000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, good),
		cmocka_unit_test_setup(test_foreign, good),
		cmocka_unit_test_setup(test_kiss, good),
		cmocka_unit_test_setup(test_unsynchronised, good),
		cmocka_unit_test_setup(test_nonsense, good),
		cmocka_unit_test_setup(test_eras, good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
