/* SPDX-License-Identifier: MIT */
/* The client of DHCPv6 (RFC 8415 §18.2): an address when routers say that it is to be had there
 * (M), or just servers (O), renewed in time; and never gives up.
 *
 *	SOLICIT -> REQUEST -> BOUND -> RENEW (to its server) -> REBIND (to all) -> SOLICIT
 *	INFORMATION -> KNOWN, and again when that is old
 *
 * Of several servers the one with the highest preference is taken, the first among equals, after
 * one second; a reply at once (rapid commit, §18.2.1) ends it earlier. Retransmissions are those of
 * §15, but the longest pause while soliciting is two minutes.
 *
 * Outside: the net loop. */
#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/udp.h>

#include "kernel/kernel.h"
#include "kernel/random.h"
#include "net/ip6/dhcp6.h"
#include "net/ip6/impl.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define CLIENT_PORT 546
#define SERVER_PORT 547
#define ALL_SERVERS { { PP_HTONL(0xff020000), 0, 0, PP_HTONL(0x00010002) } }
#define SOON MILLIS(100)               /* until the link-local address can be used */
#define FIRST_REPORT SECONDS(5)
#define REQUEST_TIMES 10
#define BEST_PREFERENCE 255
#define RENEW_LEAST 5u                 /* s: no server can make us ask more often */
#define REFRESH_LEAST 600u             /* RFC 8415 §21.23 */
#define REFRESH_USUAL 86400u

enum state { OFF, SOLICIT, REQUEST, BOUND, RENEW, REBIND, INFORMATION, KNOWN, STATES };

/* What is sent in a state, first and longest pause until it is sent again. */
static const struct {
	enum dhcp6_type type;
	unsigned first_s, longest_s;
} sends[STATES] = {
	[SOLICIT] = { DHCP6_SOLICIT, 1, 120 }, [REQUEST] = { DHCP6_REQUEST, 1, 30 },
	[RENEW] = { DHCP6_RENEW, 10, 600 }, [REBIND] = { DHCP6_REBIND, 10, 600 },
	[INFORMATION] = { DHCP6_INFORMATION, 1, 120 },
};

static enum state state;
static struct udp_pcb *pcb;
static uint32_t xid;
static unsigned sent;                  /* in this state */
static ktime since, pause, due = FOREVER;
static ktime asked_at, report_at = FOREVER;
static uint8_t server[DHCP6_DUID_MAX];
static unsigned server_len;
static int best;                       /* preference of that server, -1: there is none yet */
static struct addr leased;             /* or wanted */
static ktime renew_at, rebind_at, expires_at;

static void set_due(ktime t)
{
	due = t;
	port_due_at(t);
}

/* Around t, so that not all clients ask at the same time: RFC 8415 §15. */
static ktime scatter(ktime t)
{
	return t + t / 1000 * ((int)(random_u32() % 201) - 100);
}

static void enter(enum state next, ktime when)
{
	state = next;
	xid = random_u32() & 0xffffff;
	sent = 0;
	pause = 0;
	since = when;
	set_due(when);
}

static void start_over(ktime when)
{
	best = -1;
	leased = (struct addr){ { 0 } };
	enter(SOLICIT, when);
	asked_at = when;
	report_at = when + FIRST_REPORT;
}

/* ---- Sending ------------------------------------------------------------------- */

static void send(enum dhcp6_type type, const struct addr *addr, bool to_server, ktime now)
{
	static const struct addr all = ALL_SERVERS;
	struct dhcp6_question q = {
		.type = type, .xid = xid, .elapsed_cs = (unsigned)((now - since) / MILLIS(10)),
		.mac = port_nic->mac, .server = to_server ? server : NULL,
		.server_len = server_len, .addr = addr,
	};
	ip_addr_t to = ip_of_addr(&all);
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, DHCP6_QUESTION_MAX, PBUF_RAM);

	if (!p)
		return;
	pbuf_realloc(p, (u16_t)dhcp6_write(p->payload, &q));
	udp_sendto_if(pcb, p, &to, SERVER_PORT, &port_netif);
	pbuf_free(p);
}

