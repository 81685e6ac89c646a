/* SPDX-License-Identifier: MIT */
/* Which name servers are asked: those of dns=, or all that DHCP, DHCPv6 and routers name, the
 * first of them first; and how the loop asks them. Tasks have net_resolve() (net/net.h). */
#pragma once

#include <lwip/opt.h>

#include <lwip/dns.h>

#include "net/addr.h"

#define DNS_OFFERED_MAX 2u             /* of each source */

enum dns_source { DNS_BY_SETTING, DNS_BY_DHCP, DNS_BY_DHCP6, DNS_BY_ROUTER, DNS_SOURCES };

/* The servers of a source are these from now on: n <= DNS_OFFERED_MAX. From the loop, or at
 * boot. */
void dns_offered(enum dns_source source, const struct addr *servers, unsigned n);

/* lwIP may now have them; from the loop, once. */
void dns_start(void);

/* As dns_gethostbyname(), of the family that the interface has. `host` is a name, or an address,
 * which may stand in brackets. From the loop. */
err_t dns_ask(const char *host, ip_addr_t *ip, dns_found_callback fn, void *arg);
