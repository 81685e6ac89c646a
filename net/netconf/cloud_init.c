/* SPDX-License-Identifier: MIT */
/* cloud-init's network-config: "Networking config Version 1", "Networking config Version 2". Below
 * a key "network", or not. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "net/netconf/impl.h"

#define IS(text, word) (strcmp(text, word) == 0)

/* 1 or 0 as YAML 1.1 has them, by which Netplan reads; -ENOENT: not there; -EINVAL: refused. */
static int truth(const struct interface *i, const struct yaml_node *map, const char *key)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "n", "y" };
	const struct yaml_node *n = yaml_member(map, key);

	if (!n)
		return -ENOENT;
	for (unsigned w = 0; w < ARRAY_LEN(words); w++)
		if (strcasecmp(interface_shown(n), words[w]) == 0)
			return w % 2;
	netconf_refuse(i->name, key, interface_shown(n), "true or false");
	return -EINVAL;
}

static void accept_ra(const struct interface *i, const struct yaml_node *n)
{
	if (truth(i, n, "accept-ra") == 0)
		netconf_unused(i->name, "accept-ra ", yaml_text(n, "accept-ra"),
			       "routers are heard unless ip6=off");
}

/* ---- Version 1 -------------------------------------------------------------------------- */

static void search_unused(const char *name, const struct yaml_node *list)
{
	if (list && (list->kind == YAML_TEXT || list->first))
		netconf_unused(name, "search", NULL, "names are asked for as they are");
}

static void route1(struct interface *i, const struct yaml_node *r)
{
	const char *to = yaml_text(r, "destination");

	if (!to)
		to = yaml_text(r, "network");
	interface_route(i, to, yaml_text(r, yaml_text(r, "netmask") ? "netmask" : "prefix"),
			yaml_text(r, "gateway"));
}

static void subnet1(struct interface *i, const struct yaml_node *s)
{
	const char *type = yaml_text(s, "type");

	if (!type)
		type = "none";
	if (IS(type, "dhcp") || IS(type, "dhcp4"))
		interface_way(i, 0, WAY_DHCP);
	else if (IS(type, "dhcp6") || IS(type, "ipv6_dhcpv6-stateful"))
		interface_way(i, 1, WAY_DHCP);
	else if (IS(type, "ipv6_slaac") || IS(type, "ipv6_dhcpv6-stateless"))
		interface_way(i, 1, WAY_AUTO);
	else if (IS(type, "static") || IS(type, "static6"))
		interface_address(i, yaml_text(s, "address"), yaml_text(s, "netmask"));
	else if (!IS(type, "manual"))
		interface_type(i, "subnet's type", type, "static, static6, dhcp4, dhcp6, "
			       "ipv6_slaac or ipv6_dhcpv6-stateless");
	interface_gateway(i, s, "gateway");
	for (const struct yaml_node *r = interface_list(i, s, "routes"); r; r = r->next)
		route1(i, r);
	interface_dns(i, yaml_member(s, "dns_nameservers"));
	search_unused(i->name, yaml_member(s, "dns_search"));
	interface_known(i->name, s, " type address netmask gateway routes dns_nameservers "
			"dns_search control network broadcast ipv4 ipv6 ");
}

static void physical(struct netconf *c, const struct yaml_node *n)
{
	const char *name = yaml_text(n, "name");
	struct interface *i = interface_new(c, name ? name : "interface");

	if (!i)
		return;
	interface_mac(i, "mac_address", yaml_text(n, "mac_address"));
	interface_mtu(i, yaml_text(n, "mtu"));
	for (const struct yaml_node *s = interface_list(i, n, "subnets"); s; s = s->next)
		subnet1(i, s);
	accept_ra(i, n);
	interface_known(i->name, n, " type name mac_address mtu subnets accept-ra ");
}

static struct interface *named(struct netconf *c, const char *name)
{
	for (unsigned i = 0; name && i < c->count; i++)
		if (strcmp(c->list[i].name, name) == 0)
			return &c->list[i];
	return NULL;
}

/* What stands beside the interfaces, once these are known. */
static void beside(struct netconf *c, const struct yaml_node *n, const char *type)
{
	struct interface *i;

	if (IS(type, "nameserver")) {
		i = named(c, yaml_text(n, "interface"));
		interface_dns(i ? i : &c->all, yaml_member(n, "address"));
		search_unused("nameserver", yaml_member(n, "search"));
	} else if (IS(type, "route")) {
		route1(&c->all, n);
	} else if (!IS(type, "physical") && !IS(type, "loopback")) {
		netconf_unused(yaml_text(n, "name"), "type ", type,
			       "expected physical, nameserver or route");
	}
}

