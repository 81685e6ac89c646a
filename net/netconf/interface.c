/* SPDX-License-Identifier: MIT */
/* What all formats say of an interface, see impl.h. */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/netconf/impl.h"

#define MAC_LEN 17u
#define ADDRESS "an address with its prefix, as 192.0.2.7/24 or 2001:db8::7/64"

/* ---- Texts ---------------------------------------------------------------------------- */

static unsigned family(const struct addr *a)
{
	return addr_is_ip4(a) ? 0 : 1;
}

/* An address that ends where the text does, or at a slash: *rest is behind that, or NULL. */
static int parse(const char *text, struct addr *a, const char **rest)
{
	if (!text || addr_parse(&text, a) < 0 || (*text && *text != '/'))
		return -EINVAL;
	*rest = *text ? text + 1 : NULL;
	return 0;
}

/* An address that a machine can have. */
static bool is_host(const struct addr *a)
{
	unsigned first = *(const uint8_t *)&a->word[addr_is_ip4(a) ? ADDR_WORDS - 1 : 0];

	return addr_is_ip4(a) ? first != 0 && first != 127 && first < 224
			      : !addr_is_none(a) && first != 0xff;
}

/* The bits of a netmask of that family, or -EINVAL: they are not the first ones. */
static int mask_bits(const struct addr *mask, unsigned of)
{
	unsigned bits = 0;
	bool ended = false;

	if (family(mask) != of)
		return -EINVAL;
	for (unsigned w = of ? 0 : ADDR_WORDS - 1; w < ADDR_WORDS; w++) {
		for (unsigned b = 32; b-- > 0; ) {
			bool one = __builtin_bswap32(mask->word[w]) >> b & 1;

			if (one && ended)
				return -EINVAL;
			ended |= !one;
			bits += one;
		}
	}
	return (int)bits;
}

/* A number or a netmask: the length of a prefix of that family, or -EINVAL. */
static int prefix(const char *text, unsigned of)
{
	const char *p = text, *rest;
	struct addr mask;
	int n;

	if (!text)
		return -EINVAL;
	n = addr_number(&p, of ? 128 : 32);
	if (n >= 0 && !*p)
		return n;
	return parse(text, &mask, &rest) == 0 && !rest ? mask_bits(&mask, of) : -EINVAL;
}

void interface_known(const char *name, const struct yaml_node *map, const char *known)
{
	if (map && map->kind != YAML_MAP && map->kind != YAML_NULL) {
		netconf_refuse(name, "a map", NULL, "key: value");
		return;
	}
	for (const struct yaml_node *n = yaml_first(map); n; n = n->next) {
		size_t len = strlen(n->key);
		bool word = len > 0 && !strchr(n->key, ' ');
		const char *at = word ? strstr(known, n->key) : NULL;

		while (at && (at[-1] != ' ' || at[len] != ' '))
			at = strstr(at + 1, n->key);
		if (!at)
			netconf_unused(name, "", n->key, "no setting is like it");
	}
}

const char *interface_shown(const struct yaml_node *n)
{
	return n->kind == YAML_TEXT ? n->text : n->kind == YAML_LIST ? "[]" : "{}";
}

const struct yaml_node *interface_list(struct interface *i, const struct yaml_node *map,
				       const char *key)
{
	const struct yaml_node *list = yaml_member(map, key);

	if (!list || list->kind == YAML_LIST)
		return yaml_first(list);
	if (i)
		i->doubtful[0] = i->doubtful[1] = true;
	netconf_refuse(i ? i->name : NULL, key, interface_shown(list), "a list");
	return NULL;
}

/* ---- The interface -------------------------------------------------------------------- */

struct interface *interface_new(struct netconf *c, const char *name)
{
	struct interface *i = &c->list[c->count];

	if (c->count == NETCONF_INTERFACES) {
		netconf_unused(name, "interface ", name, "there are 8 before it");
		return NULL;
	}
	c->count++;
	*i = (struct interface){ .name = name };
	return i;
}

void interface_mac(struct interface *i, const char *key, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = text ? strlen(text) : 0;

	for (unsigned at = 0; len == MAC_LEN && at < MAC_LEN; at++) {
		const char *digit = strchr(digits, text[at] | 0x20);

		if (at % 3 == 2 ? text[at] != ':' && text[at] != '-' : !digit)
			len = 0;
		else if (at % 3 < 2)
			i->mac[at / 3] = (uint8_t)(i->mac[at / 3] << 4 | (digit - digits));
	}
	i->has_mac = len == MAC_LEN;
	if (text && !i->has_mac)
		netconf_refuse(i->name, key, text, "a MAC address, as 52:54:00:12:34:56");
}

void interface_mtu(struct interface *i, const char *text)
{
	if (!text)
		return;
	if (strspn(text, "0123456789") == strlen(text) && strlen(text) < 6 && *text)
		i->mtu = text;
	else
		netconf_refuse(i->name, "mtu", text, "a number of bytes");
}

