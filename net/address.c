/* SPDX-License-Identifier: MIT */
/* The interface's address, gateway and name servers: static (ip= gw= dns=) or by
 * DHCP (RFC 2131), which never gives up, and what is said about it on the
 * console. A gateway outside the interface's network (a /32 lease) works: it is
 * asked for by ARP like a neighbour.
 *
 * Outside: runs in the net loop. */
#include "net/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dhcp.h>
#include <lwip/netif.h>
#include <lwip/prot/dhcp.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "net/dns.h"
#include "net/ip6/ip6.h"
#include "net/net.h"
#include "net/ntp.h"
#include "net/port/hooks.h"
#include "net/port/ip.h"
#include "net/port/port.h"
#include "net/tcp/impl.h"

#define FIRST_REPORT SECONDS(5)
#define LAST_REPORT SECONDS(60)
#define LOOK_AGAIN SECONDS(1)          /* lwIP tells of no mask that changes alone */

static bool by_dhcp = true;
static u32_t static_ip, static_gw;
static unsigned static_prefix;

static struct dhcp dhcp;
static u32_t bound;                    /* the address in use, 0: none */
static ktime asked_at, still_trying;   /* since when; when that is said next */
static ktime look_due;
static bool ntp_knows;                 /* that there is an address */
static void (*on_address)(const struct addr *a);

/* ---- Settings --------------------------------------------------------------- */

static int quad(const char **p, u32_t *ip4)
{
	struct addr a;

	if (addr_parse(p, &a) < 0 || !addr_is_ip4(&a))
		return -EINVAL;
	*ip4 = addr_as_ip4(&a);
	return 0;
}

static int set_ip(const char *value)
{
	u32_t ip;
	int prefix;

	if (strcmp(value, "dhcp") == 0 || strcmp(value, "off") == 0) {
		by_dhcp = value[0] == 'd';
		static_ip = 0;
		return 0;
	}
	if (quad(&value, &ip) < 0 || ip == 0 || *value++ != '/')
		return -EINVAL;
	prefix = addr_number(&value, 32);
	if (prefix < 1 || *value)
		return -EINVAL;
	static_ip = ip;
	static_prefix = (unsigned)prefix;
	by_dhcp = false;
	return 0;
}

static int set_gw(const char *value)
{
	u32_t ip;

	if (quad(&value, &ip) < 0 || *value)
		return -EINVAL;
	static_gw = ip;
	return 0;
}

static int set_dns(const char *value)
{
	struct addr list[DNS_OFFERED_MAX];
	unsigned n = 0;

	do {
		if (n == DNS_OFFERED_MAX || addr_parse(&value, &list[n]) < 0)
			return -EINVAL;
		n++;
	} while (*value++ == ',');
	if (value[-1])
		return -EINVAL;
	dns_offered(DNS_BY_SETTING, list, n);
	return 0;
}

static const struct setting settings[] = {
	{ .key = "ip", .boot = true, .type = SETTING_CHECKED, .check = set_ip,
	  .expected = "dhcp, off, or an address with its prefix: 192.0.2.7/24" },
	{ .key = "gw", .boot = true, .type = SETTING_CHECKED, .check = set_gw,
	  .expected = "an address" },
	{ .key = "dns", .type = SETTING_CHECKED, .check = set_dns,
	  .expected = "an address, or two with a comma between" },
};

void address_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	ip6_declare();
}

/* ---- What is said ----------------------------------------------------------- */

/* Its texts are not on the stack of whoever calls it (noinline here and below). */
static __attribute__((noinline)) void say_address(void)
{
	char ip[ADDR_TEXT], gw[ADDR_TEXT], dns[ADDR_TEXT], lease[40] = "";
	uint32_t hosts = ~lwip_ntohl(netif_ip4_netmask(&port_netif)->addr);
	unsigned prefix = hosts ? (unsigned)__builtin_clz(hosts) : 32;
	struct addr us = addr_ip4(netif_ip4_addr(&port_netif)->addr);
	struct addr gateway = addr_ip4(netif_ip4_gw(&port_netif)->addr);
	struct addr server = dns_server(0);

	if (by_dhcp && dhcp.offered_t0_lease == UINT32_MAX)
		snprintf(lease, sizeof(lease), ", lease without end");
	else if (by_dhcp)
		snprintf(lease, sizeof(lease), ", lease %u s", (unsigned)dhcp.offered_t0_lease);
	log_info("address %s/%u, gateway %s, dns %s%s", addr_text(ip, &us), prefix,
		 addr_text(gw, &gateway), addr_text(dns, &server), lease);
}

