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
#include <lwip/dns.h>
#include <lwip/netif.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "net/net.h"
#include "net/ntp.h"
#include "net/port/port.h"
#include "net/tcp.h"

#define TEXT 20u                       /* "255.255.255.255/32" */
#define FIRST_REPORT SECONDS(5)
#define LAST_REPORT SECONDS(60)

static bool by_dhcp = true;
static u32_t static_ip, static_gw, static_dns[DNS_MAX_SERVERS];
static unsigned static_prefix;

static struct dhcp dhcp;
static u32_t bound;                    /* the address in use, 0: none */
static ktime asked_at, report_due = FOREVER, report_step;
static void (*on_address)(uint32_t ip4);

/* ---- Settings --------------------------------------------------------------- */

/* A decimal number of at most `max`, moving *p behind it: -1 when none. */
static int number(const char **p, int max)
{
	int n = 0, digits = 0;

	for (; **p >= '0' && **p <= '9' && n <= max; (*p)++, digits++)
		n = n * 10 + (**p - '0');
	return digits > 0 && n <= max ? n : -1;
}

/* A dotted quad, moving *p behind it. */
static int quad(const char **p, u32_t *ip4)
{
	u32_t ip = 0;

	for (int i = 0; i < 4; i++) {
		int n = number(p, 255);

		if (n < 0 || (i < 3 && *(*p)++ != '.'))
			return -EINVAL;
		ip = ip << 8 | (u32_t)n;
	}
	*ip4 = lwip_htonl(ip);
	return 0;
}

static int set_ip(const char *value)
{
	u32_t ip;
	int prefix;

	if (strcmp(value, "dhcp") == 0) {
		by_dhcp = true;
		return 0;
	}
	if (quad(&value, &ip) < 0 || ip == 0 || *value++ != '/')
		return -EINVAL;
	prefix = number(&value, 32);
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
	u32_t ip[DNS_MAX_SERVERS] = { 0 };

	for (unsigned i = 0; i < DNS_MAX_SERVERS; i++) {
		if (quad(&value, &ip[i]) < 0)
			return -EINVAL;
		if (*value != ',')
			break;
		value++;
	}
	if (*value)
		return -EINVAL;
	memcpy(static_dns, ip, sizeof(ip));
	return 0;
}

static const struct setting settings[] = {
	{ .key = "ip", .type = SETTING_CHECKED, .check = set_ip,
	  .expected = "dhcp, or an address with its prefix: 192.0.2.7/24" },
	{ .key = "gw", .type = SETTING_CHECKED, .check = set_gw, .expected = "an address" },
	{ .key = "dns", .type = SETTING_CHECKED, .check = set_dns,
	  .expected = "an address, or two with a comma between" },
};

void address_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
}

/* ---- What is said ----------------------------------------------------------- */

static const char *text(char *buf, u32_t ip4)
{
	u32_t ip = lwip_htonl(ip4);

	if (ip == 0)
		return "none";
	snprintf(buf, TEXT, "%u.%u.%u.%u", (unsigned)(ip >> 24), (unsigned)(ip >> 16 & 255),
		 (unsigned)(ip >> 8 & 255), (unsigned)(ip & 255));
	return buf;
}

static void say_address(void)
{
	char ip[TEXT], gw[TEXT], dns[TEXT], lease[40] = "";
	unsigned prefix = (unsigned)__builtin_popcount(netif_ip4_netmask(&port_netif)->addr);

	if (by_dhcp && dhcp.offered_t0_lease == UINT32_MAX)
		snprintf(lease, sizeof(lease), ", lease without end");
	else if (by_dhcp)
		snprintf(lease, sizeof(lease), ", lease %u s", (unsigned)dhcp.offered_t0_lease);
	log_info("address %s/%u, gateway %s, dns %s%s",
		 text(ip, netif_ip4_addr(&port_netif)->addr), prefix,
		 text(gw, netif_ip4_gw(&port_netif)->addr),
		 text(dns, ip_addr_get_ip4_u32(dns_getserver(0))), lease);
}

static void start_reports(ktime now)
{
	log_info("dhcp: asking for an address");
	asked_at = now;
	report_step = FIRST_REPORT;
	report_due = now + report_step;
	port_due_at(report_due);
}

/* ---- The address changes ---------------------------------------------------- */

static void apply_static_dns(void)
{
	for (unsigned i = 0; i < DNS_MAX_SERVERS; i++) {
		ip_addr_t server;

		ip_addr_set_ip4_u32_val(server, static_dns[i]);
		if (static_dns[i])
			dns_setserver((u8_t)i, &server);
	}
}

/* lwIP calls this when the interface comes up or its address has changed. Here
 * nothing is done but noticing: it may be deep inside lwIP's input. */
static void look_again(struct netif *netif)
{
	report_due = 0;
	port_due_at(0);
}

static void address_changed(ktime now)
{
	u32_t was = bound;

	bound = netif_ip4_addr(&port_netif)->addr;
	if (was)
		streams_drop_address(was);
	ntp_address(bound != 0);
	if (!bound) {
		log_warn("dhcp: address lost");
		start_reports(now);
		return;
	}
	if (by_dhcp)
		COUNT(N_DHCP_LEASES);
	apply_static_dns();
	say_address();
	if (on_address)
		on_address(bound);
}

ktime address_timers(ktime now)
{
	if (now < report_due)
		return report_due;
	report_due = FOREVER;
	if (netif_ip4_addr(&port_netif)->addr != bound) {
		address_changed(now);
	} else if (!bound && asked_at) {
		if (now >= asked_at + report_step) {
			log_warn("dhcp: no answer yet, still trying (%u s)",
				 (unsigned)((now - asked_at) / SECONDS(1)));
			report_step = now - asked_at + MIN(2 * (now - asked_at), LAST_REPORT);
		}
		report_due = asked_at + report_step;
	}
	return report_due;
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
	if (by_dhcp) {
		start_reports(clock_now());
		dhcp_set_struct(&port_netif, &dhcp);
		if (dhcp_start(&port_netif) != ERR_OK)
			log_error("dhcp: cannot start");
	} else {
		ip4_addr_t ip = { static_ip }, gw = { static_gw };
		ip4_addr_t mask = { lwip_htonl(UINT32_MAX << (32 - static_prefix)) };

		netif_set_addr(&port_netif, &ip, &mask, &gw);
	}
}

bool net_up(void)
{
	return netif_ip4_addr(&port_netif)->addr != 0;
}

void net_on_address(void (*fn)(uint32_t ip4))
{
	on_address = fn;
}
