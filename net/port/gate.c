/* SPDX-License-Identifier: MIT */
/* What TCP's peers can make lwIP do: the checks of RFC 9293 §3.10.7 that lwIP
 * leaves out, and who has to go when there is no room.
 *
 *  - A SYN for a connection in TIME_WAIT opens a new one when its sequence
 *    number or timestamp is newer (RFC 9293 §3.10.7.4, RFC 1122 §4.2.2.13,
 *    RFC 6191); otherwise it is acknowledged, never reset.
 *  - ACKs that only challenge a SYN, RST or odd ACK are few (RFC 5961 §7).
 *  - A segment of a synchronized connection without ACK is dropped; one whose
 *    ACK is out of range is answered with an ACK and dropped (RFC 5961 §5).
 *  - One with an older timestamp than seen is treated the same (RFC 7323 §5).
 *  - A connection that the protocol has closed is forgotten after two minutes,
 *    whatever its peer does to keep it.
 *  - When pcbs run out, the oldest in TIME_WAIT goes first, then the oldest that
 *    is closing with nobody waiting for it, then the oldest half-open one. More
 *    than port_limits.half_open handshakes are never under way: the oldest goes,
 *    so that a flood of SYNs takes nothing from those who finish theirs. */

#include "kernel/random.h"

#include <lwip/opt.h>

#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/tcp.h>

#include "net/port/bytes.h"
#include "net/port/hooks.h"
#include "net/port/port.h"

#define TS_OPTION 8u
#define TS_LEN 10u
#define CLOSING_MAX (120000u / TCP_SLOW_INTERVAL)

/* RFC 5961 §7: this many challenge ACKs a second, and a random number more, so
 * that nobody can tell by counting whether another got one. */
#define CHALLENGES_MIN 64u
#define CHALLENGES_RANDOM 63u

/* The parts of a received segment's headers that are looked at here. */
struct syn {
	const ip_addr_t *remote, *local;
	u16_t remote_port, local_port; /* host order */
	u32_t seq;
	const u8_t *options;
	unsigned optlen;
};

static unsigned challenges_left = CHALLENGES_MIN;

