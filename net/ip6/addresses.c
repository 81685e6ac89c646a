/* SPDX-License-Identifier: MIT */
/* The IPv6 addresses of the interface: where they come from (ip6=), how they become usable
 * (duplicate address detection, RFC 4862 §5.4) and cease to be, and what the console hears of it.
 * lwIP keeps their states and lifetimes; here they are looked at once a second.
 *
 * Outside: runs in the net loop. */
#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/nd6.h>
#include <lwip/netif.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "net/address.h"
#include "net/ip6/impl.h"
#include "net/port/hooks.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define SLOTS LWIP_IPV6_NUM_ADDRESSES
#define TRIES_MAX 4u                   /* RFC 7217 §6: IDGEN_RETRIES is 3 */
#define SLAAC_MAX (SLOTS - 3u)         /* the link's, a lease's and one by hand have room, too */

static const char *const origin_name[] = {
	[IP6_LINK] = "link-local", [IP6_SLAAC] = "stable", [IP6_LEASE] = "leased",
	[IP6_BY_HAND] = "by hand",
};

/* Beside each of lwIP's addresses. */
static struct {
	uint8_t origin, seen;          /* seen: the state that was last acted upon */
	uint8_t tries;                 /* of a stable one */
} slots[SLOTS];

static enum ip6_mode mode = IP6_AUTO;
static struct addr static_addr, gateway;
static unsigned static_prefix;
static ip6_addr_t hop;                 /* what port_next_hop6() points at */

/* ---- Settings --------------------------------------------------------------- */

static int set_ip6(const char *value)
{
	static const char *const words[] = { [IP6_AUTO] = "auto", [IP6_OFF] = "off",
					     [IP6_DHCP] = "dhcp" };
	struct addr a;
	int prefix;

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (words[i] && strcmp(value, words[i]) == 0) {
			mode = (enum ip6_mode)i;
			return 0;
		}
	}
	if (addr_parse(&value, &a) < 0 || addr_is_ip4(&a) || addr_is_none(&a) || *value++ != '/')
		return -EINVAL;
	prefix = addr_number(&value, 128);
	if (prefix < 1 || *value || ((const uint8_t *)a.word)[0] == 0xff)
		return -EINVAL;
	static_addr = a;
	static_prefix = (unsigned)prefix;
	mode = IP6_STATIC;
	return 0;
}

static int set_gw6(const char *value)
{
	struct addr a;

	if (addr_parse(&value, &a) < 0 || addr_is_ip4(&a) || addr_is_none(&a) || *value)
		return -EINVAL;
	gateway = a;
	return 0;
}

static const struct setting settings[] = {
	{ .key = "ip6", .boot = true, .type = SETTING_CHECKED, .check = set_ip6,
	  .expected = "auto, dhcp, off, or an address with its prefix: 2001:db8::7/64" },
	{ .key = "gw6", .boot = true, .type = SETTING_CHECKED, .check = set_gw6,
	  .expected = "an IPv6 address" },
	{ .key = "ip6.secret", .boot = true, .type = SETTING_CHECKED, .check = slaac_set_secret,
	  .secret = true, .expected = "any text" },
};

void ip6_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
}

enum ip6_mode ip6_mode(void)
{
	return mode;
}

const struct addr *ip6_gateway(void)
{
	return addr_is_none(&gateway) ? NULL : &gateway;
}

/* ---- The table ---------------------------------------------------------------- */

static struct addr address_in(unsigned i)
{
	return addr_of_ip6(netif_ip6_addr(&port_netif, i));
}

static bool usable(unsigned i)
{
	return ip6_addr_isvalid(netif_ip6_addr_state(&port_netif, i));
}

static int slot_of(const struct addr *a)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct addr b = address_in(i);

		if (slots[i].origin != IP6_FREE && addr_equal(a, &b))
			return (int)i;
	}
	return -ENOENT;
}

bool ip6_is_ours(const struct addr *a)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const u32_t *w = netif_ip6_addr(&port_netif, i)->addr;

		if (w[3] == a->word[3] && w[2] == a->word[2] && w[1] == a->word[1] &&
		    w[0] == a->word[0] && usable(i))
			return true;
	}
	return false;
}

bool ip6_up(void)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots[i].origin > IP6_LINK && usable(i))
			return true;
	return false;
}

bool ip6_in_network(addr_net network, enum ip6_origin origin, struct addr *a, uint32_t *valid)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		*a = address_in(i);
		*valid = netif_ip6_addr_valid_life(&port_netif, i);
		if (slots[i].origin == origin && addr_network(a) == network)
			return true;
	}
	return false;
}

static void set_lifetimes(unsigned i, uint32_t valid, uint32_t preferred)
{
	u8_t state = netif_ip6_addr_state(&port_netif, i);

	/* lwIP's 0 is an address by hand, which would make all of its /64 neighbours. */
	netif_ip6_addr_set_valid_life(&port_netif, i, MAX(valid, 1u));
	netif_ip6_addr_set_pref_life(&port_netif, i, preferred);
	if (state == IP6_ADDR_DEPRECATED && preferred > 0)
		netif_ip6_addr_set_state(&port_netif, i, IP6_ADDR_PREFERRED);
}

