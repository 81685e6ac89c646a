/* SPDX-License-Identifier: MIT */
/* sources: @tests/unit/net.sources net/sock.c net/tls/client/none/none.c */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* When a reader's peer hears that its bytes have come, frame by frame: at once where more is
 * waited for, and with the next request where nothing is (RFC 1122 §4.2.3.2). */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <string.h>

#include "net/net.h"
#include "net/sock.h"

#define PEER_IP 0x0a090001u
#define PEER_PORT 7000
#define AT_ONCE MILLIS(50)             /* a fifth of what an acknowledgement may be put off */

static struct peer a;
static unsigned turn;
static bool stamps;
static unsigned segments;              /* that the peer got before the second piece */

static void accept_it(void)
{
	peer_run(&a);
	if (turn++ == 0)
		peer_send(&a, SYN | ACK, NULL, 0);
}

static struct sock *connected(void)
{
	struct endpoint to = { addr_ip4(__builtin_bswap32(PEER_IP)), PEER_PORT };
	struct sock *s;

	memset(&a, 0, sizeof(a));
	a.stamps = stamps;
	a.ip = PEER_IP;
	a.port = PEER_PORT;
	a.seq = 1000;
	peer_listen(&a);
	turn = 0;
	assert_int_equal(sock_connect_start(&s, &to), 0);
	fake_while_waiting = accept_it;
	assert_int_equal(sock_wait(s, SOCK_WRITE, fake_now + SECONDS(1)), SOCK_WRITE);
	fake_while_waiting = NULL;
	fake_run();
	peer_run(&a);
	return s;
}

static void closed(struct sock *s)
{
	sock_abort(s);
	peer_run(&a);
	peer_ignore(&a);
	assert_int_equal(fake_pool_used("net_TCP_PCB"), 0);
	assert_int_equal(fake_pool_used("net_sock"), 0);
}

/* Nagle's algorithm (RFC 896): the second piece goes out when the first is acknowledged. */
static void second_piece(void)
{
	peer_run(&a);
	if (turn == 0 && a.got_ack == a.seq) {
		turn = 1;
		segments = a.segments;
		peer_send(&a, ACK | PSH, "body", 4);
	}
}

static void test_two_pieces(void **state)
{
	struct sock *s = connected();
	ktime began;
	char buf[16];

	assert_int_equal(sock_write(s, "request", 7, FOREVER), 0);
	peer_run(&a);
	peer_send(&a, ACK | PSH, "head", 4);
	turn = 0;
	a.segments = 0;
	assert_int_equal(sock_read(s, buf, sizeof(buf), FOREVER), 4);
	began = fake_now;
	fake_while_waiting = second_piece;
	assert_int_equal(sock_read(s, buf, sizeof(buf), fake_now + SECONDS(1)), 4);
	fake_while_waiting = NULL;
	assert_memory_equal(buf, "body", 4);
	assert_true(fake_now - began < AT_ONCE);
	assert_int_equal(segments, 1);
	closed(s);
}

/* A request and its answer are two segments, whatever the number of such pairs. */
static void test_pairs(void **state)
{
	struct sock *s = connected();
	char buf[16];

	a.segments = 0;
	for (unsigned i = 1; i <= 10; i++) {
		assert_int_equal(sock_write(s, "request", 7, FOREVER), 0);
		peer_run(&a);
		assert_int_equal(a.segments, i);
		assert_int_equal(a.got_ack, a.seq);
		assert_int_equal(sock_wait(s, SOCK_READ, fake_now + MILLIS(10)), -ETIMEDOUT);
		peer_run(&a);
		assert_int_equal(a.segments, i);
		peer_send(&a, ACK | PSH, "answer", 6);
		assert_int_equal(sock_read(s, buf, sizeof(buf), FOREVER), 6);
		assert_int_equal(a.segments, i);
	}
	closed(s);
}

/* Once told, the peer is not told again. */
static void test_once(void **state)
{
	struct sock *s = connected();
	char buf[16];

	peer_send(&a, ACK | PSH, "half", 4);
	assert_int_equal(sock_read(s, buf, sizeof(buf), FOREVER), 4);
	a.segments = 0;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sock_wait(s, SOCK_READ, fake_now + MILLIS(200)), -ETIMEDOUT);
	peer_run(&a);
	assert_int_equal(a.segments, 1);
	closed(s);
}

/* lwIP takes a size of segments at any time: one that has no room for a byte is no size. */
static void test_no_size(void **state)
{
	struct sock *s;
	char buf[16];

	stamps = true;
	s = connected();
	stamps = false;
	a.mss = 12;
	peer_send(&a, ACK | PSH, "half", 4);
	assert_int_equal(sock_read(s, buf, sizeof(buf), FOREVER), 4);
	a.segments = 0;
	assert_int_equal(sock_wait(s, SOCK_READ, fake_now + MILLIS(200)), -ETIMEDOUT);
	peer_run(&a);
	assert_int_equal(a.segments, 1);
	closed(s);
}

/* Full segments are acknowledged as usual, one for two, however fast they are read. */
static void test_bulk(void **state)
{
	static char full[1460], buf[2000];
	struct sock *s = connected();

	assert_int_equal(sock_wait(s, SOCK_READ, fake_now + MILLIS(10)), -ETIMEDOUT);
	peer_run(&a);
	a.segments = 0;
	for (unsigned i = 1; i <= 10; i++) {
		peer_send(&a, ACK, full, sizeof(full));
		assert_int_equal(sock_read(s, buf, sizeof(buf), FOREVER), sizeof(full));
		assert_int_equal(sock_wait(s, SOCK_READ, fake_now + 1), -ETIMEDOUT);
		peer_run(&a);
		assert_true(a.segments <= i / 2 + i / 4);
	}
	closed(s);
}

static int start(void **state)
{
	fake_net_start(64u << 20, "ip=10.9.0.2/24 gw=10.9.0.1", true);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_pieces),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_no_size),
		cmocka_unit_test(test_bulk),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
