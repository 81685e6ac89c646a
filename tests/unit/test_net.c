/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* SPDX-License-Identifier: MIT */
/* net/ and its lwIP under pressure, with checksum offload: half-open floods, full
 * tables, thousands of connections and their timers, fragments, a held ring. */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

#define FLOOD_IP 0xc6336401u           /* 198.51.100.1 */
#define PEER_IP 0xcb007101u            /* 203.0.113.1: behind the gateway */

static struct peer a;

static int setup(void **state)
{
	static uint16_t port = 30000;

	memset(&a, 0, sizeof(a));
	a.seq = 1000;
	a.ip = PEER_IP;
	a.port = port++;
	echo_gone = echo_evicted = 0;
	echo_reads = true;
	echo_may_evict = false;
	return 0;
}

static int teardown(void **state)
{
	fake_advance(SECONDS(300));
	peer_ignore(&a);
	for (struct pool *p = pool_first(); p; p = p->next)
		if (p->used != 0 && strcmp(p->name, "net_UDP_PCB") != 0 &&
		    strcmp(p->name, "net_TCP_PCB_LISTEN") != 0)
			fail_msg("%s: %u left", p->name, p->used);
	assert_int_equal(fake_lent(), 0);
	assert_int_equal(stream_count(), 0);
	return 0;
}

static void flood_syn(unsigned n, uint32_t ip)
{
	struct peer f = { .ip = ip, .seq = 77 };

	for (unsigned i = 0; i < n; i++) {
		f.port = (uint16_t)(1024 + i);
		peer_queue(&f, SYN, f.seq, NULL, 0);
		if (i % 16 == 0)
			fake_run();
	}
	fake_run();
	fake_forget_sent();
}

/* From one address, more than there may be: a real client is served at once. */
static void test_half_open_flood(void **state)
{
	flood_syn(5000, FLOOD_IP);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), port_limits.half_open);
	for (int i = 0; i < 20; i++) {
		assert_true(peer_connect(&a, PEER_IP, (uint16_t)(a.port + 1)));
		peer_send(&a, ACK | PSH, "hello", 5);
		assert_int_equal(a.len, 5);
		flood_syn(port_limits.half_open / 2, FLOOD_IP + 1);
		peer_send(&a, RST | ACK, NULL, 0);
	}
	assert_true(fake_counter("net_tcp_half_open_dropped_total") > 1000);
}

static struct peer *connect_many(unsigned n)
{
	struct peer *p = calloc(1, sizeof(*p));

	for (unsigned i = 0; i < n; i++) {
		p->seq = i * 1000;
		assert_true(peer_connect(p, PEER_IP + 1 + i / 50000, (uint16_t)(1024 + i % 50000)));
		peer_ignore(p);
	}
	return p;
}

/* Every slot is taken: the protocol gives one up, or the newcomer is reset. */
static void test_full(void **state)
{
	unsigned max = stream_max();

	free(connect_many(max));
	assert_int_equal(stream_count(), max);
	assert_true(peer_connect(&a, PEER_IP, a.port));
	assert_true(a.flags & RST);
	assert_int_equal(stream_count(), max);

	echo_may_evict = true;
	a.port++;
	assert_true(peer_connect(&a, PEER_IP, a.port));
	peer_send(&a, ACK | PSH, "hello", 5);
	assert_int_equal(a.len, 5);
	assert_int_equal(echo_evicted, 1);
	assert_int_equal(stream_count(), max);
	peer_send(&a, RST | ACK, NULL, 0);
	fake_forget_sent();
}

/* Far more connections in TIME_WAIT than there is room for: none is refused. */
static void test_time_wait_recycled(void **state)
{
	unsigned n = port_limits.pcbs * 2;
	uint64_t before = fake_counter("net_tcp_time_wait_recycled_total");

	for (unsigned i = 0; i < n; i++) {
		assert_true(peer_connect(&a, PEER_IP + 9, (uint16_t)(1024 + i % 60000)));
		peer_send(&a, ACK | PSH, "c", 1);
		assert_int_equal(a.flags, FIN | ACK | PSH);
		peer_send(&a, FIN | ACK, NULL, 0);
		peer_ignore(&a);
	}
	assert_true(fake_counter("net_tcp_time_wait_recycled_total") - before >= n / 2);
	assert_int_equal(fake_pool_used("net_stream"), 0);
}

/* Each of thousands of idle connections gets its keep-alive probe, and all of
 * them their end, although lwIP's count of timer calls has eight bits. */
static void test_timers_reach_all(void **state)
{
	unsigned n = stream_max();
	unsigned *probes = calloc(65536, sizeof(*probes));
	struct sent *s;

	assert_true(n > 1024);
	free(connect_many(n));
	fake_forget_sent();
	fake_advance(SECONDS(66));
	while ((s = fake_sent())) {
		if (s->data[12] == 8 && s->data[13] == 0)
			probes[s->data[36] * 256 + s->data[37]]++;
		else
			fake_arp();
		free(s);
	}
	fake_run();
	for (unsigned i = 0; i < n; i++)
		if (probes[1024 + i] != 1)
			fail_msg("connection %u of %u: %u probes", i, n, probes[1024 + i]);
	fake_advance(SECONDS(70));
	assert_int_equal(echo_gone, n);
	fake_forget_sent();
	free(probes);
}

/* ---- Fragments -------------------------------------------------------------- */

