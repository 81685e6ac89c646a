/* SPDX-License-Identifier: MIT */
/* lwIP's one interface over the NIC (net/netdev.h), and what it sends. Packets
 * are copied once, straight into the device's buffer, behind an Ethernet header
 * that is remembered for each neighbour. The checksum of TCP is left to the
 * device where it offers that; IP ids are random (RFC 6864 lets them be). */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/etharp.h>
#include <lwip/icmp.h>
#include <lwip/netif.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "net/routes.h"
#include "net/ip6/ip6.h"
#include "net/port/bytes.h"
#include "net/port/hooks.h"
#include "net/port/port.h"

#define ETH SIZEOF_ETH_HDR
#define TYPE_IP PP_HTONS(ETHTYPE_IP)
#define TYPE_IPV6 PP_HTONS(ETHTYPE_IPV6)
#define TCP_CHECKSUM_AT 16u
#define ICMP_ERRORS_PER_SECOND 100u    /* RFC 1812 §4.3.2.8 */
#define NEIGHBOURS BUDGET_NEIGHBOURS

/* The Ethernet header for an address, learned from what etharp_output() sends;
 * forgotten whenever ARP may have changed its mind. */
struct neighbour {
	struct addr ip;
	bool known;
	uint8_t header[ETH];
};

struct netif port_netif;
struct netdev *port_nic;

static struct neighbour neighbours[NEIGHBOURS];
static const struct addr *learning;    /* what is being resolved */
static unsigned icmp_errors_left;
uint16_t port_mtu_limit;

static uint16_t fold(u32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* ---- Sending ---------------------------------------------------------------- */

#define LEAST_PATH 576         /* bytes of a packet that pmtu.c goes down to */

/* Gives the packet an id that tells nothing; fragments keep theirs. TCP is not to be fragmented on
 * its way (RFC 1191), nor here: pmtu.c; but for what no path is asked to carry whole. */
static void set_id(uint8_t *ip)
{
	uint16_t old = load16(ip + 4), id;

	if (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF))
		return;
	if (ip[9] == IP_PROTO_TCP && !(ip[6] & 0x40) && lwip_ntohs(load16(ip + 2)) > LEAST_PATH) {
		ip[6] |= 0x40;
		store16(ip + 10, (uint16_t)~fold((u32_t)(uint16_t)~load16(ip + 10) +
						 PP_HTONS(IP_DF)));
	}
	id = port_random16();
	store16(ip + 4, id);
	/* RFC 1624 eqn. 3 */
	store16(ip + 10, (uint16_t)~fold((u32_t)(uint16_t)~load16(ip + 10) +
					 (uint16_t)~old + id));
}

/* The checksum that the device is to finish (virtio 1.2 §5.1.6.2); fragments of IPv6 are not TCP
 * to it. */
static struct tx_csum offload(uint8_t *ip, size_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	unsigned hlen = v6 ? IP6_HLEN : ip_hlen(ip);
	u32_t sum = PP_HTONS(IP_PROTO_TCP) + lwip_htons((uint16_t)(len - hlen));

	if (!port_nic->tx_csum || ip[v6 ? 6 : 9] != IP_PROTO_TCP ||
	    (port_netif.chksum_flags & NETIF_CHECKSUM_GEN_TCP) ||
	    (!v6 && (load16(ip + 6) & PP_HTONS(IP_OFFMASK | IP_MF))))
		return (struct tx_csum){ 0, 0 };
	for (unsigned at = v6 ? 8 : 12; at < (v6 ? 40u : 20u); at += 2)
		sum += load16(ip + at);
	if (v6 && port_nic->tx_csum_ip4) {
		store16(ip + hlen + TCP_CHECKSUM_AT, 0);
		sum += LWIP_CHKSUM(ip + hlen, (int)(len - hlen));
		store16(ip + hlen + TCP_CHECKSUM_AT, (uint16_t)~fold(sum));
		return (struct tx_csum){ 0, 0 };
	}
	store16(ip + hlen + TCP_CHECKSUM_AT, fold(sum));
	return (struct tx_csum){ (uint16_t)(ETH + hlen), TCP_CHECKSUM_AT };
}

