/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_net.c tests/unit/fake_peer.c kernel/machine.c kernel/pool.c
 * kernel/config.c net/net.c net/dev/one.c net/addr.c net/address.c net/dhcp_options.c
 * net/dns/dns.c net/routes.c net/ip6/addresses.c net/ip6/dhcp6.c net/ip6/dhcp6_message.c
 * net/ip6/input.c net/ip6/output.c net/ip6/pmtu.c net/ip6/ra.c net/ip6/slaac.c
 * net/ip6/text.c kernel/siphash.c net/ntp/ntp.c net/ntp/sync.c net/ntp/packet.c
 * net/ntp/filter.c net/ntp/vote.c net/ntp/loop.c net/ntp/leap.c kernel/date.c
 * net/tcp/tcp.c net/tcp/io.c net/tcp/close.c
 * net/port/buckets.c net/port/chksum.c net/port/gate.c net/port/input.c net/port/memp.c
 * net/port/netif.c net/port/pmtu.c net/port/sys.c net/port/timers.c
 * lwip/core/def.c lwip/core/dns.c lwip/core/inet_chksum.c lwip/core/init.c lwip/core/ip.c
 * lwip/core/mem.c lwip/core/netif.c lwip/core/pbuf.c lwip/core/tcp.c lwip/core/tcp_in.c
 * lwip/core/tcp_out.c lwip/core/timeouts.c lwip/core/udp.c
 * lwip/core/ipv4/dhcp.c lwip/core/ipv4/etharp.c lwip/core/ipv4/icmp.c lwip/core/ipv4/ip4.c
 * lwip/core/ipv4/ip4_addr.c lwip/core/ipv4/ip4_frag.c lwip/core/ipv6/ethip6.c
 * lwip/core/ipv6/icmp6.c lwip/core/ipv6/inet6.c lwip/core/ipv6/ip6.c lwip/core/ipv6/ip6_addr.c
 * lwip/core/ipv6/ip6_frag.c lwip/core/ipv6/mld6.c lwip/core/ipv6/nd6.c lwip/netif/ethernet.c */
/* libFuzzer: received frames. The input is a list of operations: raw frames, IP
 * packets, TCP segments near the window of open connections, answers of DHCP and
 * DNS servers that match what was asked. Nothing may be left behind, however
 * rude a peer was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/netif.h>

#include "net/net.h"
#include "tests/unit/fake_net.h"

#define PEERS 4
#define CHECK_EVERY 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

uintptr_t __stack_chk_guard = 0x5a17c0de5a17c0de;
static struct peer peers[PEERS];
static uint8_t question[12];           /* of the last DNS query: port, id */

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

/* What fake_net.c takes from cmocka. */
void _assert_true(const uintmax_t ok, const char *what, const char *file, const int line)
{
	if (!ok)
		abort();
}

void _assert_int_equal(const uintmax_t a, const uintmax_t b, const char *file, const int line)
{
	if (a != b)
		abort();
}

void _fail(const char *file, const int line)
{
	abort();
}

void print_error(const char *fmt, ...) {}

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

/* An IP packet from the gateway's network with a good header. */
static void packet(uint8_t proto, unsigned frag, const void *data, size_t len)
{
	uint8_t f[NETDEV_FRAME_MAX] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
	uint8_t *ip = f + 14;
	uint32_t sum = 0;

	len = MIN(len, sizeof(f) - 34);
	put16(ip + 2, (unsigned)(20 + len));
	put16(ip + 6, frag);
	ip[8] = 64;
	ip[9] = proto;
	put32(ip + 12, 0x0a090001);
	put32(ip + 16, OUR_IP);
	for (int i = 0; i < 20; i += 2)
		sum += ip[i] * 256u + ip[i + 1];
	put16(ip + 10, 0xffff ^ ((sum & 0xffff) + (sum >> 16)));
	memcpy(ip + 20, data, len);
	fake_frame(f, 34 + len, true);
}

/* A packet of IPv6 with a good header; ICMPv6 with a good sum, so that it is looked at. */
static void packet6(unsigned how, const uint8_t *data, size_t len)
{
	static const uint8_t proto[8] = { 58, 58, 58, 44, 6, 17, 0, 60 };
	uint8_t f[NETDEV_FRAME_MAX] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60 };
	uint8_t *ip = f + 14;
	uint32_t sum = 58;

	len = MIN(len, sizeof(f) - 54);
	put16(ip + 4, (unsigned)len);
	ip[6] = proto[how % 8];
	ip[7] = 255;
	put16(ip + 8, 0xfe80);
	ip[23] = 9;
	if (how & 8) {
		put16(ip + 24, 0xff02);
		ip[39] = 1;
	} else {
		memcpy(ip + 24, netif_ip6_addr(&port_netif, 0)->addr, 16);
	}
	memcpy(ip + 40, data, len);
	if (ip[6] == 58 && len >= 4) {
		put16(ip + 42, 0);
		sum += (uint32_t)len;
		for (size_t i = 8; i < 40 + len; i += 2)
			sum += ip[i] * 256u + (i + 1 < 40 + len ? ip[i + 1] : 0u);
		sum = (sum & 0xffff) + (sum >> 16);
		put16(ip + 42, 0xffff ^ ((sum & 0xffff) + (sum >> 16)));
	}
	fake_frame(f, 54 + len, true);
}

static void udp(uint16_t from, uint16_t to, const void *data, size_t len)
{
	uint8_t d[1480] = { 0 };

	len = MIN(len, sizeof(d) - 8);
	put16(d, from);
	put16(d + 2, to);
	put16(d + 4, (unsigned)(8 + len));
	memcpy(d + 8, data, len);
	packet(17, 0, d, 8 + len);
}