static int version1(struct netconf *c, const struct yaml_node *root)
{
	const struct yaml_node *config = yaml_member(root, "config");
	const char *type;

	if (config && config->kind != YAML_LIST) {
		netconf_refuse(NULL, "config", config->text, "a list; DHCP as ever");
		return -EINVAL;
	}
	for (const struct yaml_node *n = yaml_first(config); n; n = n->next)
		if ((type = yaml_text(n, "type")) != NULL && IS(type, "physical"))
			physical(c, n);
	for (const struct yaml_node *n = yaml_first(config); n; n = n->next) {
		type = yaml_text(n, "type");
		beside(c, n, type ? type : "none");
	}
	return 0;
}

/* ---- Version 2 -------------------------------------------------------------------------- */

static void dhcp2(struct interface *i, const struct yaml_node *n, const char *key, unsigned family)
{
	int is = truth(i, n, key);

	if (is > 0)
		interface_way(i, family, WAY_DHCP);
	else if (is == -EINVAL)
		i->doubtful[family] = true;
}

/* A text, or a map whose key it is. */
static void address2(struct interface *i, const struct yaml_node *n)
{
	const char *text = n->kind == YAML_MAP && n->first ? n->first->key : n->text;

	interface_address(i, text, NULL);
}

static void route2(struct interface *i, const struct yaml_node *r)
{
	interface_route(i, yaml_text(r, "to"), NULL, yaml_text(r, "via"));
	interface_known(i->name, r, " to via metric on-link scope type from table ");
}

static void ethernet(struct netconf *c, const struct yaml_node *n)
{
	const struct yaml_node *match = yaml_member(n, "match");
	const struct yaml_node *servers = yaml_member(n, "nameservers");
	struct interface *i = interface_new(c, n->key);

	if (!i)
		return;
	interface_mac(i, "macaddress", yaml_text(match, "macaddress"));
	interface_mtu(i, yaml_text(n, "mtu"));
	dhcp2(i, n, "dhcp4", 0);
	dhcp2(i, n, "dhcp6", 1);
	for (const struct yaml_node *a = interface_list(i, n, "addresses"); a; a = a->next)
		address2(i, a);
	interface_gateway(i, n, "gateway4");
	interface_gateway(i, n, "gateway6");
	for (const struct yaml_node *r = interface_list(i, n, "routes"); r; r = r->next)
		route2(i, r);
	interface_dns(i, yaml_member(servers, "addresses"));
	search_unused(i->name, yaml_member(servers, "search"));
	accept_ra(i, n);
	interface_known(i->name, match, " macaddress ");
	interface_known(i->name, servers, " addresses search ");
	interface_known(i->name, n, " match set-name mtu dhcp4 dhcp6 addresses gateway4 gateway6 "
			"routes nameservers renderer optional critical dhcp-identifier "
			"wakeonlan accept-ra ");
}

static int version2(struct netconf *c, const struct yaml_node *root)
{
	static const char *const kinds[] = { "bonds", "bridges", "vlans", "wifis", "tunnels" };

	const struct yaml_node *cards = yaml_member(root, "ethernets");

	if (cards && cards->kind != YAML_MAP) {
		netconf_refuse(NULL, "ethernets", interface_shown(cards), "a map");
		return -EINVAL;
	}
	for (const struct yaml_node *n = yaml_first(cards); n; n = n->next)
		ethernet(c, n);
	for (unsigned k = 0; k < ARRAY_LEN(kinds); k++)
		for (const struct yaml_node *n = yaml_first(yaml_member(root, kinds[k])); n;
		     n = n->next)
			netconf_unused(n->key, "what is below ", kinds[k], "expected ethernets");
	interface_known(NULL, root, " version ethernets bonds bridges vlans wifis tunnels "
			"renderer ");
	return 0;
}

int netconf_cloud_init(struct netconf *c, const struct yaml_node *root)
{
	const struct yaml_node *network = yaml_member(root, "network");
	const char *version;

	if (network)
		root = network;
	version = yaml_text(root, "version");
	if (version && IS(version, "1"))
		return version1(c, root);
	if (version && IS(version, "2"))
		return version2(c, root);
	netconf_refuse(NULL, "version", version, "1 or 2; not used");
	return -EINVAL;
}
