/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* SPDX-License-Identifier: MIT */
/* net/ and its lwIP, frame by frame: opening, data, the many ends of a
 * connection, and what RFC 9293, 5961, 7323 and 6191 ask for. After each test
 * every pool is empty again. */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <string.h>

#include "net/net.h"

#define PEER_IP 0x0a090001u

static struct peer a;

static uint16_t next_port(void)
{
	static uint16_t port = 20000;

	return port++;
}

static int setup(void **state)
{
	memset(&a, 0, sizeof(a));
	a.seq = 1000;
	echo_gone = 0;
	echo_why = 0;
	echo_reads = true;
	return 0;
}

/* Lets every TIME_WAIT and time-out run off, then nothing may be left. */
static int teardown(void **state)
{
	static const char *const pools[] = {
		"net_TCP_PCB", "net_TCP_SEG", "net_stream", "net_mem_256", "net_mem_512",
		"net_mem_1024", "net_mem_1664", "net_rx_small", "net_rx_big", "net_PBUF",
		"net_REASSDATA", "net_FRAG_PBUF",
	};

	fake_advance(SECONDS(200));
	peer_ignore(&a);
	for (unsigned i = 0; i < ARRAY_LEN(pools); i++)
		if (fake_pool_used(pools[i]) != 0)
			fail_msg("%s: %u left", pools[i], fake_pool_used(pools[i]));
	assert_int_equal(fake_lent(), 0);
	assert_int_equal(echo_open, 0);
	assert_int_equal(stream_count(), 0);
	return 0;
}

static void reset(struct peer *p)
{
	peer_send(p, RST | ACK, NULL, 0);
}

static void test_echo(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	for (int i = 0; i < 100; i++) {
		a.len = 0;
		a.segments = 0;
		peer_send(&a, ACK | PSH, "hello", 5);
		assert_int_equal(a.len, 5);
		assert_memory_equal(a.data, "hello", 5);
		assert_int_equal(a.segments, 1);        /* no ACK of its own */
	}
	peer_send(&a, FIN | ACK, NULL, 0);
	assert_int_equal(a.flags, FIN | ACK);
	peer_send(&a, ACK, NULL, 0);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
}

static void test_answer_and_fin_in_one_frame(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	a.segments = 0;
	peer_send(&a, ACK | PSH, "c", 1);
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.flags, FIN | ACK | PSH);
	assert_int_equal(a.len, 3);
	assert_int_equal(fake_pool_used("net_stream"), 1);   /* lingers */
	peer_send(&a, FIN | ACK, NULL, 0);
	assert_int_equal(fake_pool_used("net_stream"), 0);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 1);  /* TIME_WAIT */
}

static void test_abort(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_send(&a, ACK | PSH, "a", 1);
	assert_true(a.flags & RST);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
}

static void test_gone(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	reset(&a);
	assert_int_equal(echo_gone, 1);
	assert_int_equal(echo_why, -ECONNRESET);
}

/* A peer that stops answering while an answer is on its way to it. */
static void test_vanished(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_queue(&a, ACK | PSH, a.seq, "x", 1);
	peer_ignore(&a);
	fake_advance(SECONDS(200));
	assert_int_equal(echo_gone, 1);
	assert_int_equal(echo_why, -ETIMEDOUT);
}

/* An idle peer that vanished is found by keep-alive probes. */
static void test_keepalive(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	fake_forget_sent();
	a.segments = 0;
	fake_advance(SECONDS(70));
	peer_run(&a);
	assert_true(a.segments >= 1);
	assert_int_equal(echo_gone, 0);
	fake_advance(SECONDS(60));
	assert_int_equal(echo_gone, 1);
}

static void test_late_input_is_dropped_then_reset(void **state)
{
	static const char junk[1460];

	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_send(&a, ACK | PSH, "c", 1);
	peer_send(&a, ACK, NULL, 0);
	for (int i = 0; i < 44; i++) {
		peer_send(&a, ACK, junk, sizeof(junk));
		assert_false(a.flags & RST);
	}
	peer_send(&a, ACK, junk, sizeof(junk));
	assert_true(a.flags & RST);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
}

/* A closed stream whose peer neither closes nor sends: 2 s, then lwIP's. */
static void test_linger_ends(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_send(&a, ACK | PSH, "c", 1);
	peer_send(&a, ACK, NULL, 0);
	fake_advance(MILLIS(1900));
	assert_int_equal(fake_pool_used("net_stream"), 1);
	fake_advance(MILLIS(200));
	assert_int_equal(fake_pool_used("net_stream"), 0);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 1);
	peer_send(&a, ACK, "more", 4);
	assert_true(a.flags & RST);
}

