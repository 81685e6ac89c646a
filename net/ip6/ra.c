/* SPDX-License-Identifier: MIT */
/* Router advertisements (RFC 4861 §6.2.3, §6.3): what lwIP does not take from them itself. lwIP
 * keeps the routers and the prefixes on the link, in tables of fixed size; here addresses are
 * made of prefixes, DNS servers taken (RFC 8106) and DHCPv6 started when they ask for it, and
 * the console is told.
 *
 * A router cannot be told from one who pretends to be one: what a false one can do is bounded, not
 * prevented. Whoever has ip6=CIDR and gw6= listens to none. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/netif.h>

#include "kernel/kernel.h"
#include "net/dns.h"
#include "net/ip6/impl.h"
#include "net/port/bytes.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define RA_HLEN 16u
#define FLAG_MANAGED 0x80
#define FLAG_OTHER 0x40
#define OPTION_PREFIX 3
#define OPTION_MTU 5
#define OPTION_RDNSS 25
#define MTU_LEAST 1280u                /* RFC 4861 §6.3.4: less is not looked at */
#define PREFIX_LEN 32u
#define PREFIX_AUTONOMOUS 0x40
#define NETWORK_BITS 64
#define SERVERS DNS_OFFERED_MAX
#define ROUTERS BUDGET_IP6_ROUTERS
#define WAIT SECONDS(5)

static struct addr routers[ROUTERS];   /* that the console has heard of */
static unsigned router_count;
static ktime complain_at = FOREVER;

static struct {
	struct addr addr;
	ktime until;
} servers[SERVERS];
static unsigned server_count;

void ra_start(ktime now)
{
	if (ip6_mode() == IP6_STATIC && ip6_gateway())
		return;
	log_info("ip6: asking for a router");
	complain_at = now + WAIT;
}

/* ---- DNS servers --------------------------------------------------------------- */

static void tell_servers(void)
{
	struct addr list[SERVERS];

	for (unsigned i = 0; i < server_count; i++)
		list[i] = servers[i].addr;
	dns_offered(DNS_BY_ROUTER, list, server_count);
}

static void forget_server(unsigned i)
{
	servers[i] = servers[--server_count];
	tell_servers();
}

static void hear_server(const struct addr *a, uint32_t lifetime)
{
	ktime until = lifetime == UINT32_MAX ? FOREVER : clock_now() + SECONDS(lifetime);

	for (unsigned i = 0; i < server_count; i++) {
		if (!addr_equal(&servers[i].addr, a))
			continue;
		servers[i].until = until;
		if (lifetime == 0)
			forget_server(i);
		return;
	}
	if (lifetime == 0 || server_count == SERVERS)
		return;
	servers[server_count].addr = *a;
	servers[server_count++].until = until;
	tell_servers();
}

/* ---- What they say --------------------------------------------------------------- */

static void hear_option(const uint8_t *o, unsigned len)
{
	struct addr a;

	if (o[0] == OPTION_PREFIX && len == PREFIX_LEN && ip6_mode() != IP6_STATIC) {
		memcpy(a.word, o + 16, sizeof(a.word));
		if ((o[3] & PREFIX_AUTONOMOUS) && o[2] == NETWORK_BITS && !addr_is_link_local(&a) &&
		    o[16] != 0xff && !addr_is_none(&a))
			slaac_prefix(addr_network(&a), be32(o + 4), be32(o + 8));
	} else if (o[0] == OPTION_MTU && len == 8 && be32(o + 4) >= MTU_LEAST) {
		ip6_link_mtu(be32(o + 4));
	} else if (o[0] == OPTION_RDNSS) {
		for (unsigned at = 8; at + 16 <= len; at += 16) {
			memcpy(a.word, o + at, sizeof(a.word));
			if (!addr_is_none(&a) && !addr_is_ip4(&a) && o[at] != 0xff)
				hear_server(&a, be32(o + 4));
		}
	}
}

/* Says so when this router is new: at most once for as many as there is room for. */
static void say_router(const struct addr *router, const uint8_t *ra)
{
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < router_count; i++)
		if (addr_equal(&routers[i], router))
			return;
	if (router_count == ROUTERS)
		return;
	routers[router_count++] = *router;
	log_info("ip6: router %s, lifetime %u s%s%s", addr_text(text, router),
		 (unsigned)be16(ra + 6), ra[5] & FLAG_MANAGED ? ", addresses by dhcp6" : "",
		 (ra[5] & FLAG_OTHER) && !(ra[5] & FLAG_MANAGED) ? ", servers by dhcp6" : "");
}

bool ra_hear(const struct addr *router, const uint8_t *ra, unsigned len)
{
	if (ip6_mode() == IP6_STATIC && ip6_gateway())
		return false;
	if (ra[1] != 0)
		return false;
	complain_at = FOREVER;
	say_router(router, ra);
	for (unsigned at = RA_HLEN; at < len; at += 8u * ra[at + 1])
		hear_option(ra + at, 8u * ra[at + 1]);
	if (ip6_mode() == IP6_AUTO && (ra[5] & (FLAG_MANAGED | FLAG_OTHER)))
		dhcp6_start(ra[5] & FLAG_MANAGED);
	return true;
}

void ra_tick(ktime now)
{
	if (now >= complain_at) {
		log_info("ip6: no router answers; listening on");
		complain_at = FOREVER;
	}
	for (unsigned i = server_count; i-- > 0;)
		if (now >= servers[i].until)
			forget_server(i);
}