static void ask(ktime now)
{
	bool one = state == REQUEST || state == RENEW;
	const struct addr *addr = addr_is_none(&leased) ? NULL : &leased;

	if (sent == 0)
		since = now;
	send(sends[state].type, state == SOLICIT ? NULL : addr, one, now);
	sent++;
	pause = pause ? 2 * pause : SECONDS(sends[state].first_s);
	pause = scatter(MIN(pause, SECONDS(sends[state].longest_s)));
	set_due(now + pause);
}

/* ---- Answers --------------------------------------------------------------------- */

static void take_servers(const struct dhcp6_answer *a)
{
	if (a->dns_count > 0)
		dns_offered(DNS_BY_DHCP6, a->dns, a->dns_count);
	if (a->ntp[0])
		ntp_offered(NTP_BY_DHCP6, a->ntp);
}

static void say_servers(const char *what, const struct dhcp6_answer *a)
{
	char dns[ADDR_TEXT] = "none";

	if (a->dns_count > 0)
		addr_text(dns, &a->dns[0]);
	log_info("dhcp6: %s, dns %s, ntp %s", what, dns, a->ntp[0] ? a->ntp : "none");
}

static ktime after(ktime now, uint32_t seconds)
{
	return seconds == IP6_FOR_EVER ? FOREVER : now + SECONDS(seconds);
}

static void bind(const struct dhcp6_answer *a, ktime now)
{
	bool for_ever = a->preferred == IP6_FOR_EVER;
	uint32_t t1 = a->t1 ? a->t1 : for_ever ? IP6_FOR_EVER : a->preferred / 2;
	uint32_t t2 = a->t2 ? a->t2 : for_ever ? IP6_FOR_EVER : a->preferred / 5 * 4;
	bool renewed = state == RENEW || state == REBIND;

	if (!addr_is_none(&leased) && !addr_equal(&leased, &a->addr))
		ip6_drop(&leased);
	leased = a->addr;
	server_len = a->server_len;
	memcpy(server, a->server, server_len);
	if (ip6_have(&leased, IP6_LEASE, a->valid, a->preferred) < 0)
		log_error("dhcp6: no room for one more address");
	if (!renewed)
		say_servers("leased an address", a);
	take_servers(a);
	expires_at = after(now, MAX(a->valid, RENEW_LEAST));
	renew_at = MIN(after(now, MAX(t1, RENEW_LEAST)), expires_at);
	rebind_at = MAX(MIN(after(now, t2), expires_at), renew_at);
	report_at = FOREVER;
	enter(BOUND, renew_at);
}

static void advertised(const struct dhcp6_answer *a, ktime now)
{
	if (!a->has_address || a->status != DHCP6_SUCCESS || a->ia_status != DHCP6_SUCCESS ||
	    (int)a->preference <= best)
		return;
	best = a->preference;
	leased = a->addr;
	server_len = a->server_len;
	memcpy(server, a->server, server_len);
	if (best == BEST_PREFERENCE || sent > 1)
		enter(REQUEST, now);
}

/* A reply while an address is asked for or held. */
static void replied(const struct dhcp6_answer *a, ktime now)
{
	bool from_ours = a->server_len == server_len && memcmp(a->server, server, server_len) == 0;

	if ((state == SOLICIT && !a->rapid) ||
	    ((state == REQUEST || state == RENEW) && !from_ours) || a->status == DHCP6_FAILURE)
		return;
	if (a->has_address && a->status == DHCP6_SUCCESS && a->ia_status == DHCP6_SUCCESS) {
		bind(a, now);
	} else if (state == SOLICIT) {
		return;
	} else if (a->ia_status == DHCP6_NO_BINDING && state != REQUEST) {
		enter(REQUEST, now);
	} else if (state == REQUEST &&
		   (a->status != DHCP6_SUCCESS || a->ia_status != DHCP6_SUCCESS)) {
		log_warn("dhcp6: the server has no address after all");
		start_over(now + SECONDS(sends[SOLICIT].first_s));
	}
}