static bool icmp_allowed(const uint8_t *ip)
{
	if (ip[9] != IP_PROTO_ICMP || (load16(ip + 6) & PP_HTONS(IP_OFFMASK)) ||
	    ip[ip_hlen(ip)] == ICMP_ER)
		return true;
	return port_icmp_error_allowed();
}

bool port_icmp_error_allowed(void)
{
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

	if (len > (size_t)port_nic->mtu + ETH || len <= ETH) {
		COUNT(N_TX_DROPPED);
		return ERR_BUF;
	}
	buf = port_nic->ops->tx_get(port_nic);
	if (!buf) {
		port_nic->ops->flush(port_nic);
		buf = port_nic->ops->tx_get(port_nic);
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
	} else if (load16(buf + 12) == TYPE_IPV6) {
		if (!ip6_may_send(buf + ETH))
			return ERR_OK;
		csum = offload(buf + ETH, len - ETH);
	}
	port_nic->ops->tx_put(port_nic, len, csum);
	COUNT(N_TX_FRAMES);
	return ERR_OK;
}

static struct neighbour *neighbour(const struct addr *ip)
{
	u32_t h = addr_as_ip4(ip);

	return &neighbours[(h ^ h >> 8 ^ h >> 16 ^ h >> 24) % NEIGHBOURS];
}

void port_forget_neighbours(void)
{
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		neighbours[i].known = false;
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	const uint8_t *eth = p->payload;

	if (learning && p->len >= ETH && !(eth[0] & 1) &&
	    load16(eth + 12) == (addr_is_ip4(learning) ? TYPE_IP : TYPE_IPV6)) {
		struct neighbour *n = neighbour(learning);

		n->ip = *learning;
		n->known = true;
		__builtin_memcpy(n->header, eth, ETH);
	}
	return send(NULL, p);
}

bool port_output(struct pbuf *p, const struct addr *to, err_t *err)
{
	const struct neighbour *n = neighbour(to);

	if (n->known && addr_equal(&n->ip, to)) {
		*err = send(n->header, p);
		return true;
	}
	learning = to;
	return false;
}

err_t port_resolved(err_t err)
{
	learning = NULL;
	return err;
}

static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	struct addr a = addr_ip4(to->addr);
	ip4_addr_t next = *to;
	err_t err;

	if (port_output(p, &a, &err))
		return err;
	if (!routes_reach(to->addr))
		return port_resolved(ERR_RTE);
	if (ip4_addr_islinklocal(to))          /* neighbours for lwIP, whatever route there is */
		routes_hop(to->addr, &next.addr);
	return port_resolved(etharp_output(netif, p, &next));
}

void port_flush(void)
{
	port_nic->ops->flush(port_nic);
}

/* ---- The interface ---------------------------------------------------------- */

static void set_link(void)
{
	bool up = port_nic->ops->link(port_nic);

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
	port_forget_neighbours();
	icmp_errors_left = ICMP_ERRORS_PER_SECOND;
	set_link();
}

static err_t netif_setup(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->mtu = port_mtu_limit;
	netif->hwaddr_len = sizeof(port_nic->mac);
	memcpy(netif->hwaddr, port_nic->mac, sizeof(port_nic->mac));
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	netif->output = output;
	netif->linkoutput = link_output;
	ip6_setup(netif);
	if (port_nic->tx_csum)
		netif->chksum_flags &= (u16_t)~NETIF_CHECKSUM_GEN_TCP;
	return ERR_OK;
}

static err_t never_input(struct pbuf *p, struct netif *netif)
{
	panic("net: frame by way of netif->input");
}

void port_netif_init(struct netdev *dev, uint16_t mtu, const char *hostname)
{
	port_nic = dev;
	port_mtu_limit = MIN(dev->mtu, mtu);
	port_input_init();
	icmp_errors_left = ICMP_ERRORS_PER_SECOND;
	if (!netif_add_noaddr(&port_netif, NULL, netif_setup, never_input))
		panic("net: interface");
	netif_set_hostname(&port_netif, hostname);
	netif_set_default(&port_netif);
	netif_set_up(&port_netif);
	if (dev->ops->link(dev))
		netif_set_link_up(&port_netif);
}