/* All of a large answer arrives although it was closed at once. */
static void test_close_delivers(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_send(&a, ACK | PSH, "b", 1);
	for (int i = 0; i < 40 && a.len < 20000; i++)
		peer_send(&a, ACK, NULL, 0);
	assert_int_equal(a.len, 20000);
	assert_true(a.flags & FIN);
	peer_send(&a, FIN | ACK, NULL, 0);
}

static void test_handler_waits(void **state)
{
	struct peer b = { .seq = 5000 };

	assert_true(peer_connect(&a, PEER_IP, next_port()));
	assert_true(peer_connect(&b, PEER_IP, next_port()));
	peer_queue(&a, ACK | PSH, a.seq, "w", 1);
	peer_queue(&b, ACK | PSH, b.seq, "x", 1);       /* served meanwhile */
	peer_run(&a);
	a.seq++;
	b.seq++;
	peer_run(&a);
	assert_int_equal(a.len, 4);
	assert_memory_equal(a.data, "late", 4);
	assert_int_equal(b.len, 1);
	assert_int_equal(fake_counter("net_loop_handovers_total"), 1);
	peer_send(&a, ACK | PSH, "y", 1);
	assert_int_equal(a.len, 5);
	reset(&a);
	reset(&b);
	peer_ignore(&b);
}

/* No stack is free: the handler's wait fails, and the loop stays where it is. */
static void test_handler_cannot_wait(void **state)
{
	uint64_t before = fake_counter("net_loop_handovers_total");

	assert_true(peer_connect(&a, PEER_IP, next_port()));
	fake_no_stack = true;
	peer_send(&a, ACK | PSH, "w", 1);
	fake_no_stack = false;
	assert_int_equal(a.len, 4);
	assert_memory_equal(a.data, "full", 4);
	assert_int_equal(fake_counter("net_loop_handovers_total"), before);
	peer_send(&a, ACK | PSH, "w", 1);
	assert_int_equal(a.len, 8);
	assert_memory_equal(a.data + 4, "late", 4);
	reset(&a);
}

static void test_out_of_order(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_queue(&a, ACK, a.seq + 3, "lmn", 3);
	peer_queue(&a, ACK, a.seq + 6, "opq", 3);
	peer_run(&a);
	assert_int_equal(a.len, 0);
	assert_int_equal(a.got_ack, a.seq);
	peer_queue(&a, ACK, a.seq, "i", 1);
	peer_queue(&a, ACK, a.seq, "ijkl", 4);          /* overlaps on both sides */
	peer_run(&a);
	assert_int_equal(a.len, 9);
	assert_memory_equal(a.data, "ijklmnopq", 9);
	a.seq += 9;
	reset(&a);
}

/* ---- RFC 5961, 7323 --------------------------------------------------------- */

static void test_blind_reset(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	peer_queue(&a, RST, a.seq + 100, NULL, 0);
	a.flags = 0;
	peer_run(&a);
	assert_int_equal(a.flags, ACK);                 /* challenge */
	peer_queue(&a, RST, a.seq + 100000, NULL, 0);
	peer_queue(&a, SYN, a.seq + 100, NULL, 0);
	a.flags = 0;
	peer_run(&a);
	assert_int_equal(a.flags, ACK);
	assert_int_equal(echo_gone, 0);
	peer_send(&a, ACK | PSH, "x", 1);
	assert_int_equal(a.len, 1);
	reset(&a);
	assert_int_equal(echo_gone, 1);
}

/* RFC 5961 §7: a flood of them is answered now and then, and does no harm. */
static void test_blind_reset_flood(void **state)
{
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	a.segments = 0;
	for (int i = 1; i <= 2000; i++) {
		peer_queue(&a, i % 2 ? RST : SYN, a.seq + (uint32_t)i, NULL, 0);
		peer_run(&a);
	}
	assert_in_range(a.segments, 1, 128);
	fake_advance(SECONDS(2));
	a.segments = 0;
	peer_queue(&a, RST, a.seq + 100, NULL, 0);
	peer_run(&a);
	assert_int_equal(a.segments, 1);
	peer_send(&a, ACK | PSH, "x", 1);
	assert_int_equal(a.len, 1);
	reset(&a);
}

