/* sources: @tests/unit/net.sources */
/* cflags: -DPORT_LWIP_ASSERT -fno-sanitize=shift,alignment */
/* SPDX-License-Identifier: MIT */
/* net/address.c and net/dns/dns.c against a scripted DHCP and DNS server: a lease, what
 * the console says, renewal, expiry, names. */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/netif.h>

#include "net/net.h"

#define SERVER 0x0a090001u

static uint32_t told;                  /* by net_on_address() */
static unsigned told_times;

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

/* A datagram from the server; checksums as the device's word. */
static void udp(uint16_t from, uint16_t to, const uint8_t *data, size_t len)
{
	uint8_t f[1514] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 }, *ip = f + 14;
	uint32_t sum = 0;

	put16(ip + 2, (unsigned)(28 + len));
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, SERVER);
	put32(ip + 16, OUR_IP);
	for (int i = 0; i < 20; i += 2)
		sum += get16(ip + i);
	put16(ip + 10, 0xffff ^ ((sum & 0xffff) + (sum >> 16)));
	put16(ip + 20, from);
	put16(ip + 22, to);
	put16(ip + 24, (unsigned)(8 + len));
	memcpy(ip + 28, data, len);
	fake_frame(f, 42 + len, true);
}

/* ---- DHCP ------------------------------------------------------------------- */

static uint8_t asked[600];             /* the last request: from its UDP payload on */

/* The type of the oldest DHCP message that was sent, 0: none. */
static unsigned dhcp_sent(void)
{
	unsigned type = 0;
	struct sent *s;

	while (type == 0 && (s = fake_sent())) {
		if (get16(s->data + 12) == 0x0800 && s->data[23] == 17 &&
		    get16(s->data + 36) == 67) {
			memset(asked, 0, sizeof(asked));
			memcpy(asked, s->data + 42, MIN(s->len - 42, sizeof(asked)));
			type = asked[242];
		}
		free(s);
	}
	return type;
}

static bool asked_option(unsigned option, const char *value)
{
	const uint8_t *o = asked + 240;

	while (*o != 255 && *o != option)
		o += 2 + o[1];
	return *o == option && o[1] == strlen(value) && memcmp(o + 2, value, o[1]) == 0;
}

/* What the answers hold. */
static uint32_t given_ip = OUR_IP, given_mask = UINT32_MAX;
static uint32_t given_t1, given_t2;    /* 0: no such options */
static bool bare;                      /* neither a name server nor an MTU */

static void dhcp_answer(unsigned type, uint32_t lease)
{
	static const uint8_t options[] = {
		53, 1, 0, 54, 4, 10, 9, 0, 1, 51, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0,
		3, 4, 10, 8, 0, 1, 6, 4, 10, 9, 0, 1, 26, 2, 1400 >> 8, 1400 & 255, 255,
	};
	uint8_t m[300] = { 2, 1, 6 }, *o = m + 240, *end = o + sizeof(options) - 1;

	memcpy(m + 4, asked + 4, 4);
	put32(m + 16, given_ip);
	memcpy(m + 28, asked + 28, 6);
	put32(m + 236, 0x63825363);
	memcpy(o, options, sizeof(options));
	o[2] = (uint8_t)type;
	put32(o + 11, lease);
	put32(o + 17, given_mask);
	if (bare)
		end -= 10;
	if (given_t1) {
		memcpy(end, "\72\4\0\0\0\0\73\4\0\0\0", 12);
		put32(end + 2, given_t1);
		put32(end + 8, given_t2);
		end += 12;
	}
	*end = 255;
	udp(67, 68, m, sizeof(m));
	fake_run();
}

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, DHCP_ACK, NAK, RELEASE };

static void bind(uint32_t lease)
{
	while (dhcp_sent() != 0)
		;
	assert_int_equal(asked[242], DISCOVER);
	dhcp_answer(OFFER, lease);
	assert_int_equal(dhcp_sent(), REQUEST);
	dhcp_answer(DHCP_ACK, lease);
	assert_true(net_up());
}

static void on_address(const struct addr *a)
{
	told = addr_as_ip4(a);
	told_times++;
}

/* Nobody answers at first: it says so, ever more rarely, and keeps asking. */
static void test_no_answer_yet(void **state)
{
	unsigned before, asks = 0;

	net_on_address(on_address);
	assert_string_equal(fake_log, "dhcp: asking for an address");
	fake_advance(MILLIS(5100));
	assert_string_equal(fake_log, "dhcp: no answer yet, still trying (5 s)");
	before = fake_log_lines;
	fake_advance(SECONDS(295));
	assert_in_range(fake_log_lines - before, 4, 7);
	while (dhcp_sent() == DISCOVER)
		asks++;
	assert_in_range(asks, 18, 25);
	assert_true(asked_option(12, "a-name-of-our-own"));
	assert_false(net_up());
	assert_int_equal(told_times, 0);
}