static void on_answer(void *arg, struct udp_pcb *from, struct pbuf *p, const ip_addr_t *addr,
		      u16_t port)
{
	struct dhcp6_answer a;
	ktime now = clock_now();

	if (p->len == p->tot_len && sends[state].type != 0 && sent > 0 &&
	    dhcp6_read(p->payload, p->len, port_nic->mac, xid, &a) == 0) {
		if (a.type == DHCP6_ADVERTISE && state == SOLICIT) {
			advertised(&a, now);
		} else if (a.type == DHCP6_REPLY && state == INFORMATION) {
			say_servers("told of servers", &a);
			take_servers(&a);
			report_at = FOREVER;
			enter(KNOWN, after(now, MAX(a.refresh ? a.refresh : REFRESH_USUAL,
						    REFRESH_LEAST)));
		} else if (a.type == DHCP6_REPLY) {
			replied(&a, now);
		}
	}
	pbuf_free(p);
}

/* ---- When ------------------------------------------------------------------------- */

static void report(ktime now)
{
	if (now < report_at)
		return;
	log_warn("dhcp6: no answer yet, still trying (%u s)",
		 (unsigned)((now - asked_at) / SECONDS(1)));
	report_at = now + MIN(2 * (now - asked_at), SECONDS(60));
}

/* Time to send, or to think of something else. */
static void act(ktime now)
{
	struct addr link;
	uint32_t valid;

	if (state == BOUND) {
		enter(RENEW, now);
	} else if (state == KNOWN) {
		enter(INFORMATION, now);
	} else if (state == SOLICIT && best >= 0 && sent > 0) {
		enter(REQUEST, now);
	} else if (state == REQUEST && sent >= REQUEST_TIMES) {
		start_over(now);
	} else if (state == RENEW && now >= rebind_at) {
		enter(REBIND, now);
	} else if (state == REBIND && now >= expires_at) {
		log_warn("dhcp6: nobody renews the lease");
		start_over(now);
	}
	if (!ip6_in_network(LINK_NETWORK, IP6_LINK, &link, &valid) || !ip6_is_ours(&link)) {
		set_due(now + SOON);
		return;
	}
	ask(now);
	if (state == RENEW)
		set_due(MIN(due, rebind_at));
	else if (state == REBIND)
		set_due(MIN(due, expires_at));
}

ktime dhcp6_timers(ktime now)
{
	if (state == OFF)
		return FOREVER;
	report(now);
	if (now >= due)
		act(now);
	return MIN(due, report_at);
}

void dhcp6_declined(const struct addr *a)
{
	if (state == OFF || !addr_equal(a, &leased))
		return;
	xid = random_u32() & 0xffffff;
	send(DHCP6_DECLINE, a, true, clock_now());
	start_over(clock_now() + SECONDS(sends[SOLICIT].first_s));
}

void dhcp6_start(bool managed)
{
	ktime now = clock_now();

	if (state != OFF && (!managed || (state != INFORMATION && state != KNOWN)))
		return;
	if (!pcb) {
		pcb = udp_new_ip_type(IPADDR_TYPE_V6);
		if (!pcb || udp_bind(pcb, IP6_ADDR_ANY, CLIENT_PORT) != ERR_OK) {
			log_error("dhcp6: cannot start");
			return;
		}
		udp_recv(pcb, on_answer, NULL);
	}
	log_info("dhcp6: asking for %s", managed ? "an address" : "servers");
	start_over(now + random_u32() % SOON);
	if (!managed)
		enter(INFORMATION, due);
}
