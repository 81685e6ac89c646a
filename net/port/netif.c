/* SPDX-License-Identifier: MIT */
/* Frames between the NIC (net/netdev.h) and lwIP's one interface.
 *
 * Received frames are lent to lwIP in the device's buffers, without a copy;
 * while more than half of those are held, frames that may be kept (they carry
 * data) are copied, so that the ring never runs dry. Sent packets are copied
 * once, straight into the device's buffer. Checksums of TCP are left to the
 * device where it offers that; for received frames this is decided one by one.
 * Fragments (RFC 791 §3.2) are put together here, before lwIP's input, so that
 * TCP's bucket can be found for the whole. */
#include "kernel/mem.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip4_frag.h>
#include <lwip/netif.h>
#include <lwip/prot/dhcp.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/iana.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/tcp.h>

#include "net/port/hooks.h"
#include "net/port/port.h"

#define ETH 14u                        /* bytes of an Ethernet header */
#define TYPE_IP PP_HTONS(ETHTYPE_IP)
#define TYPE_ARP PP_HTONS(ETHTYPE_ARP)
#define SMALL_MAX 256u                 /* a frame that net_rx_small holds */
#define ICMP_ERRORS_PER_SECOND 100u    /* RFC 1812 §4.3.2.8 */
#define NEIGHBOURS 64u
#define MTU_MIN 576u
#define DHCP_OPTION_MTU_LEN 2u

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

/* The Ethernet header for an address, learned from what etharp_output() sends;
 * forgotten whenever ARP may have changed its mind. */
struct neighbour {
	u32_t ip;                      /* 0: none */
	uint8_t header[ETH];
};

struct netif port_netif;

static struct netdev *nic;
static struct lent *lent;
static unsigned held;
static struct pool rx_small, rx_big;
static struct neighbour neighbours[NEIGHBOURS];
static u32_t learning;                 /* the address that etharp_output() is resolving */
static unsigned icmp_errors_left;
static uint16_t mtu_limit;

static uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static void store16(uint8_t *p, uint16_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

static u32_t load32(const uint8_t *p)
{
	u32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t fold(u32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* ---- Sending ---------------------------------------------------------------- */

/* Gives the packet an id that tells nothing; fragments keep theirs. */
static void set_id(uint8_t *ip)
{
	uint16_t old = load16(ip + 4), id;

	if (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF))
		return;
	id = port_random16();
	store16(ip + 4, id);
	/* RFC 1624 eqn. 3 */
	store16(ip + 10, (uint16_t)~fold((u32_t)(uint16_t)~load16(ip + 10) +
					 (uint16_t)~old + id));
}

/* The checksum that the device is to finish (virtio 1.2 §5.1.6.2). */
static struct tx_csum offload(uint8_t *ip, size_t len)
{
	unsigned hlen = (ip[0] & 15) * 4u;
	u32_t sum;

	if (!nic->tx_csum || ip[9] != IP_PROTO_TCP ||
	    (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF)))
		return (struct tx_csum){ 0, 0 };
	sum = load16(ip + 12) + load16(ip + 14) + load16(ip + 16) + load16(ip + 18);
	sum += PP_HTONS(IP_PROTO_TCP) + lwip_htons((uint16_t)(len - hlen));
	store16(ip + hlen + 16, fold(sum));
	return (struct tx_csum){ (uint16_t)(ETH + hlen), 16 };
}

static bool icmp_allowed(const uint8_t *ip)
{
	if (ip[9] != IP_PROTO_ICMP || (load16(ip + 6) & PP_HTONS(IP_OFFMASK)) ||
	    ip[(ip[0] & 15) * 4] == ICMP_ER)
		return true;
	if (icmp_errors_left == 0) {
		COUNT(N_ICMP_LIMITED);
		return false;
	}
	icmp_errors_left--;
	return true;
}

/* Sends p, which begins with its Ethernet header unless `header` gives one. */
static err_t send(const uint8_t *header, struct pbuf *p)
{
	size_t len = p->tot_len + (header ? ETH : 0);
	uint8_t *buf, *at;
	struct tx_csum csum = { 0, 0 };

	if (len > NETDEV_FRAME_MAX || len <= ETH) {
		COUNT(N_TX_DROPPED);
		return ERR_BUF;
	}
	buf = nic->ops->tx_get(nic);
	if (!buf) {
		nic->ops->flush(nic);
		buf = nic->ops->tx_get(nic);
	}
	if (!buf) {
		COUNT(N_TX_NO_BUFFER);
		return ERR_MEM;
	}
	at = buf;
	if (header) {
		__builtin_memcpy(buf, header, ETH);
		at += ETH;
	}
	for (const struct pbuf *q = p; q; q = q->next) {
		memcpy(at, q->payload, q->len);
		at += q->len;
	}
	if (load16(buf + 12) == TYPE_IP) {
		if (!icmp_allowed(buf + ETH))
			return ERR_OK;
		set_id(buf + ETH);
		csum = offload(buf + ETH, len - ETH);
	}
	nic->ops->tx_put(nic, len, csum);
	COUNT(N_TX_FRAMES);
	return ERR_OK;
}

static struct neighbour *neighbour(u32_t ip)
{
	return &neighbours[(ip ^ ip >> 8 ^ ip >> 16 ^ ip >> 24) % NEIGHBOURS];
}

static void forget_neighbours(void)
{
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		neighbours[i].ip = 0;
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	const uint8_t *eth = p->payload;

	if (learning && p->len >= ETH && load16(eth + 12) == TYPE_IP && !(eth[0] & 1)) {
		struct neighbour *n = neighbour(learning);

		n->ip = learning;
		__builtin_memcpy(n->header, eth, ETH);
	}
	return send(NULL, p);
}

static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	const struct neighbour *n = neighbour(to->addr);
	err_t err;

	if (n->ip == to->addr && n->ip)
		return send(n->header, p);
	learning = to->addr;
	err = etharp_output(netif, p, to);
	learning = 0;
	return err;
}

