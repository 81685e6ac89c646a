/* SPDX-License-Identifier: MIT */
/* From the NIC's frames to lwIP's input.
 *
 * Frames are lent to lwIP in the device's buffers, without a copy; while more
 * than half of those are held, frames that may be kept (they carry data) are
 * copied, so that the ring never runs dry. Whether a checksum is still to be
 * verified is decided for each frame. Fragments (RFC 791 §3.2) are put together
 * here, before lwIP's input, so that TCP's bucket can be found for the whole. */
#include "kernel/mem.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/etharp.h>
#include <lwip/ip.h>
#include <lwip/ip4_frag.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/netif.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/tcp.h>

#include "net/ip6/ip6.h"
#include "net/port/bytes.h"
#include "net/port/frames.h"
#include "net/port/port.h"

#define ETH SIZEOF_ETH_HDR
#define ICMP_HLEN 8u
#define TYPE_IP PP_HTONS(ETHTYPE_IP)
#define TYPE_ARP PP_HTONS(ETHTYPE_ARP)
#define TYPE_IPV6 PP_HTONS(ETHTYPE_IPV6)
#define SMALL_MAX BUDGET_RX_SMALL_BYTES
#define BIG_MAX BUDGET_RX_BIG_BYTES

/* A frame in the device's buffer, one for each. */
struct lent {
	struct pbuf_custom pc;         /* first: lwIP gives this back */
	struct frame *frame;
};

/* A frame copied. */
struct copy {
	struct pbuf_custom pc;
	struct pool *pool;
	uint8_t data[];
};

static struct lent *lent;
static unsigned held;
static struct pool rx_small, rx_big;

void port_input_init(void)
{
	lent = mem_take(port_nic->rx_count * sizeof(*lent));
	if (!lent)
		panic("net: no memory for %u frames", port_nic->rx_count);
	pool_init(&rx_small, "net_rx_small", sizeof(struct copy) + SMALL_MAX, port_limits.rx_small);
	pool_init(&rx_big, "net_rx_big", sizeof(struct copy) + BIG_MAX, port_limits.rx_big);
}

static void lent_free(struct pbuf *p)
{
	struct lent *l = container_of(p, struct lent, pc.pbuf);

	held--;
	port_nic->ops->release(port_nic, l->frame);
}

static void copy_free(struct pbuf *p)
{
	struct copy *c = container_of(p, struct copy, pc.pbuf);

	pool_put(c->pool, c);
}

/* `len` bytes at `at` of the frame, in the device's buffer. */
static struct pbuf *lend(struct frame *f, unsigned at, unsigned len)
{
	struct lent *l = &lent[f->index];

	l->frame = f;
	l->pc.custom_free_function = lent_free;
	held++;
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &l->pc, f->data + at,
				   (u16_t)len);
}

/* The same in memory of ours, and the device's buffer goes back; but for what has no room there,
 * which may hold some buffers more. */
static struct pbuf *copy(struct frame *f, unsigned at, unsigned len)
{
	struct pool *pool = len <= SMALL_MAX ? &rx_small : &rx_big;
	struct copy *c = len <= BIG_MAX ? pool_get(pool) : NULL;

	if (len > BIG_MAX && held < port_nic->rx_count / 4u * 3u)
		return lend(f, at, len);

	if (!c && pool == &rx_small) {
		pool = &rx_big;
		c = pool_get(pool);
	}
	if (!c) {
		COUNT(N_RX_NO_MEMORY);
		port_nic->ops->release(port_nic, f);
		return NULL;
	}
	c->pool = pool;
	c->pc.custom_free_function = copy_free;
	memcpy(c->data, f->data + at, len);
	port_nic->ops->release(port_nic, f);
	COUNT(N_RX_COPIED);
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &c->pc, c->data, (u16_t)len);
}

bool port_rx_short(void)
{
	return rx_big.used >= rx_big.cap - rx_big.cap / 4;
}

static bool is_copy(const struct pbuf *p)
{
	return (p->flags & PBUF_FLAG_IS_CUSTOM) &&
	       ((const struct pbuf_custom *)p)->custom_free_function == copy_free;
}

