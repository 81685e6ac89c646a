/* SPDX-License-Identifier: MIT */
/* lwIP's timers, without lwIP's timer list: each runs only while it has
 * something to do, so that an idle machine sleeps, and TCP's are spread over
 * the buckets, so that ten thousand connections make no burst.
 *
 * TCP (RFC 9293 §3.8, RFC 1122 §4.2.3.2): the slow timer visits each bucket that
 * has something to time, twice a second, an eighth of them at a time when there
 * are many connections; the fast timer visits, four times a second, only buckets
 * that hold a delayed ACK or a FIN to be sent.
 *
 * tcp_slowtmr() and tcp_fasttmr() skip a pcb whose last_timer equals lwIP's
 * hidden 8-bit count of their calls. The count is mirrored here, and the pcbs
 * of a bucket are given the value before the call's, so that none is skipped
 * when the count has gone round. */
#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ip4_frag.h>
#include <lwip/priv/tcp_priv.h>

#include "net/dns.h"
#include "net/ip6/ip6.h"
#include "net/port/buckets.h"
#include "net/port/port.h"

#define SLOW MILLIS(TCP_SLOW_INTERVAL)
#define FAST MILLIS(TCP_FAST_INTERVAL)
#define SECOND SECONDS(1)
#define SLICES 8u
#define FEW_PCBS 128u
#define RTO_MAX (60000 / TCP_SLOW_INTERVAL)    /* RFC 6298 §2.5; lwIP's is 4 hours */

ktime port_due;

static ktime slow_due = FOREVER, fast_due = FOREVER, dhcp_due = FOREVER, second_due;
static unsigned slice;                 /* the next eighth of the buckets */
static u32_t ticks;                    /* what tcp_ticks is between calls */
static u8_t calls;                     /* mirror of lwIP's tcp_timer_ctr */

static void make_due(struct tcp_pcb *pcb)
{
	for (; pcb; pcb = pcb->next) {
		pcb->last_timer = calls;
		if (pcb->rto > RTO_MAX)
			pcb->rto = RTO_MAX;
	}
}

/* False while a visit of the slow timer would only look at the pcb: it is idle
 * and its keep-alive probe is not due. */
static bool wants_slow(const struct tcp_pcb *pcb)
{
	return (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT) || pcb->unsent ||
	       pcb->unacked || pcb->ooseq || pcb->persist_backoff ||
	       (ticks - pcb->tmr) >= pcb->keep_idle / TCP_SLOW_INTERVAL;
}

static bool expires(const struct tcp_pcb *pcb)
{
	return ticks - pcb->tmr > 2 * TCP_MSL / TCP_SLOW_INTERVAL;
}

static void slow_bucket(unsigned b)
{
	const struct tcp_pcb *active = buckets[b].active, *old = buckets[b].time_wait;

	while (active && !wants_slow(active))
		active = active->next;
	while (old && !expires(old))
		old = old->next;
	if (!active && !old)
		return;
	make_due(buckets[b].active);
	bucket_load(b);
	tcp_ticks = ticks - 1;
	calls++;
	tcp_slowtmr();
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		port_in_vain(pcb);
	bucket_store();
}

static void slow_slice(void)
{
	unsigned words = (bucket_count() + 63) / 64;

	if (slice == 0)
		tcp_ticks = ++ticks;
	for (unsigned w = slice; w < words; w += SLICES)
		for (uint64_t bits = buckets_used[w]; bits; bits &= bits - 1)
			slow_bucket(w * 64 + (unsigned)__builtin_ctzll(bits));
	slice = (slice + 1) % SLICES;
}

static void slow_timer(ktime now)
{
	ktime step = SLOW / SLICES;

	if (slow_due == FOREVER) {
		if (port_pcbs() > 0)
			slow_due = now + SLOW;
		return;
	}
	if (now < slow_due)
		return;
	if (slice == 0 && port_pcbs() <= FEW_PCBS) {
		do
			slow_slice();
		while (slice != 0);
		step = SLOW;
	} else {
		slow_slice();
	}
	/* After a pause of the machine the time lost is not made up for. */
	slow_due = MAX(slow_due + step, now + step / 2);
	if (slice == 0 && port_pcbs() == 0)
		slow_due = FOREVER;
}

static void fast_bucket(unsigned b)
{
	make_due(buckets[b].active);
	bucket_load(b);
	calls++;
	tcp_fasttmr();
	bucket_store();
}

static void fast_timer(ktime now)
{
	bool again = false;

	if (fast_due == FOREVER) {
		if (port_pcbs() > 0)
			fast_due = now + FAST;
		return;
	}
	if (now < fast_due)
		return;
	for (unsigned w = 0; w < (bucket_count() + 63) / 64; w++) {
		for (uint64_t bits = buckets_hot[w]; bits; bits &= bits - 1)
			fast_bucket(w * 64 + (unsigned)__builtin_ctzll(bits));
		again |= buckets_hot[w] != 0;
	}
	fast_due = again || port_pcbs() > 0 ? now + FAST : FOREVER;
}

static bool dhcp_waits(void)
{
	const struct dhcp *dhcp = netif_dhcp_data(&port_netif);

	return dhcp && dhcp->request_timeout > 0;
}

static void dhcp_timer(ktime now)
{
	if (now >= dhcp_due)
		dhcp_fine_tmr();
	else if (dhcp_due != FOREVER)
		return;
	dhcp_due = dhcp_waits() ? now + MILLIS(DHCP_FINE_TIMER_MSECS) : FOREVER;
}

ktime port_timers(ktime now)
{
	slow_timer(now);
	fast_timer(now);
	dhcp_timer(now);
	if (now >= second_due) {
		ip_reass_tmr();
		etharp_tmr();
		dns_tick();
		ip6_tick();
		port_netif_tick();
		port_gate_tick();
		dhcp_coarse_tmr();
		second_due = now + SECOND;
	}
	return MIN(MIN(MIN(slow_due, fast_due), MIN(second_due, dhcp_due)), ip6_timers(now));
}
