/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* SPDX-License-Identifier: MIT */
/* Peers that make the machine hold what they sent: neither the NIC's buffers nor
 * the memory for copies may be taken away from everybody else. */
#include "tests/unit/fake_net.h"

#include <string.h>

#include "net/net.h"

#define PEER_IP 0x0a090001u
#define HOARDERS 16u
#define SEGMENTS 15u

static struct peer crowd[RX_BUFFERS], victim;

static unsigned connect_all(unsigned most, uint16_t port)
{
	unsigned n = 0;

	memset(crowd, 0, sizeof(crowd));
	for (; n < most; n++) {
		crowd[n].seq = 1000;
		if (!peer_connect(&crowd[n], PEER_IP, (uint16_t)(port + n)))
			break;
	}
	return n;
}

/* A FIN whose predecessors never come is kept, so it must not keep the buffer. */
static void test_early_fin(void **state)
{
	unsigned n = connect_all(RX_BUFFERS, 20000);

	assert_int_equal(n, RX_BUFFERS);
	for (unsigned i = 0; i < n; i++) {
		peer_queue(&crowd[i], FIN | ACK, crowd[i].seq + 100, NULL, 0);
		fake_run();
	}
	assert_true(fake_lent() <= RX_BUFFERS / 2);
	fake_advance(SECONDS(300));
}

/* Data out of order that nobody will ever complete, kept fresh by an ACK a second. */
static void test_out_of_order_hoard(void **state)
{
	static char data[1400];
	unsigned n = connect_all(HOARDERS, 30000), seconds = 0;

	assert_int_equal(n, HOARDERS);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < SEGMENTS; k++) {
			unsigned len = i < 6 ? sizeof(data) : 100;

			peer_queue(&crowd[i], ACK, crowd[i].seq + 1 + k * len, data, len);
			fake_run();
		}
	}
	victim = (struct peer){ .seq = 7 };
	assert_true(peer_connect(&victim, PEER_IP, 40000));
	while (victim.len == 0 && seconds++ < 3) {
		peer_queue(&victim, ACK | PSH, victim.seq, "hello", 5);
		fake_run();
		peer_run(&victim);
		for (unsigned i = 0; i < n; i++) {
			peer_queue(&crowd[i], ACK, crowd[i].seq, NULL, 0);
			fake_run();
		}
		fake_advance(SECONDS(1));
	}
	assert_int_equal(victim.len, 5);
	fake_advance(SECONDS(300));
}

static unsigned sum(const uint8_t *p, size_t n, unsigned s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : p[i] * 256u;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void fragment(const uint8_t *data, size_t n, unsigned offset, bool more)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
	uint8_t f[256] = { 0 }, *ip = f + 14;

	memcpy(f, head, sizeof(head));
	put16(ip + 2, 20 + (unsigned)n);
	put16(ip + 4, 77);
	put16(ip + 6, offset / 8 | (more ? 0x2000 : 0));
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, PEER_IP);
	put32(ip + 16, OUR_IP);
	put16(ip + 10, 0xffff ^ sum(ip, 20, 0));
	memcpy(ip + 20, data, n);
	fake_frame(f, 34 + n, false);
}

/* A segment in fragments, the first of which ends where its header ends. */
static void test_empty_first_piece(void **state)
{
	uint8_t t[29] = { 0 }, pseudo[12] = { 0 };

	victim = (struct peer){ .seq = 1000 };
	assert_true(peer_connect(&victim, PEER_IP, 41000));
	put16(t, 41000);
	put16(t + 2, 8080);
	put32(t + 4, victim.seq);
	put32(t + 8, victim.ack);
	t[12] = 0x60;
	t[13] = ACK | PSH;
	put16(t + 14, 65000);
	memset(t + 20, 1, 4);
	memcpy(t + 24, "hello", 5);
	put32(pseudo, PEER_IP);
	put32(pseudo + 4, OUR_IP);
	put16(pseudo + 8, 6);
	put16(pseudo + 10, sizeof(t));
	put16(t + 16, 0xffff ^ sum(t, sizeof(t), sum(pseudo, sizeof(pseudo), 0)));
	fragment(t, 24, 0, true);
	fragment(t + 24, 5, 24, false);
	victim.seq += 5;
	peer_run(&victim);
	assert_int_equal(victim.got_ack, victim.seq);
	assert_int_equal(victim.len, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_fin),
		cmocka_unit_test(test_out_of_order_hoard),
		cmocka_unit_test(test_empty_first_piece),
	};

	fake_net_start(1u << 20, "ip=10.9.0.2/24 gw=10.9.0.1", false);
	assert_int_equal(stream_listen(8080, &echo_ops), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