struct pbuf *port_pack(struct pbuf *last, struct pbuf *p)
{
	struct copy *c = container_of(last, struct copy, pc.pbuf);
	u16_t len = p->tot_len;
	struct pbuf *into = last;

	if (len > BIG_MAX / 2)
		return p;
	if (!is_copy(last) || c->pool != &rx_big || last->ref != 1 ||
	    (uint8_t *)last->payload + last->len + len > c->data + BIG_MAX) {
		c = pool_get(&rx_big);
		if (!c)
			return p;
		c->pool = &rx_big;
		c->pc.custom_free_function = copy_free;
		into = pbuf_alloced_custom(PBUF_RAW, 0, PBUF_REF, &c->pc, c->data, BIG_MAX);
	}
	pbuf_copy_partial(p, (uint8_t *)into->payload + into->len, len, 0);
	into->len = into->tot_len = (u16_t)(into->len + len);
	pbuf_free(p);
	return into;
}

void port_check_sums(bool transport)
{
	const u16_t bits = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

	if (transport)
		port_netif.chksum_flags |= bits;
	else
		port_netif.chksum_flags &= (u16_t)~bits;
}

struct pbuf *port_take(struct frame *f, unsigned at, unsigned len, bool keep)
{
	port_check_sums(!f->csum_ok);
	return held >= port_nic->rx_count / 2 && keep ? copy(f, at, len) : lend(f, at, len);
}

/* The room in front is for an answer to a large ping, which is built in place. */
struct pbuf *port_take_fragment(struct frame *f, unsigned at, unsigned len)
{
	struct pbuf *p = pbuf_alloc(PBUF_LINK, (u16_t)len, PBUF_RAM);

	if (p)
		memcpy(p->payload, f->data + at, len);
	else
		COUNT(N_RX_NO_MEMORY);
	port_nic->ops->release(port_nic, f);
	return p;
}

void port_ignore(struct frame *f)
{
	port_nic->ops->release(port_nic, f);
	COUNT(N_RX_IGNORED);
}

