/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* SPDX-License-Identifier: MIT */
/* Streams that we open, frame by frame: net/tcp/connect.c, net/port/ports.c. */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <string.h>

#include "net/net.h"

#define PEER_IP 0x0a090001u
#define PEER_PORT 7000
#define MANY 70000u                    /* more connections than there are ports */

static struct peer a;

/* What the protocol has seen. */
static struct {
	struct stream *s;
	unsigned ready, gone;
	int why;
} seen;

static void on_ready(void *conn)
{
	seen.ready++;
}

static void on_gone(void *conn, int why)
{
	seen.gone++;
	seen.why = why;
}

static const struct stream_ops ops = { .ready = on_ready, .gone = on_gone };

static int begin(void)
{
	struct endpoint to = { addr_ip4(__builtin_bswap32(PEER_IP)), PEER_PORT };
	int err;

	memset(&seen, 0, sizeof(seen));
	err = stream_connect(&seen.s, &to, &ops, &seen);
	if (err == 0)
		peer_run(&a);
	return err;
}

static int setup(void **state)
{
	memset(&a, 0, sizeof(a));
	a.ip = PEER_IP;
	a.port = PEER_PORT;
	a.seq = 1000;
	peer_listen(&a);
	return 0;
}

static int teardown(void **state)
{
	static const char *const pools[] = {
		"net_TCP_PCB", "net_TCP_SEG", "net_stream", "net_mem_256", "net_mem_512",
		"net_PBUF",
	};

	fake_advance(SECONDS(200));
	peer_ignore(&a);
	for (unsigned i = 0; i < ARRAY_LEN(pools); i++)
		if (fake_pool_used(pools[i]) != 0)
			fail_msg("%s: %u left", pools[i], fake_pool_used(pools[i]));
	return 0;
}

static void establish(void)
{
	assert_int_equal(begin(), 0);
	assert_int_equal(a.flags, SYN);
	assert_true(a.ours >= 1024 && a.ours != 8080);
	assert_int_equal(seen.ready, 0);
	peer_send(&a, SYN | ACK, NULL, 0);
	assert_int_equal(a.flags, ACK);
	assert_int_equal(seen.ready, 1);
}

static void test_both_ways(void **state)
{
	const uint8_t *d;

	establish();
	assert_int_equal(stream_write(seen.s, "hello", 5, STREAM_COPY), 5);
	peer_run(&a);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.data, "hello", 5);
	peer_send(&a, ACK | PSH, "answer", 6);
	assert_int_equal(seen.ready, 2);
	assert_int_equal(stream_peek(seen.s, &d), 6);
	assert_memory_equal(d, "answer", 6);
	stream_consume(seen.s, 6);
	peer_send(&a, FIN | ACK, NULL, 0);
	assert_true(stream_ended(seen.s));
	stream_close(seen.s);
	peer_run(&a);
	assert_int_equal(a.flags, FIN | ACK);
	peer_send(&a, ACK, NULL, 0);
	assert_int_equal(seen.gone, 0);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
}

static void test_refused(void **state)
{
	assert_int_equal(begin(), 0);
	peer_send(&a, RST | ACK, NULL, 0);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.why, -ECONNREFUSED);
	assert_int_equal(seen.ready, 0);
}

/* A reset that does not acknowledge our SYN is not from whom we asked (RFC 9293 §3.10.7.3). */
static void test_forged_refusal(void **state)
{
	uint32_t ack;

	assert_int_equal(begin(), 0);
	ack = a.ack;
	a.ack = ack + 100;
	peer_send(&a, RST | ACK, NULL, 0);
	a.ack = ack;
	peer_send(&a, RST, NULL, 0);
	assert_int_equal(seen.gone, 0);
	peer_send(&a, SYN | ACK, NULL, 0);
	assert_int_equal(seen.ready, 1);
	stream_abort(seen.s);
	peer_run(&a);
	assert_true(a.flags & RST);
}

static void test_silence(void **state)
{
	ktime began = fake_now;

	assert_int_equal(begin(), 0);
	while (seen.gone == 0 && fake_now - began < SECONDS(60))
		fake_advance(SECONDS(1));
	assert_int_equal(seen.why, -ETIMEDOUT);
	assert_true(fake_now - began < SECONDS(20));
}

