/* SPDX-License-Identifier: MIT */
/* The resolver: names that are being asked for, and those that are known, for as long as their
 * records say (RFC 1035 §7, RFC 2308, RFC 5452).
 *
 * Each question goes to one server at a time, in turn, from a random port with a random id, and is
 * heard from no other; both families are asked for at once. All who want the same name wait for
 * one question. A server that says it cannot is passed over at once, one that is silent after
 * 1 s, in the second and third round after 2 and 4. What nobody waits for any more is not asked
 * again. An answer that was cut off is asked for over TCP (tcp.c) in the same time, and used as far
 * as it goes if that fails.
 *
 * Outside: all of it runs in the task that holds the loop, or between two waits of another. */
#include "net/dns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <lwip/opt.h>

#include <lwip/netif.h>
#include <lwip/udp.h>

#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/dns/message.h"
#include "net/dns/tcp.h"
#include "net/ip6/ip6.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define FAMILIES (1 + BUDGET_IPV6)
#define ROUNDS 3u
#define PORT 53u
#define OWN_PORTS 1024u                /* RFC 6056 §3.2 */
#define PORT_TRIES 8u

static const enum dns_type types[] = { DNS_A, DNS_AAAA };

struct name {
	struct name *next;             /* used less recently */
	struct dns_wait *waits;
	struct udp_pcb *pcb;           /* while it is asked for */
	ktime due;                     /* next try; or until when it is known */
	uint8_t open;                  /* bit for each family that is being asked for */
	uint8_t families;              /* the same that is or was */
	uint8_t tries;
	bool asked, refused, none;     /* it is; a server cannot tell; there is no such name */
	uint8_t count[FAMILIES];
	uint16_t id[FAMILIES];
	uint32_t ttl[FAMILIES];
	struct addr addr[FAMILIES][BUDGET_DNS_ADDRS];
	struct dns_exchange *tcp[FAMILIES];            /* asks for all of what was cut off */
	char host[BUDGET_DNS_NAME];
};

static struct pool pool;
static struct name *names;

/* ---- The list -------------------------------------------------------------------- */

static void take_out(struct name *n)
{
	struct name **at = &names;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
}

static void put_first(struct name *n)
{
	n->next = names;
	names = n;
}

static struct name *find(const char *host)
{
	struct name *n = names;

	while (n && strcasecmp(n->host, host) != 0)
		n = n->next;
	return n;
}

/* Memory for one more: of the one that was used least recently, unless it is being asked for. */
static struct name *make(void)
{
	struct name *last = NULL;

	if (!pool.size)
		pool_init(&pool, "dns_names", sizeof(struct name), BUDGET_DNS_NAMES);
	if (pool.used == pool.cap) {
		for (struct name *n = names; n; n = n->next)
			if (!n->asked && !n->waits)
				last = n;
		if (last) {
			take_out(last);
			return last;
		}
	}
	return pool_get(&pool);
}

/* Its addresses, one family after the other: how many, or -ENOENT. */
static int list_of(const struct name *n, struct addr *list)
{
	int count = 0;

	for (unsigned i = 0; i < BUDGET_DNS_ADDRS; i++)
		for (unsigned f = 0; f < FAMILIES && count < BUDGET_DNS_ADDRS; f++)
			if (i < n->count[f])
				list[count++] = n->addr[f][i];
	return count > 0 ? count : -ENOENT;
}

/* ---- Asking ----------------------------------------------------------------------- */

static bool has_some(const struct name *n)
{
	unsigned count = 0;

	for (unsigned f = 0; f < FAMILIES; f++)
		count += n->count[f];
	return count > 0;
}

/* For how long: as its addresses say, or if it has none, what says so. */
static uint32_t ttl_of(const struct name *n)
{
	uint32_t ttl = UINT32_MAX;

	for (unsigned f = 0; f < FAMILIES; f++)
		if (n->count[f] > 0 || !has_some(n))
			ttl = MIN(ttl, n->ttl[f]);
	return ttl;
}

