/* SPDX-License-Identifier: MIT */
/* Which name servers are asked, and names for tasks (net/net.h). */
#include "net/dns.h"

#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/task.h"
#include "net/net.h"

static struct {
	struct addr list[DNS_OFFERED_MAX];
	unsigned count;
} offers[DNS_SOURCES];

void dns_offered(enum dns_source source, const struct addr *servers, unsigned n)
{
	ASSERT(n <= DNS_OFFERED_MAX);
	memcpy(offers[source].list, servers, n * sizeof(*servers));
	offers[source].count = n;
}

struct addr dns_server(unsigned i)
{
	for (unsigned s = 0; s < DNS_SOURCES && i < BUDGET_DNS_SERVERS; s++) {
		if (i < offers[s].count)
			return offers[s].list[i];
		if (s == DNS_BY_SETTING && offers[s].count > 0)
			break;
		i -= offers[s].count;
	}
	return (struct addr){ { 0 } };
}

/* ---- For tasks ------------------------------------------------------------------ */

struct waiter {
	struct dns_wait wait;
	struct event answered;
	struct addr *list;
	int n;
};

static void answered(struct dns_wait *wait, const struct addr *list, int n)
{
	struct waiter *w = container_of(wait, struct waiter, wait);

	if (n > 0)
		memcpy(w->list, list, (size_t)n * sizeof(*list));
	w->n = n;
	event_signal(&w->answered);
}

int net_resolve_all(const char *host, struct addr list[BUDGET_DNS_ADDRS], ktime deadline)
{
	struct waiter w = { .wait.done = answered, .list = list };
	int n = dns_ask(&w.wait, host, list), err;

	if (n != 0)
		return n;
	if (!net_in_loop())
		net_kick();
	err = event_wait(&w.answered, deadline);
	if (w.n == 0)
		dns_forget(&w.wait);
	return w.n != 0 ? w.n : err;
}

int net_resolve(const char *host, struct addr *a, ktime deadline)
{
	struct addr list[BUDGET_DNS_ADDRS];
	int n = net_resolve_all(host, list, deadline);

	if (n > 0)
		*a = list[0];
	return MIN(n, 0);
}
