/* SPDX-License-Identifier: MIT */
/* From frames that carry IPv6 (RFC 8200) to lwIP's input, as net/port/input.c does for IPv4: TCP's
 * bucket must be known before lwIP looks at the packet, so extension headers are walked here and
 * fragments put together by fragments.c. What lwIP would believe too readily does not reach it:
 *
 *  - neighbour discovery with options that do not fit, or in fragments (RFC 6980);
 *  - somebody else's claim to an address that is ours already;
 *  - redirects: a router that wants to be passed by has to advertise another;
 *  - "packet too big": it would send segments in fragments, and spoil them for the next time;
 *  - router advertisements that ra.c does not find plausible. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/ip6.h>
#include <lwip/netif.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>

#include "net/ip6/impl.h"
#include "net/port/bytes.h"
#include "net/port/frames.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define ETH SIZEOF_ETH_HDR
#define HEADERS_MAX 8
#define SOURCE 8u                      /* where the addresses are */
#define DESTINATION 24u
#define FRAGMENT_HLEN 8u
#define ROUTER_SOLICITATION 133
#define NEIGHBOUR_HLEN 24u             /* of a solicitation or advertisement, without options */
#define TARGET 8u
#define OPTION_SOURCE 1
#define OPTION_TARGET 2

/* What lies behind the extension headers. */
struct upper {
	uint8_t proto;
	unsigned at;                   /* from the IP header on */
	unsigned named_at;             /* where the header before it says what it is */
};

static struct addr addr_at(const uint8_t *p)
{
	struct addr a;

	memcpy(a.word, p, sizeof(a.word));
	return a;
}

/* Options of `len` bytes (RFC 8200 §4.2) that end where they should. */
static bool options_fit(const uint8_t *o, unsigned len)
{
	unsigned at = 0;

	while (at < len) {
		if (o[at] == 0) {
			at++;
			continue;
		}
		if (at + 2 > len)
			return false;
		at += 2u + o[at + 1];
	}
	return at == len;
}

/* Finds it: false when the chain is longer than `len` or than anybody needs. */
static bool walk(const uint8_t *ip, unsigned len, struct upper *u)
{
	*u = (struct upper){ .proto = ip[6], .at = IP6_HLEN, .named_at = 6 };
	for (unsigned n = 0; n < HEADERS_MAX; n++) {
		unsigned size;

		if (u->proto != IP6_NEXTH_HOPBYHOP && u->proto != IP6_NEXTH_ROUTING &&
		    u->proto != IP6_NEXTH_DESTOPTS)
			return true;
		if ((u->proto == IP6_NEXTH_HOPBYHOP && n > 0) || u->at + 8 > len)
			return false;
		size = 8u * (1u + ip[u->at + 1]);
		if (u->at + size > len ||
		    (u->proto != IP6_NEXTH_ROUTING && !options_fit(ip + u->at + 2, size - 2)))
			return false;
		u->named_at = u->at;
		u->proto = ip[u->at];
		u->at += size;
	}
	return false;
}

static void note_addresses(const uint8_t *ip)
{
	struct addr from = addr_at(ip + SOURCE), to = addr_at(ip + DESTINATION);

	ip_addr_copy_from_ip6(ip_data.current_iphdr_src, ip6_of_addr(&from));
	ip_addr_copy_from_ip6(ip_data.current_iphdr_dest, ip6_of_addr(&to));
}

/* TCP comes from one address to one of ours. */
static bool tcp_welcome(const uint8_t *ip)
{
	struct addr from = addr_at(ip + SOURCE), to = addr_at(ip + DESTINATION);
	const u32_t *w = from.word;

	return ip[SOURCE] != 0xff && !addr_is_ip4(&from) &&
	       ((w[0] | w[1] | w[2]) != 0 || (w[3] & ~PP_HTONL(1)) != 0) && ip6_is_ours(&to);
}

/* ---- ICMPv6 ----------------------------------------------------------------------- */