static void cancel_tcp(struct name *n)
{
	for (unsigned f = 0; BUDGET_DNS_TCP && f < FAMILIES; f++) {
		if (n->tcp[f])
			dns_tcp_cancel(n->tcp[f]);
		n->tcp[f] = NULL;
	}
}

/* It is not asked for any more: all who wait are told. What has failed is not kept. */
static void conclude(struct name *n, int err)
{
	uint32_t ttl = err < 0 ? 0 : ttl_of(n);
	struct addr list[BUDGET_DNS_ADDRS];
	struct dns_wait *w;
	int found = err < 0 ? err : list_of(n, list);

	if (n->pcb)
		udp_remove(n->pcb);
	n->pcb = NULL;
	cancel_tcp(n);
	n->asked = false;
	n->due = clock_now() + SECONDS(ttl);
	if (ttl == 0)
		take_out(n);
	while ((w = n->waits)) {
		dns_forget(w);
		w->done(w, list, found);
	}
	if (ttl == 0)
		pool_put(&pool, n);
}

static void on_answer(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
		      u16_t port);

/* A pcb of its own for each name: an answer must hit its port, too. */
static struct udp_pcb *open_port(struct name *n)
{
	struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_ANY);

	for (unsigned i = 0; pcb && i < PORT_TRIES; i++) {
		u16_t port = (u16_t)(OWN_PORTS + random_u32() % (65536 - OWN_PORTS));

		if (udp_bind(pcb, IP_ANY_TYPE, port) == ERR_OK) {
			udp_recv(pcb, on_answer, n);
			return pcb;
		}
	}
	if (pcb)
		udp_remove(pcb);
	return NULL;
}

static void send_one(struct name *n, unsigned family)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t len = dns_write_query(query, n->host, n->id[family], types[family]);
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);

	if (!p)
		return;
	memcpy(p->payload, query, len);
	COUNT(N_DNS_QUERIES);
	udp_send(n->pcb, p);
	pbuf_free(p);
}

/* Asks the next server, and again after a time, whether or not that could be sent. */
static void ask_next(struct name *n)
{
	unsigned servers = 0;
	struct addr server;
	ip_addr_t ip;

	cancel_tcp(n);
	while (server = dns_server(servers), !addr_is_none(&server))
		servers++;
	if (servers == 0 || n->tries >= ROUNDS * servers || (n->tries > 0 && !n->waits)) {
		conclude(n, has_some(n) ? 0 : n->refused ? -EIO : -ETIMEDOUT);
		return;
	}
	n->due = clock_now() + SECONDS(1u << n->tries / servers);
	server = dns_server(n->tries++ % servers);
	ip = ip_of_addr(&server);
	if (!n->pcb)
		n->pcb = open_port(n);
	if (!n->pcb)
		return;
	udp_connect(n->pcb, &ip, PORT);        /* others are not heard */
	for (unsigned f = 0; f < FAMILIES; f++)
		if (n->open >> f & 1)
			send_one(n, f);
}

/* A name with none of the addresses that the interface can reach may have others: who is told them
 * learns that they cannot be reached, which "no such name" would hide. */
static bool ask_other(struct name *n)
{
	uint8_t other = ((1u << FAMILIES) - 1) & ~n->families;

	if (other == 0 || n->none || has_some(n))
		return false;
	n->open = other;
	n->families |= other;
	n->tries = 0;
	ask_next(n);
	return true;
}

static void take(struct name *n, unsigned f, const struct dns_found *found)
{
	n->none = found->no_name;
	n->ttl[f] = found->ttl;
	n->count[f] = (uint8_t)found->count;
	memcpy(n->addr[f], found->addr, sizeof(found->addr));
}

/* What an answer has come to: 0, -EAGAIN, or -EIO: another server is asked. */
static void settle(struct name *n, int err)
{
	if (err == -EIO) {
		n->refused = true;
		ask_next(n);
	} else if (n->open == 0 && (FAMILIES == 1 || !ask_other(n))) {
		conclude(n, 0);
	}
}