static void fragment(uint16_t id, unsigned offset, bool more, size_t len, const uint8_t *data)
{
	uint8_t f[1514] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 }, *ip = f + 14;
	unsigned field = offset / 8 | (more ? 0x2000 : 0);
	uint32_t sum = 0;

	ip[2] = (uint8_t)((20 + len) >> 8);
	ip[3] = (uint8_t)(20 + len);
	ip[4] = (uint8_t)(id >> 8);
	ip[5] = (uint8_t)id;
	ip[6] = (uint8_t)(field >> 8);
	ip[7] = (uint8_t)field;
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, "\x0a\x09\x00\x01\x0a\x09\x00\x02", 8);
	for (int i = 0; i < 20; i += 2)
		sum += ip[i] * 256u + ip[i + 1];
	sum = 0xffff ^ ((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	memcpy(ip + 20, data, len);
	fake_frame(f, 34 + len, false);
}

/* An echo request in three pieces, the middle one last; the answer needs three. */
static void test_reassembly(void **state)
{
	static uint8_t ping[3000];
	uint8_t back[3000] = { 0 };
	unsigned pieces = 0;
	struct sent *s;

	fake_arp();
	fake_run();
	fake_forget_sent();
	memset(ping + 8, 0x5a, sizeof(ping) - 8);
	ping[0] = 8;
	ping[2] = ping[3] = 0;
	{
		uint32_t sum = 0;

		for (size_t i = 0; i < sizeof(ping); i += 2)
			sum += ping[i] * 256u + ping[i + 1];
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		sum ^= 0xffff;
		ping[2] = (uint8_t)(sum >> 8);
		ping[3] = (uint8_t)sum;
	}
	fragment(7, 0, true, 1400, ping);
	fragment(7, 2800, false, 200, ping + 2800);
	fragment(7, 0, true, 1400, ping);               /* again: dropped */
	fragment(7, 1400, true, 1400, ping + 1400);
	fake_run();
	while ((s = fake_sent())) {
		unsigned at = (s->data[20] & 31) * 2048u + s->data[21] * 8u;

		assert_true(at + s->len - 34 <= sizeof(back));
		memcpy(back + at, s->data + 34, s->len - 34);
		pieces++;
		free(s);
	}
	assert_int_equal(pieces, 3);
	assert_int_equal(back[0], 0);
	assert_memory_equal(back + 8, ping + 8, sizeof(ping) - 8);
}

/* Thousands that are never completed hold little and harm nobody. */
static void test_fragment_flood(void **state)
{
	static const uint8_t junk[1400];
	unsigned most = 0;
	uint64_t sent;

	assert_true(peer_connect(&a, PEER_IP, a.port));
	sent = fake_counter("net_tx_frames_total");
	for (unsigned i = 0; i < 3000; i++) {
		fragment((uint16_t)i, i % 2 ? 0 : 1400, true, 1400, junk);
		if (i % 8 == 7)
			fake_run();
		most = MAX(most, fake_pool_used("net_mem_1664"));
	}
	assert_true(most <= 40);
	assert_true(fake_counter("net_tx_frames_total") - sent <= 110);  /* ICMP errors */
	peer_send(&a, ACK | PSH, "hello", 5);
	assert_int_equal(a.len, 5);
	fake_advance(SECONDS(15));                      /* the rest times out */
	peer_send(&a, ACK | PSH, "twice", 5);
	assert_int_equal(a.len, 10);
	assert_int_equal(fake_pool_used("net_REASSDATA"), 0);
	peer_send(&a, RST | ACK, NULL, 0);
}

/* ---- Memory of the ring ----------------------------------------------------- */

/* A protocol that does not read holds at most half of the ring, and little more
 * than a window of memory, however small the pieces. */
static void test_unread_input(void **state)
{
	struct peer b = { .seq = 1 };

	echo_reads = false;
	assert_true(peer_connect(&a, PEER_IP, a.port));
	for (unsigned i = 0; i < 20000; i++)
		peer_send(&a, ACK, "x", 1);
	assert_true(fake_lent() <= RX_BUFFERS / 2);
	assert_true(fake_pool_used("net_rx_small") <= 8);
	assert_true(fake_pool_used("net_rx_big") <= 20);
	echo_reads = true;
	assert_true(peer_connect(&b, PEER_IP, (uint16_t)(a.port + 1)));
	peer_send(&b, ACK | PSH, "hello", 5);
	assert_int_equal(b.len, 5);
	peer_send(&a, ACK, "y", 1);
	for (int i = 0; i < 40 && a.len < 20001; i++)
		peer_send(&a, ACK, NULL, 0);
	assert_int_equal(a.len, 20001);
	assert_memory_equal(a.data + 19999, "xy", 2);
	peer_send(&a, RST | ACK, NULL, 0);
	peer_send(&b, RST | ACK, NULL, 0);
	peer_ignore(&b);
}

/* No room in the send ring: nothing is lost. */
static void test_send_ring_full(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, a.port));
	fake_tx_full = true;
	peer_send(&a, ACK | PSH, "hello", 5);
	assert_int_equal(a.len, 0);
	fake_tx_full = false;
	fake_advance(MILLIS(50));
	peer_run(&a);
	assert_int_equal(a.len, 5);
	peer_send(&a, RST | ACK, NULL, 0);
}

static int start(void **state)
{
	fake_net_start(4u << 20, "ip=10.9.0.2/24 gw=10.9.0.1 hostname=test", true);
	return stream_listen(8080, &echo_ops);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_half_open_flood), TEST(test_full), TEST(test_time_wait_recycled),
		TEST(test_timers_reach_all), TEST(test_reassembly), TEST(test_fragment_flood),
		TEST(test_unread_input), TEST(test_send_ring_full),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