void interface_way(struct interface *i, unsigned of, enum netconf_way way)
{
	if (i->way[of] == WAY_STATIC)
		netconf_unused(i->name, way == WAY_DHCP ? "dhcp" : "slaac", NULL,
			       "an address of that family is given");
	else if (i->way[of] != WAY_DHCP)
		i->way[of] = way;
}

void interface_type(struct interface *i, const char *key, const char *type, const char *expected)
{
	i->doubtful[0] = i->doubtful[1] = true;
	netconf_refuse(i->name, key, type, expected);
}

/* What is refused is of the family that its key ends in, else of the one that it looks like. */
static void doubt(struct interface *i, const char *key, const char *text)
{
	char last = key[strlen(key) - 1];

	i->doubtful[last == '6' || (last != '4' && text && strchr(text, ':'))] = true;
}

void interface_address(struct interface *i, const char *text, const char *mask)
{
	const char *rest;
	struct addr a;
	unsigned of;
	int bits;

	if (parse(text, &a, &rest) < 0) {
		doubt(i, "address", text);
		netconf_refuse(i->name, "address", text, ADDRESS);
		return;
	}
	of = family(&a);
	bits = prefix(rest ? rest : mask, of);
	if (bits < 1 || !is_host(&a)) {
		i->doubtful[of] = true;
		if (!rest && mask && is_host(&a))
			netconf_refuse(i->name, "netmask", mask, "one, as 255.255.255.0");
		else
			netconf_refuse(i->name, "address", text, ADDRESS);
		return;
	}
	if (i->way[of] == WAY_STATIC) {
		netconf_unused(i->name, "address ", text, "there is one of its family before it");
		return;
	}
	if (i->way[of] != WAY_UNSAID)
		netconf_unused(i->name, i->way[of] == WAY_DHCP ? "dhcp" : "slaac", NULL,
			       "an address of that family is given");
	i->ip[of] = a;
	i->prefix[of] = (unsigned)bits;
	i->way[of] = WAY_STATIC;
}

static void take_gateway(struct interface *i, const struct addr *a)
{
	struct addr *gw = &i->gw[family(a)];
	char text[ADDR_TEXT];

	if (addr_is_none(gw))
		*gw = *a;
	else if (!addr_equal(a, gw))
		netconf_unused(i->name, "gateway ", addr_text(text, a),
			       "there is one of its family before it");
}

static void gateway(struct interface *i, const char *key, const char *text)
{
	const char *rest;
	struct addr a;

	if (parse(text, &a, &rest) == 0 && !rest && is_host(&a)) {
		take_gateway(i, &a);
		return;
	}
	doubt(i, key, text);
	netconf_refuse(i->name, "gateway", text, "an address, as 192.0.2.1");
}

void interface_gateway(struct interface *i, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = yaml_member(map, key);

	if (n)
		gateway(i, key, interface_shown(n));
}

void interface_route(struct interface *i, const char *to, const char *mask, const char *via)
{
	const char *rest = NULL;
	struct addr a;

	if (!to || !via) {
		doubt(i, "to", to ? to : via);
		netconf_refuse(i->name, to ? "via" : "to", NULL, "an address");
		return;
	}
	if (strcmp(to, "default") != 0) {
		if (parse(to, &a, &rest) < 0) {
			doubt(i, "to", to);
			netconf_refuse(i->name, "route to", to, "a network, as 192.0.2.0/24");
			return;
		}
		if (prefix(rest ? rest : mask, family(&a)) != 0) {
			netconf_unused(i->name, "route to ", to, "only one to all networks is");
			return;
		}
	}
	gateway(i, "via", via);
}

static void take_dns(struct interface *i, const struct addr *a)
{
	char text[ADDR_TEXT];

	for (unsigned k = 0; k < i->dns_count; k++)
		if (addr_equal(&i->dns[k], a))
			return;
	if (i->dns_count == DNS_OFFERED_MAX)
		netconf_unused(i->name, "name server ", addr_text(text, a),
			       "there are 2 before it");
	else
		i->dns[i->dns_count++] = *a;
}

static void add_dns(struct interface *i, const char *text)
{
	const char *rest;
	struct addr a;

	if (parse(text, &a, &rest) < 0 || rest || addr_is_none(&a))
		netconf_refuse(i->name, "name server", text, "an address, as 192.0.2.53");
	else
		take_dns(i, &a);
}

void interface_dns(struct interface *i, const struct yaml_node *servers)
{
	if (!servers)
		return;
	if (servers->kind == YAML_TEXT)
		add_dns(i, servers->text);
	for (const struct yaml_node *n = yaml_first(servers); n; n = n->next)
		add_dns(i, n->text);
}

void interface_take(struct interface *i, const struct interface *all)
{
	for (unsigned of = 0; of < 2; of++) {
		i->doubtful[of] |= all->doubtful[of];
		if (!addr_is_none(&all->gw[of]))
			take_gateway(i, &all->gw[of]);
	}
	for (unsigned k = 0; k < all->dns_count; k++)
		take_dns(i, &all->dns[k]);
}