static void test_blind_data(void **state)
{
	uint32_t ack;

	assert_true(peer_connect(&a, PEER_IP, next_port()));
	ack = a.ack;
	a.ack = ack + 5000;                             /* what we never sent */
	peer_queue(&a, ACK, a.seq, "evil", 4);
	a.ack = ack - 70000;                            /* what is long gone */
	peer_queue(&a, ACK, a.seq, "evil", 4);
	a.ack = ack;
	peer_queue(&a, PSH, a.seq, "evil", 4);          /* no ACK at all */
	a.segments = 0;
	peer_run(&a);
	assert_int_equal(a.len, 0);
	assert_int_equal(a.segments, 2);
	assert_int_equal(fake_counter("net_tcp_bad_ack_total"), 2);
	peer_send(&a, ACK | PSH, "good", 4);
	assert_int_equal(a.len, 4);
	reset(&a);
}

static void test_timestamps(void **state)
{
	a.stamps = true;
	a.stamp = 0xfffffff0;
	assert_true(peer_connect(&a, PEER_IP, next_port()));
	assert_true(a.got_stamp != 0);
	a.stamp += 0x20;                                /* over zero: still newer */
	peer_send(&a, ACK | PSH, "x", 1);
	assert_int_equal(a.len, 1);
	a.stamp -= 0x10;
	peer_queue(&a, ACK | PSH, a.seq, "old", 3);
	peer_run(&a);
	assert_int_equal(a.len, 1);
	assert_int_equal(fake_counter("net_tcp_old_timestamp_total"), 1);
	a.stamp += 0x10;
	peer_send(&a, ACK | PSH, "new", 3);
	assert_int_equal(a.len, 4);
	reset(&a);
}

/* ---- TIME_WAIT -------------------------------------------------------------- */

static void into_time_wait(void)
{
	assert_true(peer_connect(&a, PEER_IP, a.port ? a.port : next_port()));
	peer_send(&a, ACK | PSH, "c", 1);
	peer_send(&a, FIN | ACK, NULL, 0);
	assert_int_equal(a.flags, ACK);
}

static void test_time_wait_reopened(void **state)
{
	uint32_t last;

	into_time_wait();
	last = a.ack;
	a.seq += 1000;
	assert_true(peer_connect(&a, PEER_IP, a.port));
	assert_true((int32_t)(a.got_seq - last) > 0);   /* RFC 1122: beyond the old one */
	assert_int_equal(fake_counter("net_tcp_time_wait_reopened_total"), 1);
	reset(&a);
}

static void test_time_wait_old_syn(void **state)
{
	into_time_wait();
	a.segments = 0;
	peer_queue(&a, SYN, a.seq - 5000, NULL, 0);
	peer_run(&a);
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.flags, ACK);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 1);
}

/* RFC 6191: an older sequence number with a newer timestamp. */
static void test_time_wait_timestamp(void **state)
{
	uint64_t before = fake_counter("net_tcp_time_wait_reopened_total");

	a.stamps = true;
	a.stamp = 100;
	into_time_wait();
	a.seq -= 5000;
	a.stamp = 200;
	assert_true(peer_connect(&a, PEER_IP, a.port));
	assert_int_equal(fake_counter("net_tcp_time_wait_reopened_total"), before + 1);
	reset(&a);
}

static void test_time_wait_ends(void **state)
{
	into_time_wait();
	fake_advance(SECONDS(58));
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 1);
	peer_send(&a, RST, NULL, 0);                    /* RFC 1337 */
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 1);
	fake_advance(SECONDS(4));
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
}

static int start(void **state)
{
	fake_net_start(16u << 20, "ip=10.9.0.2/24 gw=10.9.0.1", false);
	assert_int_equal(stream_listen(8080, &echo_ops), 0);
	return stream_listen(8080, &echo_ops) == -EADDRINUSE ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_echo), TEST(test_answer_and_fin_in_one_frame), TEST(test_abort),
		TEST(test_gone), TEST(test_vanished), TEST(test_keepalive),
		TEST(test_late_input_is_dropped_then_reset), TEST(test_linger_ends),
		TEST(test_close_delivers), TEST(test_handler_waits), TEST(test_handler_cannot_wait),
		TEST(test_out_of_order),
		TEST(test_blind_reset), TEST(test_blind_reset_flood),
		TEST(test_blind_data), TEST(test_timestamps),
		TEST(test_time_wait_reopened), TEST(test_time_wait_old_syn),
		TEST(test_time_wait_timestamp), TEST(test_time_wait_ends),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
