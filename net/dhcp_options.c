/* SPDX-License-Identifier: MIT */
/* What a DHCP server's acknowledgement holds beside what lwIP takes from it: interface MTU, name
 * and time servers (RFC 2132 §5.1, §3.8, §8.3), routes (RFC 3442). Offers count for nothing: the
 * server may not be the one that is chosen. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/dhcp.h>

#include "kernel/kernel.h"
#include "net/dns.h"
#include "net/routes.h"
#include "net/ntp.h"
#include "net/port/bytes.h"
#include "net/port/hooks.h"
#include "net/port/port.h"

#define OPTION_ROUTES 121
#define MTU_MIN 576u
#define LEASE_MIN 10u                  /* seconds: a shorter one is nothing to live on */
#define VALUE_MAX MAX(MAX(4u * BUDGET_NTP_SERVERS, 4u * DNS_OFFERED_MAX), ROUTES_OPTION_MAX)

static void offer_dns(const uint8_t *value, unsigned n)
{
	struct addr list[DNS_OFFERED_MAX];
	unsigned have = 0;

	for (unsigned i = 0; i < n && have < DNS_OFFERED_MAX; i++) {
		list[have] = addr_ip4(load32(value + 4 * i));
		have += !addr_is_none(&list[have]);
	}
	dns_offered(DNS_BY_DHCP, list, have);
}

static __attribute__((noinline)) void offer_ntp(const uint8_t *value, unsigned n)
{
	char list[NTP_LIST_MAX + ADDR_TEXT] = "", *end = list;

	for (unsigned i = 0; i < n; i++) {
		struct addr a = addr_ip4(load32(value + 4 * i));

		if (addr_is_none(&a))
			continue;
		if (end > list)
			*end++ = ',';
		addr_text(end, &a);
		end += strlen(end);
	}
	ntp_offered(NTP_BY_DHCP, list);
}

static void set_mtu(struct netif *netif, unsigned mtu)
{
	netif->mtu = (u16_t)mtu;
	port_link_narrowed(false, mtu);
}

void port_dhcp_option(struct netif *netif, u8_t message, u8_t option, u8_t len, struct pbuf *p,
		      u16_t at)
{
	uint8_t value[VALUE_MAX];
	u16_t n = pbuf_copy_partial(p, value, (u16_t)MIN(len, sizeof(value)), at);

	if (message != DHCP_ACK)
		return;
	if (option == DHCP_OPTION_MTU && len == 2 && n == 2)
		set_mtu(netif, MIN(MAX(be16(value), MTU_MIN), port_mtu_limit));
	else if (option == DHCP_OPTION_NTP && len % 4 == 0 && n >= 4)
		offer_ntp(value, MIN(n / 4u, (unsigned)BUDGET_NTP_SERVERS));
	else if (option == DHCP_OPTION_DNS_SERVER && len % 4 == 0 && n >= 4)
		offer_dns(value, n / 4u);
	else if (option == OPTION_ROUTES && routes_set(value, n) < 0)
		log_warn("dhcp: routes that are none");
}

void port_dhcp_forget(void)
{
	routes_clear();
	offer_dns(NULL, 0);
	offer_ntp(NULL, 0);
	port_netif.mtu = port_mtu_limit;
}

u32_t port_dhcp_lease(struct dhcp *d)
{
	u32_t lease = MAX(d->offered_t0_lease, LEASE_MIN);

	if (d->offered_t1_renew >= d->offered_t2_rebind || d->offered_t2_rebind >= lease) {
		d->offered_t1_renew = lease / 2;
		d->offered_t2_rebind = lease - lease / 8;
	}
	return d->offered_t0_lease = lease;
}