/* The sum of an IP header without options (RFC 1071), in five words. */
static bool header_intact(const uint8_t *ip)
{
	uint64_t sum = (uint64_t)load32(ip) + load32(ip + 4) + load32(ip + 8) +
		       load32(ip + 12) + load32(ip + 16);

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return ((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

static bool is_ours(const uint8_t *mac)
{
	return load32(mac) == load32(port_nic->mac) && load16(mac + 4) == load16(port_nic->mac + 4);
}

static void note_addresses(u32_t remote_ip, u32_t local_ip)
{
	ip_data.current_ip4_header = NULL;
	ip_addr_set_ip4_u32_val(ip_data.current_iphdr_src, remote_ip);
	ip_addr_set_ip4_u32_val(ip_data.current_iphdr_dest, local_ip);
}

/* A whole packet, its first buffer beginning with the IP header. */
static void input_packet(struct pbuf *p)
{
	const uint8_t *ip = p->payload;
	unsigned hlen = ip_hlen(ip);

	if (ip[9] != IP_PROTO_TCP) {
		ip4_input(p, &port_netif);
	} else if (hlen >= IP_HLEN && p->len >= hlen + TCP_HLEN) {
		note_addresses(load32(ip + 12), load32(ip + 16));
		port_tcp_input(p, hlen);
	} else {
		pbuf_free(p);
	}
}

static void input_fragment(struct frame *f)
{
	const uint8_t *ip = f->data + ETH;
	unsigned len = be16(ip + 2);
	struct pbuf *p;

	COUNT(N_RX_FRAGMENTS);
	if (ip[0] != 0x45 || len <= IP_HLEN || len > (unsigned)f->len - ETH ||
	    load32(ip + 16) != netif_ip4_addr(&port_netif)->addr || !header_intact(ip)) {
		port_ignore(f);
		return;
	}
	p = port_take_fragment(f, ETH, len);
	p = p ? ip4_reass(p) : NULL;
	if (!p)
		return;
	port_check_sums(true);
	input_packet(p);
}

/* A router could not pass on a segment of ours (RFC 792, RFC 1191 §4): `len` bytes of IP. */
static void hear_too_big(const uint8_t *ip, unsigned len)
{
	unsigned at = ip_hlen(ip) + ICMP_HLEN, total = MIN((unsigned)be16(ip + 2), len);
	const uint8_t *icmp = ip + ip_hlen(ip), *quote = ip + at;
	ip_addr_t local, remote;

	if (total < at + IP_HLEN + 8 || icmp[0] != ICMP_DUR || icmp[1] != ICMP_DUR_FRAG ||
	    quote[9] != IP_PROTO_TCP || total < at + ip_hlen(quote) + 8 ||
	    (uint16_t)~LWIP_CHKSUM(icmp, (int)(total - ip_hlen(ip))) != 0)
		return;
	ip_addr_set_ip4_u32_val(local, load32(quote + 12));
	ip_addr_set_ip4_u32_val(remote, load32(quote + 16));
	port_too_big(&local, &remote, quote + ip_hlen(quote), be16(icmp + 6));
}

/* What most packets are: TCP for us, its IP header whole, without options and
 * from a plain address. lwIP need not look at that again. */
static bool plain_tcp(const uint8_t *ip, unsigned len)
{
	u32_t us = netif_ip4_addr(&port_netif)->addr;
	u32_t mask = netif_ip4_netmask(&port_netif)->addr;
	unsigned total = be16(ip + 2);

	return ip[0] == 0x45 && ip[9] == IP_PROTO_TCP && total >= IP_HLEN + TCP_HLEN &&
	       total <= len && us != 0 && load32(ip + 16) == us &&
	       ip[12] - 1u < 223u && (load32(ip + 12) | mask) != UINT32_MAX &&
	       header_intact(ip);
}

static void input_ip(struct frame *f)
{
	const uint8_t *ip = f->data + ETH;
	unsigned at = ETH, len = f->len - ETH;
	bool plain, keep;
	struct pbuf *p;

	if (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF)) {
		input_fragment(f);
		return;
	}
	plain = plain_tcp(ip, len);
	if (ip[9] == IP_PROTO_ICMP)
		hear_too_big(ip, len);
	if (plain) {
		note_addresses(load32(ip + 12), load32(ip + 16));
		at += IP_HLEN;
		len = be16(ip + 2) - IP_HLEN;
	}
	/* May be kept: TCP with data, or with a FIN, which waits for what comes before it. */
	keep = ip[9] == IP_PROTO_TCP && (!plain || (ip[IP_HLEN + 13] & TCP_FIN) ||
					 len > (ip[IP_HLEN + 12] >> 4) * 4u);
	p = port_take(f, at, len, keep);
	if (!p)
		return;
	if (plain)
		port_tcp_segment(p);
	else
		input_packet(p);
}

static void input_arp(struct frame *f)
{
	struct pbuf *p = lend(f, ETH, f->len - ETH);

	port_forget_neighbours();
	etharp_input(p, &port_netif);
}

bool port_input(void)
{
	struct frame *f = port_nic->ops->recv(port_nic);
	uint16_t type;

	if (!f)
		return false;
	COUNT(N_RX_FRAMES);
	type = load16(f->data + 12);
	if (f->len < ETH + IP_HLEN ||
	    (!(f->data[0] & 1) && !is_ours(f->data))) {
		type = 0;
	} else if (type == TYPE_IP && f->data[ETH + 9] == IP_PROTO_TCP && (f->data[0] & 1)) {
		type = 0;              /* RFC 9293 §3.9.2.3: never by broadcast */
	} else if (type == TYPE_ARP && f->len < ETH + SIZEOF_ETHARP_HDR) {
		type = 0;
	}
	if (type == TYPE_IP)
		input_ip(f);
	else if (type == TYPE_ARP)
		input_arp(f);
	else if (type == TYPE_IPV6)
		ip6_input_frame(f);
	else
		port_ignore(f);
	return true;
}