/* ---- Receiving -------------------------------------------------------------- */

static void lent_free(struct pbuf *p)
{
	struct lent *l = container_of(p, struct lent, pc.pbuf);

	held--;
	nic->ops->release(nic, l->frame);
}

static void copy_free(struct pbuf *p)
{
	struct copy *c = container_of(p, struct copy, pc.pbuf);

	pool_put(c->pool, c);
}

/* The frame without its Ethernet header, in the device's buffer. */
static struct pbuf *lend(struct frame *f)
{
	struct lent *l = &lent[f->index];

	l->frame = f;
	l->pc.custom_free_function = lent_free;
	held++;
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)(f->len - ETH), PBUF_REF, &l->pc,
				   f->data + ETH, (u16_t)(f->len - ETH));
}

/* The same in memory of ours, and the device's buffer goes back. */
static struct pbuf *copy(struct frame *f)
{
	u16_t len = (u16_t)(f->len - ETH);
	struct pool *pool = len <= SMALL_MAX ? &rx_small : &rx_big;
	struct copy *c = pool_get(pool);

	if (!c && pool == &rx_small) {
		pool = &rx_big;
		c = pool_get(pool);
	}
	if (!c) {
		COUNT(N_RX_NO_MEMORY);
		nic->ops->release(nic, f);
		return NULL;
	}
	c->pool = pool;
	c->pc.custom_free_function = copy_free;
	memcpy(c->data, f->data + ETH, len);
	nic->ops->release(nic, f);
	COUNT(N_RX_COPIED);
	return pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &c->pc, c->data, len);
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

	if (len > NETDEV_FRAME_MAX / 2)
		return p;
	if (!is_copy(last) || c->pool != &rx_big || last->ref != 1 ||
	    (uint8_t *)last->payload + last->len + len > c->data + NETDEV_FRAME_MAX) {
		c = pool_get(&rx_big);
		if (!c)
			return p;
		c->pool = &rx_big;
		c->pc.custom_free_function = copy_free;
		into = pbuf_alloced_custom(PBUF_RAW, 0, PBUF_REF, &c->pc, c->data,
					   NETDEV_FRAME_MAX);
	}
	pbuf_copy_partial(p, (uint8_t *)into->payload + into->len, len, 0);
	into->len = into->tot_len = (u16_t)(into->len + len);
	pbuf_free(p);
	return into;
}

/* True when lwIP or a stream may keep the packet: it has more than headers. */
static bool carries_data(const uint8_t *ip, unsigned hlen)
{
	const uint8_t *tcp = ip + hlen;

	return lwip_htons(load16(ip + 2)) > hlen + (tcp[12] >> 4) * 4u;
}

static void check_sums(bool transport)
{
	const u16_t bits = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

	if (transport)
		port_netif.chksum_flags |= bits;
	else
		port_netif.chksum_flags &= (u16_t)~bits;
}

/* A whole packet, its first buffer beginning with the IP header. */
static void input_packet(struct pbuf *p)
{
	const uint8_t *ip = p->payload;
	unsigned hlen = (ip[0] & 15) * 4u;

	if (ip[9] == IP_PROTO_TCP && hlen >= IP_HLEN && p->len >= hlen + TCP_HLEN)
		port_tcp_input(p, hlen);
	else if (ip[9] == IP_PROTO_TCP)
		pbuf_free(p);
	else
		ip4_input(p, &port_netif);
}

/* A fragment is copied into a block with room in front of it, for an answer to
 * a large ping is built in place. Its checksum covers the whole datagram, so
 * the device cannot have vouched for it. */