static void test_lease(void **state)
{
	fake_advance(SECONDS(16));
	bind(86400);
	assert_string_equal(fake_log, "address 10.9.0.2/32, gateway 10.8.0.1, dns 10.9.0.1, "
				      "lease 86400 s");
	assert_int_equal(told, lwip_htonl(OUR_IP));
	assert_int_equal(port_netif.mtu, 1400);
	fake_forget_sent();
}

/* Our address is a /32: everything goes to the gateway outside of it, which tells
 * its Ethernet address. */
static void gateway_arp(void)
{
	uint8_t f[42] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2,
		2, 0, 0, 0, 0, 1, 10, 8, 0, 1, 2, 0, 0, 0, 0, 2, 10, 9, 0, 2,
	};

	fake_frame(f, sizeof(f), false);
}

/* At half of the lease it is renewed; nothing is said. */
static void test_renewal(void **state)
{
	unsigned lines = fake_log_lines;

	for (int i = 0; i < 1400; i++) {
		fake_advance(SECONDS(30));
		gateway_arp();
	}
	assert_int_equal(dhcp_sent(), 0);
	for (int i = 0; i < 60 && dhcp_sent() != REQUEST; i++) {
		fake_advance(SECONDS(30));
		gateway_arp();
	}
	assert_int_equal(asked[242], REQUEST);
	dhcp_answer(DHCP_ACK, 600);
	assert_true(net_up());
	assert_int_equal(fake_log_lines, lines);
	assert_int_equal(told_times, 1);
	fake_forget_sent();
}

/* Nobody renews it: the address is given up and asked for anew. */
static void test_expiry(void **state)
{
	fake_advance(SECONDS(720));
	assert_false(net_up());
	assert_non_null(strstr(fake_log, "dhcp: no answer yet, still trying ("));
	fake_forget_sent();
	fake_advance(SECONDS(20));
	while (dhcp_sent() != DISCOVER)
		;
	dhcp_answer(OFFER, 600);
	assert_int_equal(dhcp_sent(), REQUEST);
	dhcp_answer(NAK, 0);
	assert_false(net_up());
	fake_forget_sent();
	fake_advance(SECONDS(20));
	bind(UINT32_MAX);
	assert_string_equal(fake_log, "address 10.9.0.2/32, gateway 10.8.0.1, dns 10.9.0.1, "
				      "lease without end");
	assert_int_equal(told_times, 2);
	fake_forget_sent();
}

/* The seconds from now until the next message of that type, of which all before are forgotten. */
static unsigned seconds_until(unsigned type, unsigned limit)
{
	fake_forget_sent();
	for (unsigned s = 1; s <= limit; s++) {
		unsigned sent;

		fake_advance(SECONDS(1));
		gateway_arp();
		while ((sent = dhcp_sent()) != 0)
			if (sent == type)
				return s;
	}
	return UINT32_MAX;
}

/* Asked anew: by a lease that has ended. */
static void ask_anew(void)
{
	fake_forget_sent();
	dhcp_release_and_stop(&port_netif);
	dhcp_start(&port_netif);
	fake_run();
}

/* A short lease is asked for again, of its server and of all, and ends, each in its time. */
static void test_short_lease(void **state)
{
	ask_anew();
	bind(20);
	assert_in_range(seconds_until(REQUEST, 60), 9, 10);
	assert_in_range(seconds_until(REQUEST, 60), 6, 8);
	assert_true(net_up());
	assert_in_range(seconds_until(DISCOVER, 60), 2, 4);
	assert_false(net_up());
}