static void start_reports(ktime now)
{
	log_info("dhcp: asking for an address");
	asked_at = now;
	still_trying = now + FIRST_REPORT;
}

/* ---- The address changes ---------------------------------------------------- */

void address_gained(const struct addr *a)
{
	if (!ntp_knows)
		ntp_address(true);
	ntp_knows = true;
	if (on_address)
		on_address(a);
}

void address_lost(const struct addr *a)
{
	streams_drop_address(a);
	ntp_knows = false;
	if (!net_up())
		ntp_address(false);
}

/* lwIP calls this when the interface comes up or its address has changed. Here
 * nothing is done but noticing: it may be deep inside lwIP's input. */
static void look_again(struct netif *netif)
{
	look_due = 0;
	port_due_at(0);
}

/* An address and netmask that a machine can have (RFC 1122 §3.2.1.3). */
static bool plausible(void)
{
	u32_t ip = lwip_ntohl(netif_ip4_addr(&port_netif)->addr);
	u32_t hosts = ~lwip_ntohl(netif_ip4_netmask(&port_netif)->addr);

	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224 && (hosts & (hosts + 1)) == 0 &&
	       (hosts <= 1 || ((ip & hosts) != 0 && (ip & hosts) != hosts));
}

/* What a server gave that lies, which lwIP has bound to; others may be heard of by the time that it
 * asks again. */
static __attribute__((noinline)) void refuse_lease(void)
{
	struct addr is = addr_ip4(netif_ip4_addr(&port_netif)->addr);
	struct addr mask = addr_ip4(netif_ip4_netmask(&port_netif)->addr);
	char text[ADDR_TEXT], net[ADDR_TEXT];

	log_warn("dhcp: a server gave %s/%s, which no machine can have; "
		 "asking again in 10 s", addr_text(text, &is), addr_text(net, &mask));
	dhcp.state = DHCP_STATE_BACKING_OFF;
	dhcp.request_timeout = 10000 / DHCP_FINE_TIMER_MSECS;
	dhcp.t0_timeout = dhcp.t1_renew_time = dhcp.t2_rebind_time = 0;
	port_dhcp_forget();
	netif_set_addr(&port_netif, NULL, NULL, NULL);
}

static void address_changed(ktime now)
{
	struct addr was = addr_ip4(bound), is;

	bound = netif_ip4_addr(&port_netif)->addr;
	is = addr_ip4(bound);
	if (!addr_is_none(&was))
		address_lost(&was);
	if (!bound) {
		port_dhcp_forget();
		log_warn("dhcp: address lost");
		start_reports(now);
		return;
	}
	if (by_dhcp)
		COUNT(N_DHCP_LEASES);
	say_address();
	address_gained(&is);
}

ktime address_timers(ktime now)
{
	if (now < look_due)
		return look_due;
	look_due = now + LOOK_AGAIN;
	dhcp.flags &= (u8_t)~PORT_DHCP_FLAG_ASKED;
	if (dhcp.state == DHCP_STATE_BOUND && !plausible())
		refuse_lease();
	if (netif_ip4_addr(&port_netif)->addr != bound) {
		address_changed(now);
	} else if (!bound && asked_at && now >= still_trying) {
		log_warn("dhcp: no answer yet, still trying (%u s)",
			 (unsigned)((now - asked_at) / SECONDS(1)));
		still_trying = now + MIN(2 * (now - asked_at), LAST_REPORT);
	}
	return look_due;
}

bool address_given(uint32_t *ip, uint32_t *gw)
{
	*ip = static_ip;
	*gw = static_gw;
	return !by_dhcp;
}

void address_start(void)
{
	netif_set_status_callback(&port_netif, look_again);
	ip6_start();
	if (by_dhcp) {
		start_reports(clock_now());
		dhcp_set_struct(&port_netif, &dhcp);
		if (dhcp_start(&port_netif) != ERR_OK)
			log_error("dhcp: cannot start");
	} else if (static_ip) {
		ip4_addr_t ip = { static_ip }, gw = { static_gw };
		ip4_addr_t mask = { lwip_htonl(UINT32_MAX << (32 - static_prefix)) };

		netif_set_addr(&port_netif, &ip, &mask, &gw);
	}
}

bool net_up(void)
{
	return netif_ip4_addr(&port_netif)->addr != 0 || ip6_up();
}

void net_on_address(void (*fn)(const struct addr *a))
{
	on_address = fn;
}