/* An answer to our own request, with these options. */
static void dhcp_answer(const uint8_t *options, size_t len)
{
	const struct dhcp *dhcp = netif_dhcp_data(&port_netif);
	uint8_t m[1400] = { 2, 1, 6 };

	put32(m + 4, dhcp->xid);
	put32(m + 16, OUR_IP);
	memcpy(m + 28, port_netif.hwaddr, 6);
	put32(m + 236, 0x63825363);
	memcpy(m + 240, options, MIN(len, sizeof(m) - 240));
	udp(67, 68, m, 240 + len);
}

static void lease(void)
{
	static const uint8_t options[2][34] = {
		{ 53, 1, 2, 54, 4, 10, 9, 0, 1, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0,
		  3, 4, 10, 9, 0, 1, 6, 4, 10, 9, 0, 1, 255 },
		{ 53, 1, 5, 54, 4, 10, 9, 0, 1, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0,
		  3, 4, 10, 9, 0, 1, 6, 4, 10, 9, 0, 1, 255 },
	};

	dhcp_start(&port_netif);
	for (int i = 0; i < 2; i++) {
		dhcp_answer(options[i], sizeof(options[i]));
		fake_run();
	}
	fake_arp();
	fake_run();
	fake_forget_sent();
	if (netif_ip4_addr(&port_netif)->addr != lwip_htonl(OUR_IP))
		abort();
}

static void resolved(const char *name, const ip_addr_t *ip, void *arg) {}

static void dns_question(void)
{
	ip_addr_t ip;
	struct sent *s;

	dns_gethostbyname("fuzz.example", &ip, resolved, NULL);
	fake_run();
	while ((s = fake_sent())) {
		if (s->len > 60 && s->data[23] == 17 && s->data[37] == 53) {
			memcpy(question, s->data + 34, 2);
			memcpy(question + 2, s->data + 42, 2);
		}
		free(s);
	}
}

static void dns_answer(const uint8_t *data, size_t len)
{
	uint8_t m[600] = { 0 };

	memcpy(m, question + 2, 2);
	put16(m + 2, 0x8180);
	memcpy(m + 4, data, MIN(len, sizeof(m) - 4));
	udp(53, (uint16_t)(question[0] * 256 + question[1]), m, MIN(len + 4, sizeof(m)));
}

static void segment(const uint8_t *d, size_t len)
{
	struct peer *p = &peers[d[0] % PEERS];
	uint32_t ack = p->ack;
	size_t n = MIN((size_t)d[4] * 6, (size_t)1400);
	uint8_t fill[1400];

	memset(fill, "xxbcaw"[d[5] % 6], sizeof(fill));
	p->ip = 0x0a090001;
	p->port = (uint16_t)(4000 + d[0] % PEERS);
	p->stamps = d[0] & 64;
	p->stamp += d[3];
	p->ack += (uint32_t)(int8_t)d[3];
	peer_listen(p);
	peer_queue(p, d[1] & 63, p->seq + (uint32_t)(int8_t)d[2] * (d[0] & 128 ? 50 : 1), fill, n);
	p->ack = ack;
	if (d[2] == 0)
		p->seq += (uint32_t)n + ((d[1] & (SYN | FIN)) != 0);
	peer_run(p);
}

/* One operation: how many bytes it took. */
static size_t operate(const uint8_t *d, size_t size)
{
	size_t len = MIN(size - 2, (size_t)d[1] * 4);
	const uint8_t *rest = d + 2;

	switch (d[0] % 8) {
	case 0:
		fake_frame(rest, MIN(len, (size_t)NETDEV_FRAME_MAX), d[0] & 8);
		break;
	case 1:
		if (d[0] & 128)
			packet6(d[0] >> 3 & 15, rest, len);
		else
			packet(d[0] >> 3, 0, rest, len);
		break;
	case 2:
		if (len > 2)
			packet((uint8_t)"\1\6\21\1"[d[0] >> 3 & 3], rest[0] * 256u + rest[1],
			       rest, len);
		break;
	case 3:
		dhcp_answer(rest, MIN(len, (size_t)1000));
		break;
	case 4:
		dns_question();
		dns_answer(rest, len);
		break;
	case 5:
		fake_advance(MILLIS(d[1] * 40));
		return 2;
	default:
		if (size < 8)
			return size;
		segment(d + 1, 6);
		return 8;
	}
	fake_run();
	return 2 + len;
}

static void check(void)
{
	unsigned left = 0;

	fake_advance(SECONDS(600));
	fake_forget_sent();
	for (struct pool *p = pool_first(); p; p = p->next) {
		if (p->used == 0 || strcmp(p->name, "net_UDP_PCB") == 0 ||
		    strcmp(p->name, "net_MLD6_GROUP") == 0 ||
		    strcmp(p->name, "net_TCP_PCB_LISTEN") == 0)
			continue;
		fprintf(stderr, "%s: %u left\n", p->name, p->used);
		left++;
	}
	left += fake_lent() + stream_count();
	if (left)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned runs;

	if (runs++ == 0) {
		fake_net_start(4u << 20, "ip=dhcp ip6=auto", false);
		stream_listen(8080, &echo_ops);
	}
	lease();
	for (unsigned i = 0; i < PEERS; i++)
		peers[i].seq = 1000;
	while (size >= 2) {
		size_t n = operate(data, size);

		data += n;
		size -= n;
	}
	fake_run();
	fake_forget_sent();
	if (runs % CHECK_EVERY == 0)
		check();
	return 0;
}
