/* SPDX-License-Identifier: MIT */
/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* net/ip6/fragments.c: packets in pieces of any size and order, some twice; pieces that overlap
 * (RFC 5722); more than there is room for. */
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

static uint8_t text[LEN];

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
	ip[23] = 1;
	ip[39] = 2;
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
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
