/* SPDX-License-Identifier: MIT */
/* Sending IPv6, and the timers of lwIP's part of it. */
#include <lwip/opt.h>

#include <lwip/ethip6.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip6.h>

#include "kernel/kernel.h"
#include "net/ip6/impl.h"
#include "net/port/hooks.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define MTU_LEAST 1280u                /* RFC 8200 §5 */
#define MLD_STEP MILLIS(MLD6_TMR_INTERVAL)
#define INFORMATIONAL 128              /* ICMPv6 types from here on are no errors */

static ktime mld_due = FOREVER;

bool ip6_may_send(const uint8_t *ip)
{
	return ip[6] != IP6_NEXTH_ICMP6 || ip[IP6_HLEN] >= INFORMATIONAL ||
	       port_icmp_error_allowed();
}

static err_t output(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	struct addr a = addr_of_ip6(to);
	err_t err;

	return port_output(p, &a, &err) ? err : port_resolved(ethip6_output(netif, p, to));
}

void ip6_setup(struct netif *netif)
{
	netif->output_ip6 = output;
	netif->flags |= NETIF_FLAG_MLD6;
}

void ip6_link_mtu(uint32_t mtu)
{
	mtu = MAX(mtu, MTU_LEAST);
	if (mtu >= port_netif.mtu6)
		return;
	port_netif.mtu6 = (u16_t)mtu;
	port_link_narrowed(true, mtu);
}

void ip6_tick(void)
{
	if (ip6_mode() == IP6_OFF)
		return;
	nd6_tmr();
	fragments_tick();
	ip6_link_mtu(port_netif.mtu);
	ip6_addresses_tick();
	ra_tick(clock_now());
}

/* Reports to routers which groups are listened to (RFC 2710) are delayed by chance. */
static bool reports_wait(void)
{
	const struct mld_group *g = netif_mld6_data(&port_netif);

	while (g && g->timer == 0)
		g = g->next;
	return g != NULL;
}

ktime ip6_timers(ktime now)
{
	if (now >= mld_due)
		mld6_tmr();
	if (now >= mld_due || mld_due == FOREVER)
		mld_due = reports_wait() ? now + MLD_STEP : FOREVER;
	return MIN(mld_due, dhcp6_timers(now));
}