/* Finds the timestamp (RFC 7323 §3.2) among a header's options. */
static bool timestamp(const u8_t *o, unsigned len, u32_t *value)
{
	if (len >= 12 && o[0] == 1 && o[1] == 1 && o[2] == TS_OPTION && o[3] == TS_LEN) {
		*value = be32(o + 4);
		return true;
	}
	for (unsigned i = 0; i < len && o[i] != 0;) {
		if (o[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || o[i + 1] < 2 || i + o[i + 1] > len)
			return false;
		if (o[i] == TS_OPTION && o[i + 1] == TS_LEN) {
			*value = be32(o + i + 2);
			return true;
		}
		i += o[i + 1];
	}
	return false;
}

bool port_listening(u16_t port)
{
	const struct tcp_pcb_listen *l = tcp_listen_pcbs.listen_pcbs;

	while (l && l->local_port != port)
		l = l->next;
	return l != NULL;
}

static struct tcp_pcb *find(struct tcp_pcb *pcb, const struct syn *s)
{
	while (pcb && (pcb->remote_port != s->remote_port || pcb->local_port != s->local_port ||
		       !ip_addr_eq(&pcb->remote_ip, s->remote) ||
		       !ip_addr_eq(&pcb->local_ip, s->local)))
		pcb = pcb->next;
	return pcb;
}

bool port_make_room(void)
{
	static const struct { enum pcb_age age; enum net_count count; } order[] = {
		{ AGE_TIME_WAIT, N_TIME_WAIT_RECYCLED },
		{ AGE_CLOSING, N_CLOSING_DROPPED },
		{ AGE_HALF_OPEN, N_HALF_OPEN_DROPPED },
	};

	for (unsigned i = 0; i < ARRAY_LEN(order) && !port_pcb_free(); i++) {
		struct tcp_pcb *pcb = pcb_oldest(order[i].age);

		if (pcb) {
			pcb_drop(pcb);
			COUNT(order[i].count);
		}
	}
	return port_pcb_free();
}

/* Whether the connection in TIME_WAIT may make way for this SYN. */
static bool newer(const struct tcp_pcb *old, const struct syn *s)
{
	u32_t ts;

	if (TCP_SEQ_GEQ(s->seq, old->rcv_nxt))
		return true;
	return (old->flags & TF_TIMESTAMP) && timestamp(s->options, s->optlen, &ts) &&
	       TCP_SEQ_GT(ts, old->ts_recent);
}

/* A SYN for a port that is listened on: true when lwIP may have it. */
static bool admit(unsigned b, const struct syn *s)
{
	struct tcp_pcb *old;

	if (find(bucket_active(b), s))
		return true;
	old = find(bucket_time_wait(b), s);
	if (old) {
		if (!newer(old, s))
			return true;
		port_isn_floor(old->snd_nxt);
		pcb_drop(old);
		COUNT(N_TIME_WAIT_REOPENED);
	}
	COUNT(N_SYN);
	if (pcb_count(AGE_HALF_OPEN) >= port_limits.half_open) {
		pcb_drop(pcb_oldest(AGE_HALF_OPEN));
		COUNT(N_HALF_OPEN_DROPPED);
	}
	if (port_make_room())
		return true;
	COUNT(N_SYN_REFUSED);
	return false;
}

/* `tcp` points into p's first buffer, which begins there (`at_tcp`: lwIP's own look at the IP
 * header is left out, for the caller has had it) or with the IP header. Both addresses are in
 * ip_data. */
static void input(struct pbuf *p, const u8_t *tcp, bool at_tcp)
{
	const ip_addr_t *remote = &ip_data.current_iphdr_src;
	unsigned b = bucket_of(remote, be16(tcp), be16(tcp + 2));
	unsigned flags = tcp[13] & (TCP_SYN | TCP_ACK | TCP_RST);
	struct tcp_pcb *was;

	if (flags == TCP_SYN && port_listening(be16(tcp + 2))) {
		unsigned hlen = (tcp[12] >> 4) * 4u;
		struct syn s = {
			.remote = remote, .local = &ip_data.current_iphdr_dest,
			.remote_port = be16(tcp), .local_port = be16(tcp + 2),
			.seq = be32(tcp + 4), .options = tcp + TCP_HLEN,
		};

		if (hlen > TCP_HLEN && tcp + hlen <= (const u8_t *)p->payload + p->len)
			s.optlen = hlen - TCP_HLEN;
		if (!admit(b, &s)) {
			pbuf_free(p);
			return;
		}
	}

	bucket_load(b);
	was = flags == TCP_SYN ? tcp_active_pcbs : tcp_tw_pcbs;
	if (at_tcp)
		tcp_input(p, &port_netif);
	else
		ip_input(p, &port_netif);
	if (flags == TCP_SYN) {
		if (tcp_active_pcbs != was && tcp_active_pcbs && tcp_active_pcbs->state == SYN_RCVD)
			pcb_set_age(tcp_active_pcbs, AGE_HALF_OPEN);
	} else if (tcp_tw_pcbs != was && tcp_tw_pcbs) {
		pcb_set_age(tcp_tw_pcbs, AGE_TIME_WAIT);
	}
	bucket_store();
}

void port_tcp_input(struct pbuf *p, unsigned l4)
{
	input(p, (const u8_t *)p->payload + l4, false);
}

void port_tcp_segment(struct pbuf *p)
{
	ip_data.current_netif = ip_data.current_input_netif = &port_netif;
	input(p, p->payload, true);
}

void port_stop_listening(void)
{
	tcp_listen_pcbs.listen_pcbs = NULL;
}

void port_gate_tick(void)
{
	struct tcp_pcb *pcb;

	while ((pcb = pcb_oldest(AGE_CLOSING)) && tcp_ticks - pcb->tmr > CLOSING_MAX) {
		pcb_drop(pcb);
		COUNT(N_CLOSING_DROPPED);
	}
	challenges_left = CHALLENGES_MIN + (random_u32() & CHALLENGES_RANDOM);
}

/* ---- Hook: the pcb is found, nothing has been done with the segment --------------- */

/* True when one more ACK may be sent that only answers something odd. */
static bool may_challenge(void)
{
	if (challenges_left > 0) {
		challenges_left--;
		return true;
	}
	COUNT(N_CHALLENGES_LIMITED);
	return false;
}

static err_t refuse(struct tcp_pcb *pcb, enum net_count why)
{
	COUNT(why);
	if (may_challenge())
		tcp_send_empty_ack(pcb);
	return ERR_VAL;
}

static bool ack_acceptable(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr)
{
	return !TCP_SEQ_GT(hdr->ackno, pcb->snd_nxt) &&
	       !TCP_SEQ_LT(hdr->ackno, pcb->lastack - pcb->snd_wnd_max);
}

err_t port_segment(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen, u16_t opt1len,
		   u8_t *opt2, struct pbuf *p)
{
	u8_t flags = TCPH_FLAGS(hdr);
	u32_t ts;

	if (pcb->state < ESTABLISHED)
		return ERR_OK;
	/* These lwIP answers itself with an ACK, unless it is spared the segment. */
	if (flags & TCP_RST)
		return hdr->seqno == pcb->rcv_nxt || may_challenge() ? ERR_OK : ERR_VAL;
	if (flags & TCP_SYN)
		return may_challenge() ? ERR_OK : ERR_VAL;
	if (!(flags & TCP_ACK))
		return ERR_VAL;
	if (!ack_acceptable(pcb, hdr))
		return refuse(pcb, N_BAD_ACK);
	if ((pcb->flags & TF_TIMESTAMP) && opt1len >= 12 &&
	    timestamp((const u8_t *)(hdr + 1), opt1len, &ts) && TCP_SEQ_LT(ts, pcb->ts_recent))
		return refuse(pcb, N_PAWS);
	/* While memory is short, only those get more who have taken what they have. */
	if ((p->tot_len > 0 || (flags & TCP_FIN)) && port_rx_short() &&
	    (TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt) || pcb->rcv_wnd < TCP_WND / 2))
		return ERR_VAL;
	return ERR_OK;
}