/* A lease of less than ten seconds, and times that are in no order. */
static void test_times_that_lie(void **state)
{
	static const uint32_t lies[][3] = {    /* lease, T1, T2 */
		{ 0, 0, 0 }, { 1, 0, 0 }, { 10, 1000, 500 }, { 10, 5, 10 }, { 10, 7, 7 },
		{ 10, UINT32_MAX, UINT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		ask_anew();
		given_t1 = lies[i][1];
		given_t2 = lies[i][2];
		bind(lies[i][0]);
		assert_in_range(seconds_until(REQUEST, 60), 4, 5);
		assert_in_range(seconds_until(REQUEST, 60), 3, 4);
		assert_in_range(seconds_until(DISCOVER, 60), 1, 2);
	}
	given_t1 = 6;
	given_t2 = 8;
	bind(10);
	assert_in_range(seconds_until(REQUEST, 60), 5, 6);
	given_t1 = given_t2 = 0;
	dhcp_answer(DHCP_ACK, UINT32_MAX);
	assert_int_equal(seconds_until(DISCOVER, 60), UINT32_MAX);
	assert_true(net_up());
}

/* What no machine can have is refused, with all that came with it; also when a lease is renewed. */
static void test_lies(void **state)
{
	static const uint32_t lies[][2] = {
		{ 0x7f000001, UINT32_MAX }, { 0, UINT32_MAX }, { OUR_IP, 0xff00ff00 },
		{ 0xe0000001, UINT32_MAX }, { 0x0a0900ff, 0xffffff00 },
	};

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		ask_anew();
		given_ip = lies[i][0];
		given_mask = lies[i][1];
		while (dhcp_sent() != 0)
			;
		dhcp_answer(OFFER, 600);
		assert_int_equal(dhcp_sent(), REQUEST);
		dhcp_answer(DHCP_ACK, 600);
		fake_advance(SECONDS(1));
		assert_non_null(strstr(fake_log, "which no machine can have; asking again in "));
		assert_false(net_up());
		assert_in_range(seconds_until(DISCOVER, 60), 9, 11);
		given_ip = OUR_IP;
		given_mask = UINT32_MAX;
		bare = true;
		bind(20);
		assert_string_equal(fake_log, "address 10.9.0.2/32, gateway 10.8.0.1, dns none, "
					      "lease 20 s");
		assert_int_equal(port_netif.mtu, 1500);
		bare = false;
	}
	assert_in_range(seconds_until(REQUEST, 60), 9, 10);
	given_mask = 0xff00ff00;
	dhcp_answer(DHCP_ACK, 20);
	fake_advance(SECONDS(1));
	assert_false(net_up());
	given_mask = UINT32_MAX;
	assert_in_range(seconds_until(DISCOVER, 60), 9, 11);
	bind(UINT32_MAX);
	fake_forget_sent();
}

/* ---- DNS -------------------------------------------------------------------- */

static int answer_with;                /* -1: nothing, 3: no such name */

/* Called while net_resolve() waits: answers the question that was sent. */
static void serve(void)
{
	struct sent *s;

	gateway_arp();
	fake_run();
	while ((s = fake_sent())) {
		uint8_t m[128] = { 0 }, *q = s->data + 42;
		size_t len = s->len - 42;

		if (get16(s->data + 12) == 0x0800 && s->data[23] == 17 &&
		    get16(s->data + 36) == 53 && answer_with >= 0) {
			memcpy(m, q, len);
			m[2] = 0x81;
			m[3] = (uint8_t)(0x80 | answer_with);
			if (answer_with == 0) {
				m[7] = 1;
				memcpy(m + len, "\300\14\0\1\0\1\0\0\0\74\0\4\300\0\2\7", 16);
				len += 16;
			}
			udp(53, (uint16_t)get16(s->data + 34), m, len);
		}
		free(s);
	}
}

static void test_names(void **state)
{
	struct addr ip = { { 0 } };

	fake_while_waiting = serve;
	assert_int_equal(net_resolve("192.0.2.9", &ip, fake_now), 0);
	assert_int_equal(addr_as_ip4(&ip), lwip_htonl(0xc0000209));
	assert_int_equal(net_resolve("some.example", &ip, fake_now + SECONDS(9)), 0);
	assert_int_equal(addr_as_ip4(&ip), lwip_htonl(0xc0000207));
	answer_with = 3;
	assert_int_equal(net_resolve("nobody.example", &ip, fake_now + SECONDS(9)), -ENOENT);
	answer_with = -1;
	assert_int_equal(net_resolve("silent.example", &ip, fake_now + SECONDS(2)), -ETIMEDOUT);
	assert_int_equal(net_resolve("silent2.example", &ip, fake_now + SECONDS(60)), -ETIMEDOUT);
	fake_advance(SECONDS(30));
	for (int i = 0; i < BUDGET_DNS_NAMES + 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d.example", i);
		assert_int_equal(net_resolve(name, &ip, fake_now + MILLIS(1)),
				 i < BUDGET_DNS_NAMES ? -ETIMEDOUT : -ENOMEM);
	}
	assert_int_equal(net_resolve("s7.example", &ip, fake_now + MILLIS(1)), -ETIMEDOUT);
	assert_int_equal(fake_pool_used("dns_names"), BUDGET_DNS_NAMES);
	fake_advance(SECONDS(60));
	assert_int_equal(fake_pool_used("dns_names"), 0);     /* no question is left behind */
	assert_int_equal(fake_pool_used("net_UDP_PCB"), 1);   /* DHCP's */
	assert_int_equal(net_resolve("", &ip, fake_now), -ENOENT);
}

static int start(void **state)
{
	fake_net_start(16u << 20, "hostname=a-name-of-our-own", false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_answer_yet), cmocka_unit_test(test_lease),
		cmocka_unit_test(test_renewal), cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_short_lease), cmocka_unit_test(test_times_that_lie),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
