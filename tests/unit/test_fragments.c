/* SPDX-License-Identifier: MIT */
/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* net/ip6/fragments.c: packets in pieces of any size and order, some twice; pieces that overlap
 * (RFC 5722); more than there is room for; what is never whole. */
#include "tests/unit/fake_net.h"

#include <stdlib.h>
#include <string.h>

#include <lwip/pbuf.h>

#include "net/ip6/impl.h"

#define LEN 4000u                      /* behind the headers of the packet */
#define UDP 17
#define FRAGMENT 44
#define DESTINATION_OPTIONS 60
#define PIECES 8u

static uint8_t text[65536], from[16], to[16];

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* One piece; an extension header stands before the fragment header if `more_headers`. */
static struct pbuf *add(uint32_t id, unsigned start, unsigned end, bool last, bool more_headers)
{
	unsigned at = more_headers ? 48 : 40, len = at + 8 + end - start;
	struct pbuf *p = pbuf_alloc(PBUF_LINK, (u16_t)len, PBUF_RAM);
	uint8_t *ip = p ? p->payload : NULL;

	assert_non_null(ip);
	memset(ip, 0, at + 8);
	ip[0] = 0x60;
	put16(ip + 4, len - 40);
	ip[6] = more_headers ? DESTINATION_OPTIONS : FRAGMENT;
	memcpy(ip + 8, from, sizeof(from));
	memcpy(ip + 24, to, sizeof(to));
	if (more_headers)
		ip[40] = FRAGMENT;
	ip[at] = UDP;
	put16(ip + at + 2, start | (last ? 0 : 1));
	memcpy(ip + at + 4, &id, 4);
	memcpy(ip + at + 8, text + start, end - start);
	return fragments_add(p, at, more_headers ? 40 : 6);
}

static void check_whole(struct pbuf *p, bool more_headers)
{
	unsigned at = more_headers ? 48 : 40;
	uint8_t all[LEN + 48];

	assert_non_null(p);
	assert_int_equal(p->tot_len, at + LEN);
	pbuf_copy_partial(p, all, sizeof(all), 0);
	assert_int_equal(all[4] * 256 + all[5], at + LEN - 40);
	assert_int_equal(all[more_headers ? 40 : 6], UDP);
	assert_int_equal(all[39], 2);
	assert_memory_equal(all + at, text, LEN);
	pbuf_free(p);
}

static unsigned held(void)
{
	unsigned n = 0;

	for (struct pool *p = pool_first(); p; p = p->next)
		if (strncmp(p->name, "net_mem_", 8) == 0)
			n += p->used;
	return n;
}

static int setup(void **state)
{
	srand(1);
	memset(from, 0, sizeof(from));
	memset(to, 0, sizeof(to));
	from[15] = 1;
	to[15] = 2;
	for (unsigned i = 0; i < LEN; i++)
		text[i] = (uint8_t)rand();
	return 0;
}

static int teardown(void **state)
{
	fake_advance(SECONDS(12));
	assert_int_equal(held(), 0);
	fake_forget_sent();
	return 0;
}

/* Cuts that are in order, PIECES + 1 of them, the first 0 and the last LEN. */
static void choose_cuts(unsigned *cut)
{
	for (unsigned i = 0; i <= PIECES; i++)
		cut[i] = LEN / PIECES * i & ~7u;
	for (unsigned i = 1; i < PIECES; i++)
		cut[i] += (unsigned)rand() % 40 * 8;
	cut[PIECES] = LEN;
}

static void test_any_order(void **state)
{
	for (uint32_t id = 0; id < 2000; id++) {
		unsigned cut[PIECES + 1], order[PIECES], got = 0;
		bool more = id % 3 == 0;
		struct pbuf *p = NULL;

		choose_cuts(cut);
		for (unsigned i = 0; i < PIECES; i++) {
			unsigned j = (unsigned)rand() % (i + 1);

			order[i] = order[j];
			order[j] = i;
		}
		while (got < PIECES) {
			unsigned i = order[rand() % 4 ? got : (unsigned)rand() % (got + 1)];

			assert_null(p);
			p = add(id, cut[i], cut[i + 1], i == PIECES - 1, more);
			got += i == order[got];
		}
		check_whole(p, more);
	}
	assert_int_equal(held(), 0);
}