/* Each option of neighbour discovery has a length and fits (RFC 4861 §6.1, §7.1). */
static bool nd_options_fit(const uint8_t *o, unsigned len)
{
	while (len >= 2) {
		unsigned size = 8u * o[1];

		if (size == 0 || size > len)
			return false;
		o += size;
		len -= size;
	}
	return len == 0;
}

/* A neighbour solicitation or advertisement: lwIP takes its first option for what is expected. */
static bool neighbour_plausible(const uint8_t *ip, const uint8_t *icmp, unsigned len)
{
	bool advertises = icmp[0] == ICMP6_TYPE_NA;
	struct addr target, from = addr_at(ip + SOURCE);

	if (len < NEIGHBOUR_HLEN || !nd_options_fit(icmp + NEIGHBOUR_HLEN, len - NEIGHBOUR_HLEN))
		return false;
	target = addr_at(icmp + TARGET);
	if (advertises && ip6_is_ours(&target))
		return false;
	return len == NEIGHBOUR_HLEN || (!advertises && addr_is_none(&from)) ||
	       icmp[NEIGHBOUR_HLEN] == (advertises ? OPTION_TARGET : OPTION_SOURCE);
}

static bool sum_right(struct pbuf *p, const uint8_t *ip, unsigned at, unsigned len)
{
	bool right;

	note_addresses(ip);
	pbuf_remove_header(p, at);
	right = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, (u16_t)(len - at), ip6_current_src_addr(),
				  ip6_current_dest_addr()) == 0;
	pbuf_add_header_force(p, at);
	return right;
}

/* True when lwIP may see a message whose headers end at `at`. */
static bool icmp_welcome(struct pbuf *p, unsigned at, bool whole)
{
	const uint8_t *ip = p->payload, *icmp = ip + at;
	unsigned len = IP6_HLEN + be16(ip + 4);
	struct addr from = addr_at(ip + SOURCE);

	if (at + 8 > p->len)
		return false;
	if (icmp[0] >= ROUTER_SOLICITATION && icmp[0] <= ICMP6_TYPE_RD &&
	    (!whole || ip[7] != 255 || at != IP6_HLEN))
		return false;
	switch (icmp[0]) {
	case ROUTER_SOLICITATION:
	case ICMP6_TYPE_RD:
		return false;
	case ICMP6_TYPE_RA:
		return addr_is_link_local(&from) && sum_right(p, ip, at, len) &&
		       len >= at + 16 && nd_options_fit(icmp + 16, len - at - 16) &&
		       ra_hear(&from, icmp, len - at);
	case ICMP6_TYPE_NS:
	case ICMP6_TYPE_NA:
		port_forget_neighbours();
		return neighbour_plausible(ip, icmp, len - at);
	case ICMP6_TYPE_PTB:
		if (whole && sum_right(p, ip, at, len))
			pmtu_hear(icmp, len - at);
		return false;
	default:
		return true;
	}
}

/* ---- Packets ----------------------------------------------------------------------- */

/* A packet that begins in p with the IP header; `whole` in one frame. */
static void input_packet(struct pbuf *p, const struct upper *u, bool whole)
{
	const uint8_t *ip = p->payload;

	if (u->proto == IP6_NEXTH_TCP && u->at + TCP_HLEN <= p->len && tcp_welcome(ip)) {
		note_addresses(ip);
		port_tcp_input(p, u->at);
	} else if (u->proto != IP6_NEXTH_TCP && u->proto != IP6_NEXTH_FRAGMENT &&
		   (u->proto != IP6_NEXTH_ICMP6 || icmp_welcome(p, u->at, whole))) {
		ip6_input(p, &port_netif);
	} else {
		COUNT(N_RX_IGNORED);
		pbuf_free(p);
	}
}

/* What most packets are: TCP for us without extension headers. lwIP need not look at its IP header
 * again. */