static void on_whole(void *arg, struct dns_exchange *x, const uint8_t *message, size_t len)
{
	struct name *n = arg;
	unsigned f = n->tcp[0] == x ? 0 : FAMILIES - 1;
	struct dns_found found;
	int err = dns_read_answer(message, len, n->host, n->id[f], types[f], &found);

	n->tcp[f] = NULL;
	if (err == 0)
		take(n, f, &found);
	if (err < 0 && n->count[f] == 0) {
		settle(n, -EIO);
		return;
	}
	n->open &= (uint8_t)~(1u << f);
	settle(n, 0);
}

/* An answer of a server was cut off: true when all of it is being asked for. */
static bool ask_whole(struct name *n, unsigned f, const ip_addr_t *from)
{
	struct addr server = addr_of_ip(from);
	uint8_t query[DNS_QUERY_MAX];
	size_t len = dns_write_query(query, n->host, n->id[f], types[f]);

	if (!n->tcp[f])
		n->tcp[f] = dns_tcp_ask(&server, query, len, on_whole, n);
	return n->tcp[f];
}

static void on_answer(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
		      u16_t port)
{
	struct name *n = arg;
	struct dns_found found;
	int err = -EAGAIN;

	for (unsigned f = 0; f < FAMILIES && err == -EAGAIN; f++) {
		if (!(n->open >> f & 1) || p->len != p->tot_len)
			continue;              /* in pieces: RFC 5452 gives no help there */
		err = dns_read_answer(p->payload, p->len, n->host, n->id[f], types[f], &found);
		if (BUDGET_DNS_TCP && err != -EAGAIN && dns_is_cut(p->payload) &&
		    ask_whole(n, f, from)) {
			if (err == 0)
				take(n, f, &found);
			err = 0;
		} else if (err == 0) {
			n->open &= (uint8_t)~(1u << f);
			take(n, f, &found);
		}
	}
	pbuf_free(p);
	settle(n, err);
}

void dns_tick(void)
{
	ktime now = clock_now();

	for (struct name *n = names, *next; n; n = next) {
		next = n->next;
		if (!n->asked || now < n->due)
			continue;
		if (has_some(n))
			conclude(n, 0);        /* the other family's server is silent */
		else
			ask_next(n);
	}
}

/* ---- What others call ---------------------------------------------------------------- */

void dns_forget(struct dns_wait *w)
{
	*w->back = w->next;
	if (w->next)
		w->next->back = w->back;
	w->back = NULL;
}

static void wait_for(struct name *n, struct dns_wait *w)
{
	w->next = n->waits;
	w->back = &n->waits;
	if (w->next)
		w->next->back = &w->next;
	n->waits = w;
}

/* Whether it is an address as text: true and the address. */
static bool as_text(const char *host, struct addr *a)
{
	const char *text = host + (*host == '[');

	return addr_parse(&text, a) == 0 && strcmp(text, *host == '[' ? "]" : "") == 0;
}

/* `n` may be one that was known, and has `host` already. */
static void begin(struct name *n, const char *host)
{
	*n = (struct name){ .next = n->next, .asked = true };
	strcpy(n->host, host);
	if (netif_ip4_addr(&port_netif)->addr != 0 || !ip6_up())
		n->open = 1;
	if (ip6_up())
		n->open |= 2;
	n->families = n->open;
	for (unsigned f = 0; f < FAMILIES; f++) {
		n->id[f] = (uint16_t)random_u32();
		n->ttl[f] = UINT32_MAX;
	}
	ask_next(n);
}

int dns_ask(struct dns_wait *w, const char *host, struct addr list[BUDGET_DNS_ADDRS])
{
	uint8_t query[DNS_QUERY_MAX];
	struct addr first = dns_server(0);
	struct name *n;

	if (as_text(host, list))
		return 1;
	if (dns_write_query(query, host, 0, DNS_A) == 0)
		return -ENOENT;
	n = find(host);
	if (n) {
		take_out(n);
		put_first(n);
		if (!n->asked && clock_now() < n->due)
			return list_of(n, list);
	}
	if (addr_is_none(&first))
		return -ENETDOWN;
	if (!n) {
		n = make();
		if (!n)
			return -ENOMEM;
		n->asked = false;
		put_first(n);
	}
	if (!n->asked)
		begin(n, host);
	wait_for(n, w);
	return 0;
}