static void test_given_up(void **state)
{
	assert_int_equal(begin(), 0);
	stream_abort(seen.s);
	peer_run(&a);
	peer_send(&a, SYN | ACK, NULL, 0);     /* too late: nobody wants it */
	assert_true(a.flags & RST);
	assert_int_equal(seen.ready + seen.gone, 0);
}

static void test_reset(void **state)
{
	establish();
	peer_send(&a, RST | ACK, NULL, 0);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.why, -ECONNRESET);
}

/* We are done first, and read on; then the other way round. */
static void test_half_closed(void **state)
{
	const uint8_t *d;

	establish();
	stream_write(seen.s, "all", 3, STREAM_COPY);
	stream_shutdown(seen.s);
	peer_run(&a);
	assert_int_equal(a.flags & FIN, FIN);
	peer_send(&a, ACK | PSH, "late", 4);
	peer_send(&a, FIN | ACK, NULL, 0);
	fake_advance(SECONDS(100));            /* nothing of lwIP's is left of it */
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
	assert_int_equal(seen.gone, 0);
	assert_true(stream_ended(seen.s));
	assert_int_equal(stream_peek(seen.s, &d), 4);
	stream_consume(seen.s, 4);
	stream_close(seen.s);

	setup(NULL);
	establish();
	peer_send(&a, FIN | ACK, NULL, 0);
	stream_write(seen.s, "rest", 4, STREAM_COPY);
	stream_shutdown(seen.s);
	peer_run(&a);
	assert_int_equal(a.len, 4);
	peer_send(&a, ACK, NULL, 0);
	stream_close(seen.s);
}

/* Neither kind of connection can take the other's room. */
static void test_caps(void **state)
{
	unsigned most = port_limits.clients, opened = 0;
	struct stream **all = calloc(most + 1, sizeof(*all));
	struct peer other = { .seq = 5 };
	int err;

	while ((err = begin()) == 0)
		all[opened++] = seen.s;
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(opened, most);
	assert_int_equal(fake_counter("net_tcp_connects_no_room_total"), 1);
	assert_true(peer_connect(&other, PEER_IP, 30000));
	peer_send(&other, ACK | PSH, "hello", 5);
	assert_int_equal(other.len, 5);
	peer_send(&other, FIN | ACK, NULL, 0);
	peer_send(&other, ACK, NULL, 0);
	for (unsigned i = 0; i < opened; i++)
		stream_abort(all[i]);
	free(all);
}

static void open_and_close(void)
{
	a.seq = 1000;
	assert_int_equal(begin(), 0);
	peer_send(&a, SYN | ACK, NULL, 0);
	stream_close(seen.s);
	peer_run(&a);
	peer_send(&a, ACK, NULL, 0);
	peer_send(&a, FIN | ACK, NULL, 0);
}

/* More connections to one peer than there are ports, each in TIME_WAIT after it. A port is used
 * twice only when none is free, and then the new connection's numbers lie beyond the old one's. */
static void test_more_than_ports(void **state)
{
	static bool used[65536];
	static uint32_t last[65536];
	unsigned twice = 0, early = 0;

	for (unsigned i = 0; i < MANY; i++) {
		uint16_t port;

		open_and_close();
		port = a.ours;
		assert_true(port >= 1024 && port != 8080);
		if (used[port]) {
			twice++;
			early += i < 32000;
			assert_true((int32_t)(a.got_ack - last[port]) != 0);
			assert_true((int32_t)(a.ack - last[port]) > 0);
		}
		used[port] = true;
		last[port] = a.ack;
	}
	assert_int_equal(early, 0);
	assert_true(twice >= MANY - 64511);
	assert_true(fake_counter("net_tcp_time_wait_reopened_total") > 0);
	assert_int_equal(fake_counter("net_tcp_connects_no_port_total"), 0);
}

static int start(void **state)
{
	fake_net_start(256u << 20, "ip=10.9.0.2/24 gw=10.9.0.1", false);
	stream_listen(8080, &echo_ops);
	fake_arp();
	fake_run();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways), TEST(test_refused), TEST(test_forged_refusal),
		TEST(test_silence), TEST(test_given_up), TEST(test_reset), TEST(test_half_closed),
		TEST(test_caps), TEST(test_more_than_ports),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
