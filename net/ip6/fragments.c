/* SPDX-License-Identifier: MIT */
/* Fragments put together: RFC 8200 §4.5, RFC 5722.
 *
 * lwIP drops a piece that overlaps what it has and keeps the rest; here all of such a packet is
 * discarded, what is still to come included, and nobody is told; the same where it is longer than a
 * packet can be. A piece that comes twice is no overlap. There is room for BUDGET_DATAGRAMS packets
 * and BUDGET_FRAGMENTS pieces of all of them; the oldest packet makes room.
 *
 * Outside: runs in the net loop. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/icmp6.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip6.h>

#include "kernel/kernel.h"
#include "net/ip6/impl.h"
#include "net/port/bytes.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define PATIENCE SECONDS(IP_REASS_MAXAGE)
#define FRAGMENT_HLEN 8u
#define SOURCE 8u                      /* where the addresses are in a header */
#define DESTINATION 24u

struct datagram {
	struct addr from, to;
	uint32_t id;
	ktime born;                    /* 0: free */
	unsigned at, named_at;         /* of the first piece: its fragment header, who names it */
	unsigned have, end;            /* bytes in hand, and in all; 0: not known yet */
	bool doomed;                   /* whatever comes of it is dropped */
};

struct piece {
	struct pbuf *p;                /* the first from its IP header on; NULL: free */
	struct datagram *of;
	unsigned start, end;
};

static struct datagram datagrams[BUDGET_DATAGRAMS];
static struct piece pieces[BUDGET_FRAGMENTS];

static void drop_pieces(const struct datagram *d)
{
	for (struct piece *q = pieces; q < pieces + ARRAY_LEN(pieces); q++) {
		if (!q->p || q->of != d)
			continue;
		pbuf_free(q->p);
		q->p = NULL;
	}
}

static struct piece *piece_at(const struct datagram *d, unsigned start)
{
	for (struct piece *q = pieces; q < pieces + ARRAY_LEN(pieces); q++)
		if (q->p && q->of == d && q->start == start)
			return q;
	return NULL;
}

static void doom(struct datagram *d)
{
	drop_pieces(d);
	d->doomed = true;
}

static void give_up(struct datagram *d)
{
	drop_pieces(d);
	d->born = 0;
}

/* The one that came first, but not this one; NULL: there is none. */
static struct datagram *oldest_but(const struct datagram *spared)
{
	struct datagram *oldest = NULL;

	for (struct datagram *d = datagrams; d < datagrams + ARRAY_LEN(datagrams); d++)
		if (d != spared && d->born && (!oldest || d->born < oldest->born))
			oldest = d;
	return oldest;
}

static struct datagram *datagram_of(const uint8_t *ip, unsigned at)
{
	struct datagram wanted = { .id = load32(ip + at + 4), .born = clock_now() }, *free = NULL;

	memcpy(&wanted.from, ip + SOURCE, sizeof(wanted.from));
	memcpy(&wanted.to, ip + DESTINATION, sizeof(wanted.to));
	for (struct datagram *d = datagrams; d < datagrams + ARRAY_LEN(datagrams); d++) {
		if (!d->born)
			free = d;
		else if (d->id == wanted.id && addr_equal(&d->from, &wanted.from) &&
			 addr_equal(&d->to, &wanted.to))
			return d;
	}
	if (!free) {
		free = oldest_but(NULL);
		give_up(free);
	}
	*free = wanted;
	return free;
}

/* Room for one more piece of d: NULL when no other is as old, and d has made it. */
static struct piece *room_for(struct datagram *d)
{
	for (;;) {
		struct datagram *oldest;

		for (struct piece *q = pieces; q < pieces + ARRAY_LEN(pieces); q++)
			if (!q->p)
				return q;
		oldest = oldest_but(d);
		if (!oldest || oldest->born > d->born) {
			doom(d);
			return NULL;
		}
		give_up(oldest);
	}
}

