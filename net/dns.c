/* SPDX-License-Identifier: MIT */
/* Names to addresses by lwIP's resolver (RFC 1035, RFC 3596, with random ids and source
 * ports), for tasks that may wait; and which servers it asks (net/dns.h). */
#include "net/dns.h"

#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/netif.h>

#include "kernel/task.h"
#include "net/net.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define WAITERS DNS_TABLE_SIZE
#define GAVE_UP SECONDS(DNS_MAX_RETRIES - 1)  /* an answer after this long was none */

/* ---- Servers ---------------------------------------------------------------- */

static struct {
	struct addr list[DNS_OFFERED_MAX];
	unsigned count;
} offers[DNS_SOURCES];
static bool running;

/* lwIP asks its servers in turn up to the first that is none. */
static void set_servers(void)
{
	u8_t used = 0;

	for (unsigned s = 0; s < DNS_SOURCES; s++) {
		for (unsigned i = 0; i < offers[s].count && used < DNS_MAX_SERVERS; i++) {
			ip_addr_t ip = ip_of_addr(&offers[s].list[i]);

			dns_setserver(used++, &ip);
		}
		if (s == DNS_BY_SETTING && used > 0)
			break;
	}
	while (used < DNS_MAX_SERVERS)
		dns_setserver(used++, NULL);
}

void dns_offered(enum dns_source source, const struct addr *servers, unsigned n)
{
	ASSERT(n <= DNS_OFFERED_MAX);
	memcpy(offers[source].list, servers, n * sizeof(*servers));
	offers[source].count = n;
	if (running)
		set_servers();
}

void dns_start(void)
{
	running = true;
	set_servers();
}

/* ---- Questions ----------------------------------------------------------------- */

/* One question under way. lwIP always answers at last, so the place stays taken
 * until then, even when nobody waits any more. */
static struct waiter {
	struct event done;
	bool taken, waited_for, answered;
	struct addr addr;              /* none: no such name */
} waiters[WAITERS];

static void found(const char *name, const ip_addr_t *ip, void *arg)
{
	struct waiter *w = arg;

	if (!w->waited_for) {
		w->taken = false;
		return;
	}
	w->addr = ip ? addr_of_ip(ip) : (struct addr){ { 0 } };
	w->answered = true;
	event_signal(&w->done);
}

static struct waiter *free_waiter(void)
{
	for (unsigned i = 0; i < WAITERS; i++)
		if (!waiters[i].taken)
			return &waiters[i];
	return NULL;
}

static int wait_for(struct waiter *w, struct addr *a, ktime deadline)
{
	ktime since = clock_now();
	int err = event_wait(&w->done, deadline);

	if (!w->answered) {
		w->waited_for = false;         /* found() frees it */
		return err;
	}
	w->taken = false;
	*a = w->addr;
	if (!addr_is_none(a))
		return 0;
	return clock_now() - since >= GAVE_UP ? -ETIMEDOUT : -ENOENT;
}

err_t dns_ask(const char *host, ip_addr_t *ip, dns_found_callback fn, void *arg)
{
	u8_t family = LWIP_DNS_ADDRTYPE_IPV4_IPV6;
	const char *text = host + (*host == '[');
	struct addr a;

	if (addr_parse(&text, &a) == 0 && strcmp(text, *host == '[' ? "]" : "") == 0) {
		*ip = ip_of_addr(&a);
		return ERR_OK;
	}
	if (netif_ip4_addr(&port_netif)->addr == 0)
		family = LWIP_DNS_ADDRTYPE_IPV6_IPV4;
	return dns_gethostbyname_addrtype(host, ip, fn, arg, family);
}

int net_resolve(const char *host, struct addr *a, ktime deadline)
{
	struct waiter *w = free_waiter();
	ip_addr_t ip;

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .taken = true, .waited_for = true };
	switch (dns_ask(host, &ip, found, w)) {
	case ERR_OK:
		w->taken = false;
		*a = addr_of_ip(&ip);
		return 0;
	case ERR_INPROGRESS:
		COUNT(N_DNS_QUERIES);
		net_kick();
		return wait_for(w, a, deadline);
	case ERR_MEM:
		w->taken = false;
		return -ENOMEM;
	case ERR_VAL:
		w->taken = false;
		return -ENETDOWN;
	default:
		w->taken = false;
		return -ENOENT;
	}
}