/* One piece that overlaps, anywhere and at any time: nothing comes of it, nothing of it is kept. */
static void test_overlap(void **state)
{
	for (uint32_t id = 0; id < 2000; id++) {
		unsigned cut[PIECES + 1], when = (unsigned)rand() % PIECES;
		unsigned from = (unsigned)rand() % (LEN / 8 - 8) * 8, to = from + 64;

		choose_cuts(cut);
		for (unsigned i = 0; i < PIECES; i++) {
			if (from == cut[i] && to == cut[i + 1])
				to -= 8;
			if (i == when)
				assert_null(add(id, from, to, false, false));
			assert_null(add(id, cut[i], cut[i + 1], i == PIECES - 1, false));
		}
		assert_int_equal(held(), 0);
	}
}

/* Two ends, and what lies beyond the end, cannot both be true. */
static void test_ends(void **state)
{
	assert_null(add(2, 800, 1600, true, false));
	assert_null(add(2, 1600, 2400, true, false));
	assert_null(add(3, 1600, 2400, false, false));
	assert_null(add(3, 800, 1600, true, false));
	assert_int_equal(held(), 0);
	assert_null(add(2, 0, 800, false, false));
	assert_null(add(3, 0, 800, false, false));
	assert_int_equal(held(), 0);
}

/* The oldest make room, and what is still there can become whole. */
static void test_flood(void **state)
{
	for (uint32_t id = 0; id < 1000; id++)
		for (unsigned i = 0; i < 20; i++)
			assert_null(add(id, 8 + i * 16, 16 + i * 16, false, false));
	assert_true(held() <= BUDGET_FRAGMENTS);
	assert_null(add(5000, 0, 2000 & ~7u, false, false));
	check_whole(add(5000, 2000, LEN, true, false), false);
	for (unsigned i = 0; i < 100; i++)
		assert_null(add(6000, 8 + i * 16, 16 + i * 16, false, false));
	assert_true(held() <= BUDGET_FRAGMENTS);
}

/* A packet that fits behind the headers of its last piece, and not behind those of its first. */
static void test_too_long(void **state)
{
	const unsigned end = 65535 - 44, step = 2048;

	for (unsigned more = 0; more < 2; more++) {
		struct pbuf *p = NULL;

		for (unsigned at = 0; at < end; at += step) {
			assert_null(p);
			p = add(7 + more, at, MIN(at + step, end), at + step >= end,
				at == 0 && more);
		}
		assert_int_equal(p != NULL, !more);
		if (p)
			pbuf_free(p);
		assert_int_equal(held(), 0);
		assert_null(add(7 + more, 0, step, false, false));
		assert_int_equal(held(), more ? 0 : 1);
	}
}

/* One that takes all the room is the oldest that makes it, and a younger one becomes whole. */
static void test_hog(void **state)
{
	for (unsigned i = 0; i < BUDGET_FRAGMENTS - 1; i++)
		assert_null(add(1, 8 + i * 16, 16 + i * 16, false, false));
	fake_now++;
	assert_null(add(2, 0, 2000, false, false));
	for (unsigned i = 0; i < 100; i++)
		assert_null(add(1, 4008 + i * 16, 4016 + i * 16, false, false));
	check_whole(add(2, 2000, LEN, true, false), false);
	assert_int_equal(held(), 0);
}

/* Frames sent when a first piece has waited in vain. */
static unsigned told(unsigned source_high, unsigned source_low, unsigned to_high)
{
	struct sent *s;
	unsigned n = 0;

	from[0] = (uint8_t)source_high;
	from[1] = source_high == 0xfe ? 0x80 : 0;
	from[15] = (uint8_t)source_low;
	to[0] = (uint8_t)to_high;
	to[1] = to_high == 0xfe ? 0x80 : to_high == 0xff ? 2 : 0;
	assert_null(add(9, 0, 800, false, false));
	fake_advance(SECONDS(8));
	assert_int_equal(held(), 1);
	fake_forget_sent();
	fake_advance(SECONDS(3));
	for (; (s = fake_sent()) != NULL; n++)
		free(s);
	return n;
}

/* It waits for 10 seconds; its source is told, but not by whom a group was meant, nor nobody. */
static void test_patience(void **state)
{
	assert_null(add(8, 0, 2000, false, false));
	fake_advance(SECONDS(9));
	check_whole(add(8, 2000, LEN, true, false), false);
	assert_int_not_equal(told(0xfe, 9, 0xfe), 0);
	assert_int_equal(told(0, 0, 0xfe), 0);
	assert_int_equal(told(0xff, 9, 0xfe), 0);
	assert_int_equal(told(0xfe, 9, 0xff), 0);
}

static int start(void **state)
{
	fake_net_start(64u << 20, "ip=10.9.0.2/24 gw=10.9.0.1 ip6=auto", true);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_any_order), TEST(test_overlap), TEST(test_ends), TEST(test_flood),
		TEST(test_too_long), TEST(test_hog), TEST(test_patience),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