enum fit { NEW, AGAIN, CLASH };

static enum fit fits(const struct datagram *d, unsigned start, unsigned end, bool last)
{
	if (d->end && (end > d->end || (last && end != d->end)))
		return CLASH;
	for (const struct piece *q = pieces; q < pieces + ARRAY_LEN(pieces); q++) {
		if (!q->p || q->of != d)
			continue;
		if (start == q->start && end == q->end)
			return AGAIN;
		if ((start < q->end && q->start < end) || (last && q->end > end))
			return CLASH;
	}
	return NEW;
}

/* All of d in one chain, without the fragment headers; d is no more. */
static struct pbuf *join(struct datagram *d)
{
	struct piece *q = piece_at(d, 0);
	struct pbuf *p = q->p;
	uint8_t *ip = p->payload;

	ip[d->named_at] = ip[d->at];
	memmove(ip + FRAGMENT_HLEN, ip, d->at);
	pbuf_remove_header(p, FRAGMENT_HLEN);
	q->p = NULL;
	for (unsigned at = q->end; at < d->end; at = q->end) {
		q = piece_at(d, at);
		pbuf_cat(p, q->p);
		q->p = NULL;
	}
	store16((uint8_t *)p->payload + 4, lwip_htons((u16_t)(p->tot_len - IP6_HLEN)));
	d->born = 0;
	return p;
}

static void keep(struct datagram *d, struct piece *q, struct pbuf *p, unsigned at)
{
	if (q->start > 0)
		pbuf_remove_header(p, at + FRAGMENT_HLEN);
	q->p = p;
	q->of = d;
	d->have += q->end - q->start;
}

struct pbuf *fragments_add(struct pbuf *p, unsigned at, unsigned named_at)
{
	const uint8_t *ip = p->payload;
	unsigned word = be16(ip + at + 2), start = word & IP6_FRAG_OFFSET_MASK;
	unsigned end = start + p->tot_len - at - FRAGMENT_HLEN;
	bool last = !(word & IP6_FRAG_MORE_FLAG);
	struct datagram *d = datagram_of(ip, at);
	enum fit fit = d->doomed ? AGAIN : fits(d, start, end, last);
	struct piece *q = NULL;

	if (fit == CLASH || at + end > UINT16_MAX) {
		doom(d);
	} else if (fit == NEW) {
		q = room_for(d);
	}
	if (!q) {
		COUNT(N_RX_IGNORED);
		pbuf_free(p);
		return NULL;
	}
	q->start = start;
	q->end = end;
	keep(d, q, p, at);
	if (start == 0) {
		d->at = at;
		d->named_at = named_at;
	}
	if (last)
		d->end = end;
	if (!d->end || d->have != d->end)
		return NULL;
	if (d->at + d->end <= UINT16_MAX)
		return join(d);
	doom(d);                       /* the first piece has more in front than this one */
	COUNT(N_RX_IGNORED);
	return NULL;
}

static bool is_multicast(const struct addr *a)
{
	return *(const uint8_t *)a->word == 0xff;
}

/* Whoever sent the first piece of what was never whole is told (RFC 8200 §4.5), if it is one node
 * that wrote to one (RFC 4443 §2.4). */
static void expire(struct datagram *d)
{
	bool tell = !addr_is_none(&d->from) && !is_multicast(&d->from) && !is_multicast(&d->to);
	struct piece *first = tell ? piece_at(d, 0) : NULL;
	ip6_addr_t from = ip6_of_addr(&d->from), to = ip6_of_addr(&d->to);

	if (first)
		icmp6_time_exceeded_with_addrs(first->p, ICMP6_TE_FRAG, &from, &to);
	give_up(d);
}

void fragments_tick(void)
{
	ktime now = clock_now();

	for (struct datagram *d = datagrams; d < datagrams + ARRAY_LEN(datagrams); d++)
		if (d->born && now - d->born >= PATIENCE)
			expire(d);
}
