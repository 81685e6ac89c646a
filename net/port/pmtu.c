/* SPDX-License-Identifier: MIT */
/* Path MTU discovery for TCP (RFC 1191, RFC 8201). Segments carry no leave to be fragmented; where
 * one does not fit through, the router says so and the connection's segments become smaller, those
 * under way included, which are cut and sent again at once.
 *
 * A router is believed only when it quotes what the connection has under way (RFC 5927): others
 * cannot know its sequence numbers. Where routers are silent (RFC 4821), a connection that has sent
 * the same twice in vain tries with what fits everywhere. */
#include "kernel/kernel.h"

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>

#include "net/port/bytes.h"
#include "net/port/port.h"

#define LEAST4 576u                    /* what every path takes: RFC 1122 §3.3.3, RFC 8200 §5 */
#define LEAST6 1280u
#define HEADERS4 40u                   /* of IP and TCP */
#define HEADERS6 60u
#define IN_VAIN 2

static unsigned headers(const struct tcp_pcb *pcb)
{
	return IP_IS_V6_VAL(pcb->remote_ip) ? HEADERS6 : HEADERS4;
}

static unsigned least(const struct tcp_pcb *pcb)
{
	return IP_IS_V6_VAL(pcb->remote_ip) ? LEAST6 : LEAST4;
}

/* Cuts what waits to be sent; without memory for all, the rest stays as it is, and is cut when it
 * has been in vain again. */
static void cut(struct tcp_pcb *pcb)
{
	struct tcp_seg *first = pcb->unsent;

	for (struct tcp_seg *seg = first; seg; seg = seg->next) {
		unsigned size = pcb->mss - (LWIP_TCP_OPT_LENGTH(seg->flags));

		pcb->unsent = seg;             /* lwIP cuts only the first */
		if (seg->len > size && tcp_split_unsent_seg(pcb, (u16_t)size) != ERR_OK)
			break;
	}
	pcb->unsent = first;
}

static void lower(struct tcp_pcb *pcb, unsigned mtu)
{
	u8_t times = pcb->nrtx;
	bool again;

	pcb->mss = (u16_t)MIN(pcb->mss, mtu - headers(pcb));
	again = tcp_rexmit_rto_prepare(pcb) == ERR_OK;
	cut(pcb);
	if (again)
		tcp_rexmit_rto_commit(pcb);
	pcb->nrtx = times;                     /* that was nobody's silence */
	COUNT(N_PMTU);
}

void port_too_big(const ip_addr_t *local, const ip_addr_t *remote, const uint8_t *tcp,
		  uint32_t mtu)
{
	u16_t local_port = be16(tcp), remote_port = be16(tcp + 2);
	struct tcp_pcb *pcb = bucket_active(bucket_of(remote, remote_port, local_port));

	while (pcb && (pcb->remote_port != remote_port || pcb->local_port != local_port ||
		       !ip_addr_eq(&pcb->remote_ip, remote) ||
		       !ip_addr_eq(&pcb->local_ip, local)))
		pcb = pcb->next;
	if (pcb && pcb->unacked && mtu >= least(pcb) && mtu < pcb->mss + headers(pcb) &&
	    TCP_SEQ_BETWEEN(be32(tcp + 4), pcb->lastack, pcb->snd_nxt))
		lower(pcb, mtu);
}

void port_link_narrowed(bool ip6, unsigned mtu)
{
	for (unsigned b = 0; b < bucket_count(); b++)
		for (struct tcp_pcb *pcb = bucket_active(b); pcb; pcb = pcb->next)
			if (!!IP_IS_V6_VAL(pcb->remote_ip) == ip6 &&
			    pcb->mss + headers(pcb) > MAX(mtu, least(pcb)))
				lower(pcb, MAX(mtu, least(pcb)));
}

void port_in_vain(struct tcp_pcb *pcb)
{
	const struct tcp_seg *seg = pcb->unacked ? pcb->unacked : pcb->unsent;

	if (pcb->nrtx == IN_VAIN && seg && seg->len + headers(pcb) > least(pcb))
		lower(pcb, least(pcb));
}