static void input_plain_tcp(struct frame *f, unsigned at, unsigned len)
{
	const uint8_t *ip = f->data + at, *tcp = ip + IP6_HLEN;
	bool keep = (tcp[13] & TCP_FIN) || len - IP6_HLEN > (tcp[12] >> 4) * 4u;
	struct pbuf *p;

	note_addresses(ip);
	p = port_take(f, at + IP6_HLEN, len - IP6_HLEN, keep);
	if (!p)
		return;
	ip_data.current_ip4_header = NULL;
	port_tcp_segment(p);
}

static void input_fragment(struct frame *f, unsigned at, unsigned len, const struct upper *u)
{
	struct addr to = addr_at(f->data + at + DESTINATION);
	struct upper inner;
	unsigned size = len - u->at - FRAGMENT_HLEN;
	struct pbuf *p;

	COUNT(N_RX_FRAGMENTS);
	if (!ip6_is_ours(&to) || size == 0 ||
	    ((f->data[at + u->at + 3] & IP6_FRAG_MORE_FLAG) && size % 8 != 0)) {
		port_ignore(f);
		return;
	}
	p = port_take_fragment(f, at, len);
	p = p ? fragments_add(p, u->at, u->named_at) : NULL;
	if (!p)
		return;
	port_check_sums(true);
	if (walk(p->payload, p->len, &inner)) {
		input_packet(p, &inner, false);
	} else {
		COUNT(N_RX_IGNORED);
		pbuf_free(p);
	}
}

/* A packet of `len` bytes at `at` of its frame. */
static void input(struct frame *f, unsigned at, unsigned len)
{
	uint8_t *ip = f->data + at;
	struct upper u;
	struct pbuf *p;

	if (!walk(ip, len, &u)) {
		port_ignore(f);
	} else if (u.proto == IP6_NEXTH_FRAGMENT) {
		if (u.at + FRAGMENT_HLEN > len)
			port_ignore(f);
		else
			input_fragment(f, at, len, &u);
	} else if (u.proto == IP6_NEXTH_TCP && u.at == IP6_HLEN) {
		if (len < IP6_HLEN + TCP_HLEN || !tcp_welcome(ip))
			port_ignore(f);
		else
			input_plain_tcp(f, at, len);
	} else {
		p = port_take(f, at, len, u.proto == IP6_NEXTH_TCP);
		if (p)
			input_packet(p, &u, true);
	}
}

/* A fragment that is all of its packet (RFC 6946) is one without that header: where it begins
 * then. */
static unsigned unwrap(struct frame *f, unsigned len)
{
	uint8_t *ip = f->data + ETH;
	struct upper u;

	if (!walk(ip, len, &u) || u.proto != IP6_NEXTH_FRAGMENT || u.at + FRAGMENT_HLEN > len ||
	    (load16(ip + u.at + 2) & PP_HTONS(IP6_FRAG_OFFSET_MASK | IP6_FRAG_MORE_FLAG)))
		return ETH;
	ip[u.named_at] = ip[u.at];
	store16(ip + 4, lwip_htons((u16_t)(len - IP6_HLEN - FRAGMENT_HLEN)));
	memmove(ip + FRAGMENT_HLEN, ip, u.at);
	return ETH + FRAGMENT_HLEN;
}

void ip6_input_frame(struct frame *f)
{
	const uint8_t *ip = f->data + ETH;
	unsigned len = f->len - ETH, at = ETH;

	/* Some switches and radios send our own frames back, and with them our question whether
	 * another has the address. */
	if (ip6_mode() == IP6_OFF || len < IP6_HLEN || ip[0] >> 4 != 6 ||
	    memcmp(f->data + 6, port_nic->mac, 6) == 0 ||
	    (unsigned)IP6_HLEN + be16(ip + 4) > len || ip[SOURCE] == 0xff) {
		port_ignore(f);
		return;
	}
	len = IP6_HLEN + be16(ip + 4);
	if (ip[6] != IP6_NEXTH_TCP)
		at = unwrap(f, len);
	input(f, at, len - (at - ETH));
}
