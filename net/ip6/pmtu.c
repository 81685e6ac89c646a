/* SPDX-License-Identifier: MIT */
/* Path MTU discovery (RFC 8201). A router that cannot pass a packet on quotes it; only a quotation
 * of what a connection of ours has under way is believed (RFC 5927), for others cannot know its
 * sequence numbers, and nothing below the least MTU there is. From then on the connection sends
 * smaller segments; those under way go out again in fragments, whose sums no device can make. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip6.h>

#include "kernel/kernel.h"
#include "net/ip6/impl.h"
#include "net/port/bytes.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define QUOTE 8u                       /* where the packet quoted begins */
#define HEADERS (IP6_HLEN + 20u)       /* of a segment */
#define FRAGMENT_HLEN 8u
#define LEAST 1280u

static ip_addr_t address_at(const uint8_t *p)
{
	struct addr a;

	memcpy(a.word, p, sizeof(a.word));
	return ip_of_addr(&a);
}

/* The connection of a quoted packet, `tcp` its TCP header, when it has that under way. */
static struct tcp_pcb *sender(const uint8_t *ip, const uint8_t *tcp)
{
	ip_addr_t local = address_at(ip + 8), remote = address_at(ip + 24);
	u16_t local_port = be16(tcp), remote_port = be16(tcp + 2);
	struct tcp_pcb *pcb = bucket_active(bucket_of(&remote, remote_port, local_port));

	while (pcb && (pcb->remote_port != remote_port || pcb->local_port != local_port ||
		       !ip_addr_eq(&pcb->remote_ip, &remote) ||
		       !ip_addr_eq(&pcb->local_ip, &local)))
		pcb = pcb->next;
	return pcb && TCP_SEQ_BETWEEN(be32(tcp + 4), pcb->lastack, pcb->snd_nxt) ? pcb : NULL;
}

bool pmtu_hear(const uint8_t *icmp, unsigned len)
{
	const uint8_t *ip = icmp + QUOTE, *tcp = ip + IP6_HLEN;
	struct tcp_pcb *pcb;
	uint32_t mtu;

	if (len < QUOTE + IP6_HLEN + FRAGMENT_HLEN + 8)
		return false;
	mtu = be32(icmp + 4);
	if (ip[6] == IP6_NEXTH_FRAGMENT && tcp[0] == IP6_NEXTH_TCP && be16(tcp + 2) < 8)
		tcp += FRAGMENT_HLEN;
	else if (ip[6] != IP6_NEXTH_TCP)
		return false;
	if (mtu < LEAST || mtu >= port_netif.mtu6)
		return false;
	pcb = sender(ip, tcp);
	if (!pcb)
		return false;
	pcb->mss = (u16_t)MIN(pcb->mss, mtu - HEADERS);
	port_netif.chksum_flags |= NETIF_CHECKSUM_GEN_TCP;
	COUNT(N_PMTU);
	return true;
}