static void fill(unsigned i, const struct addr *a, enum ip6_origin origin, uint32_t valid,
		 uint32_t preferred)
{
	ip6_addr_t ip = ip6_of_addr(a);

	slots[i].origin = (uint8_t)origin;
	slots[i].seen = IP6_ADDR_TENTATIVE;
	netif_ip6_addr_set(&port_netif, (s8_t)i, &ip);
	set_lifetimes(i, valid, preferred);
	netif_ip6_addr_set_state(&port_netif, (s8_t)i, IP6_ADDR_TENTATIVE);
}

int ip6_have(const struct addr *a, enum ip6_origin origin, uint32_t valid, uint32_t preferred)
{
	int have = slot_of(a), room = -ENOMEM;
	unsigned same = 0;

	if (have >= 0) {
		set_lifetimes((unsigned)have, valid, preferred);
		return 0;
	}
	for (unsigned i = SLOTS - 1; i > 0; i--) {
		same += slots[i].origin == origin;
		if (slots[i].origin == IP6_FREE)
			room = (int)i;
	}
	if (origin == IP6_LINK)
		room = 0;
	if (room < 0 || (origin == IP6_SLAAC && same >= SLAAC_MAX))
		return -ENOMEM;
	slots[room].tries = 0;
	fill((unsigned)room, a, origin, valid, preferred);
	return 0;
}

void ip6_drop(const struct addr *a)
{
	int i = slot_of(a);

	if (i >= 0)
		netif_ip6_addr_set_state(&port_netif, (s8_t)i, IP6_ADDR_INVALID);
}

/* ---- What becomes of them -------------------------------------------------------- */

static void became_usable(unsigned i)
{
	struct addr a = address_in(i);
	uint32_t valid = netif_ip6_addr_valid_life(&port_netif, i);
	char text[ADDR_TEXT];

	addr_text(text, &a);
	if (valid == IP6_FOR_EVER)
		log_info("ip6: address %s, %s", text, origin_name[slots[i].origin]);
	else
		log_info("ip6: address %s, %s, valid %u s", text, origin_name[slots[i].origin],
			 (unsigned)valid);
	if (slots[i].origin != IP6_LINK)
		address_gained(&a);
}

static void became_invalid(unsigned i)
{
	struct addr a = address_in(i);
	bool was_usable = ip6_addr_isvalid(slots[i].seen);
	char text[ADDR_TEXT];

	log_warn("ip6: address %s is ours no more", addr_text(text, &a));
	slots[i].origin = IP6_FREE;
	if (was_usable)
		address_lost(&a);
}

/* Somebody else on the link has it. */
static void became_duplicate(unsigned i)
{
	struct addr a = address_in(i);
	enum ip6_origin origin = (enum ip6_origin)slots[i].origin;
	uint32_t valid = netif_ip6_addr_valid_life(&port_netif, i);
	uint32_t preferred = netif_ip6_addr_pref_life(&port_netif, i);
	bool again = (origin == IP6_SLAAC || origin == IP6_LINK) && ++slots[i].tries < TRIES_MAX;
	char text[ADDR_TEXT];

	log_error("ip6: another on this link has %s%s", addr_text(text, &a),
		  again ? ", taking the next" : "");
	if (origin == IP6_LEASE) {
		dhcp6_declined(&a);
		ip6_drop(&a);
		slots[i].origin = IP6_FREE;    /* nobody has heard of it */
	}
	if (!again)
		return;
	a = slaac_address(addr_network(&a), slots[i].tries);
	netif_ip6_addr_set_state(&port_netif, (s8_t)i, IP6_ADDR_INVALID);
	fill(i, &a, origin, valid, preferred);
}

void ip6_addresses_tick(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		u8_t was = slots[i].seen, state = netif_ip6_addr_state(&port_netif, i);

		if (slots[i].origin == IP6_FREE || state == was)
			continue;
		if (ip6_addr_isinvalid(state))
			became_invalid(i);
		else if (ip6_addr_isduplicated(state))
			became_duplicate(i);
		else if (ip6_addr_isvalid(state) && !ip6_addr_isvalid(was))
			became_usable(i);
		slots[i].seen = netif_ip6_addr_state(&port_netif, i);
	}
}

/* ---- Start, and the way out ------------------------------------------------------- */

void ip6_start(void)
{
	struct addr link;

	if (mode == IP6_OFF)
		return;
	link = slaac_address(LINK_NETWORK, 0);
	ip6_have(&link, IP6_LINK, IP6_FOR_EVER, IP6_FOR_EVER);
	if (mode == IP6_STATIC)
		ip6_have(&static_addr, IP6_BY_HAND, IP6_FOR_EVER, IP6_FOR_EVER);
	ra_start(clock_now());
	if (mode == IP6_DHCP)
		dhcp6_start(true);
}

static bool on_static_link(const ip6_addr_t *to)
{
	const uint8_t *a = (const uint8_t *)to->addr, *b = (const uint8_t *)static_addr.word;
	unsigned bytes = static_prefix / 8, bits = static_prefix % 8;

	return mode == IP6_STATIC && memcmp(a, b, bytes) == 0 &&
	       (bits == 0 || ((a[bytes] ^ b[bytes]) >> (8 - bits)) == 0);
}

const ip6_addr_t *port_next_hop6(const ip6_addr_t *to)
{
	if (on_static_link(to)) {
		hop = *to;
		return &hop;
	}
	if (addr_is_none(&gateway))
		return NULL;
	hop = ip6_of_addr(&gateway);
	return &hop;
}
