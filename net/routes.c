/* SPDX-License-Identifier: MIT */
/* Classless static routes (RFC 3442): net/routes.h. */
#include "net/routes.h"

#include <errno.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/ip4_addr.h>
#include <lwip/netif.h>
#include <lwip/prot/dhcp.h>

#include "kernel/kernel.h"
#include "net/port/bytes.h"
#include "net/port/hooks.h"
#include "net/port/port.h"

static struct route {
	uint32_t to, mask, gateway;    /* host order; gateway 0: on the link */
} routes[BUDGET_IP4_ROUTES];
static unsigned count;
static bool asked;                     /* since the option came */
static ip4_addr_t answer;              /* what port_gateway() points at */

void routes_clear(void)
{
	count = 0;
	asked = false;
}

void routes_asked(void)
{
	asked = true;
}

int routes_set(const uint8_t *o, size_t len)
{
	size_t at = 0;

	routes_clear();
	while (at < len && count < BUDGET_IP4_ROUTES) {
		unsigned prefix = o[at++], bytes = (prefix + 7) / 8;
		uint32_t to = 0;

		if (prefix > 32 || at + bytes + 4 > len) {
			count = 0;
			return -EINVAL;
		}
		for (unsigned i = 0; i < bytes; i++)
			to |= (uint32_t)o[at++] << (24 - 8 * i);
		routes[count].mask = prefix ? UINT32_MAX << (32 - prefix) : 0;
		routes[count].to = to & routes[count].mask;
		routes[count++].gateway = be32(o + at);
		at += 4;
	}
	return 0;
}

bool routes_hop(uint32_t to, uint32_t *hop)
{
	const struct route *best = NULL;
	uint32_t host = __builtin_bswap32(to);

	/* An answer without the option shows in nothing but the state. */
	if (asked && netif_dhcp_data(&port_netif)->state == DHCP_STATE_BOUND)
		routes_clear();
	for (unsigned i = 0; i < count; i++)
		if ((host & routes[i].mask) == routes[i].to &&
		    (!best || routes[i].mask > best->mask))
			best = &routes[i];
	if (!best)
		return false;
	*hop = best->gateway ? __builtin_bswap32(best->gateway) : to;
	return true;
}

bool routes_reach(uint32_t to)
{
	uint32_t hop;
	ip4_addr_t ip = { to };

	return routes_hop(to, &hop) || count == 0 || ip4_addr_ismulticast(&ip) ||
	       ip4_addr_isbroadcast(&ip, &port_netif) ||
	       ip4_addr_net_eq(&ip, netif_ip4_addr(&port_netif), netif_ip4_netmask(&port_netif));
}

const ip4_addr_t *port_gateway(const ip4_addr_t *to)
{
	return routes_hop(to->addr, &answer.addr) ? &answer : NULL;
}