static void input_fragment(struct frame *f)
{
	const uint8_t *ip = f->data + ETH;
	unsigned hlen = (ip[0] & 15) * 4u, len = lwip_htons(load16(ip + 2));
	struct pbuf *p;

	COUNT(N_RX_FRAGMENTS);
	if (ip[0] != 0x45 || len <= hlen || len > f->len - ETH ||
	    load32(ip + 16) != netif_ip4_addr(&port_netif)->addr || inet_chksum(ip, IP_HLEN) != 0) {
		nic->ops->release(nic, f);
		COUNT(N_RX_IGNORED);
		return;
	}
	p = pbuf_alloc(PBUF_LINK, (u16_t)len, PBUF_RAM);
	if (p)
		memcpy(p->payload, ip, len);
	else
		COUNT(N_RX_NO_MEMORY);
	nic->ops->release(nic, f);
	p = p ? ip4_reass(p) : NULL;
	if (!p)
		return;
	check_sums(true);
	input_packet(p);
}

static void input_ip(struct frame *f)
{
	const uint8_t *ip = f->data + ETH;
	unsigned hlen = (ip[0] & 15) * 4u;
	struct pbuf *p;

	if (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF)) {
		input_fragment(f);
		return;
	}
	if (held >= nic->rx_count / 2 &&
	    (ip[9] != IP_PROTO_TCP || f->len < ETH + hlen + TCP_HLEN || carries_data(ip, hlen)))
		p = copy(f);
	else
		p = lend(f);
	if (!p)
		return;
	check_sums(!f->csum_ok);
	input_packet(p);
}

static void input_arp(struct frame *f)
{
	struct pbuf *p = lend(f);

	forget_neighbours();
	etharp_input(p, &port_netif);
}

bool port_input(void)
{
	struct frame *f = nic->ops->recv(nic);
	uint16_t type;

	if (!f)
		return false;
	COUNT(N_RX_FRAMES);
	type = load16(f->data + 12);
	if (f->len < ETH + IP_HLEN ||
	    (!(f->data[0] & 1) && memcmp(f->data, nic->mac, sizeof(nic->mac)) != 0)) {
		type = 0;
	} else if (type == TYPE_IP && f->data[ETH + 9] == IP_PROTO_TCP && (f->data[0] & 1)) {
		type = 0;              /* RFC 9293 §3.9.2.3: never by broadcast */
	} else if (type == TYPE_ARP && f->len < ETH + SIZEOF_ETHARP_HDR) {
		type = 0;
	}
	if (type == TYPE_IP) {
		input_ip(f);
	} else if (type == TYPE_ARP) {
		input_arp(f);
	} else {
		COUNT(N_RX_IGNORED);
		nic->ops->release(nic, f);
	}
	return true;
}

void port_flush(void)
{
	nic->ops->flush(nic);
}

/* ---- The interface ---------------------------------------------------------- */

static void set_link(void)
{
	bool up = nic->ops->link(nic);

	if (up == !!netif_is_link_up(&port_netif))
		return;
	log_info("net: link %s", up ? "up" : "down");
	if (up)
		netif_set_link_up(&port_netif);
	else
		netif_set_link_down(&port_netif);
}

void port_netif_tick(void)
{
	forget_neighbours();
	icmp_errors_left = ICMP_ERRORS_PER_SECOND;
	set_link();
}

void port_dhcp_option(struct netif *netif, u8_t option, u8_t len, struct pbuf *p, u16_t at)
{
	uint8_t value[DHCP_OPTION_MTU_LEN];
	unsigned mtu;

	if (option != DHCP_OPTION_MTU || len != sizeof(value) ||
	    pbuf_copy_partial(p, value, sizeof(value), at) != sizeof(value))
		return;
	mtu = value[0] * 256u + value[1];
	netif->mtu = (u16_t)MIN(MAX(mtu, MTU_MIN), (unsigned)mtu_limit);
}

static err_t netif_setup(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->mtu = mtu_limit;
	netif->hwaddr_len = sizeof(nic->mac);
	memcpy(netif->hwaddr, nic->mac, sizeof(nic->mac));
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	netif->output = output;
	netif->linkoutput = link_output;
	if (nic->tx_csum)
		netif->chksum_flags &= (u16_t)~NETIF_CHECKSUM_GEN_TCP;
	return ERR_OK;
}

static err_t never_input(struct pbuf *p, struct netif *netif)
{
	panic("net: frame by way of netif->input");
}

void port_netif_init(struct netdev *dev, uint16_t mtu, const char *hostname)
{
	nic = dev;
	mtu_limit = MIN(dev->mtu, mtu);
	lent = mem_take(dev->rx_count * sizeof(*lent));
	if (!lent)
		panic("net: no memory for %u frames", dev->rx_count);
	pool_init(&rx_small, "net_rx_small", sizeof(struct copy) + SMALL_MAX, port_limits.rx_small);
	pool_init(&rx_big, "net_rx_big", sizeof(struct copy) + NETDEV_FRAME_MAX, port_limits.rx_big);
	icmp_errors_left = ICMP_ERRORS_PER_SECOND;
	if (!netif_add_noaddr(&port_netif, NULL, netif_setup, never_input))
		panic("net: interface");
	netif_set_hostname(&port_netif, hostname);
	netif_set_default(&port_netif);
	netif_set_up(&port_netif);
	if (dev->ops->link(dev))
		netif_set_link_up(&port_netif);
}
