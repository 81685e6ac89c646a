/* SPDX-License-Identifier: MIT */
/* Names to addresses, for the loop. Which name servers are asked: those of dns=, or all that DHCP,
 * DHCPv6 and routers name, the first of them first; and how they are asked. Tasks have
 * net_resolve() (net/net.h). */
#pragma once

#include "kernel/clock.h"
#include "net/addr.h"

#define DNS_OFFERED_MAX 2u             /* of each source */

enum dns_source { DNS_BY_SETTING, DNS_BY_DHCP, DNS_BY_DHCP6, DNS_BY_ROUTER, DNS_SOURCES };

/* The servers of a source are these from now on: n <= DNS_OFFERED_MAX. From the loop, or at
 * boot. */
void dns_offered(enum dns_source source, const struct addr *servers, unsigned n);

/* The i-th server that is asked; none: there are fewer. */
struct addr dns_server(unsigned i);

/* Who waits for an answer. From dns_ask() until done() is called or dns_forget() was, the memory
 * is in use. */
struct dns_wait {
	struct dns_wait *next, **back; /* back: NULL while it does not wait */
	/* n > 0: the addresses in list, for this call; or -errno, as net_resolve(). */
	void (*done)(struct dns_wait *w, const struct addr *list, int n);
};

/* The addresses of `host`, a name, or an address, which may stand in brackets; of the families that
 * the interface has, alternating, IPv4 first: 1..BUDGET_DNS_ADDRS when they are known; 0: w->done()
 * will be called; or -errno. Never waits. One that does not hold the loop calls net_kick(). */
int dns_ask(struct dns_wait *w, const char *host, struct addr list[BUDGET_DNS_ADDRS]);
void dns_forget(struct dns_wait *w);

/* Once a second. */
void dns_tick(void);
