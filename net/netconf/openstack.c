/* SPDX-License-Identifier: MIT */
/* OpenStack's network_data.json: links are cards, networks what is on them, services name
 * servers (Nova, "network_data.json schema"). */
#include <errno.h>
#include <string.h>

#include "net/netconf/impl.h"

static void link(struct netconf *c, const struct yaml_node *n)
{
	const char *id = yaml_text(n, "id"), *type = yaml_text(n, "type");
	struct interface *i;

	if (!id)
		id = "link";
	if (type && (strcmp(type, "bond") == 0 || strcmp(type, "vlan") == 0)) {
		netconf_unused(id, "type ", type, "expected a card");
		return;
	}
	i = interface_new(c, id);
	if (!i)
		return;
	i->id = id;
	interface_mac(i, "ethernet_mac_address", yaml_text(n, "ethernet_mac_address"));
	interface_mtu(i, yaml_text(n, "mtu"));
}

static void services(struct interface *i, const struct yaml_node *map)
{
	for (const struct yaml_node *n = interface_list(i, map, "services"); n; n = n->next) {
		const char *type = yaml_text(n, "type");

		if (type && strcmp(type, "dns") == 0)
			interface_dns(i, yaml_member(n, "address"));
		else
			netconf_unused(i->name, "service ", type, "expected dns");
	}
}

/* Where its type says that addresses come from. */
static void addresses(struct interface *i, const struct yaml_node *n, const char *type)
{
	if (strcmp(type, "ipv4") == 0 || strcmp(type, "ipv6") == 0)
		interface_address(i, yaml_text(n, "ip_address"), yaml_text(n, "netmask"));
	else if (strcmp(type, "ipv4_dhcp") == 0)
		interface_way(i, 0, WAY_DHCP);
	else if (strcmp(type, "ipv6_dhcp") == 0 || strcmp(type, "ipv6_dhcpv6-stateful") == 0)
		interface_way(i, 1, WAY_DHCP);
	else if (strcmp(type, "ipv6_slaac") == 0 || strcmp(type, "ipv6_dhcpv6-stateless") == 0)
		interface_way(i, 1, WAY_AUTO);
	else
		interface_type(i, "network's type", type, "ipv4, ipv4_dhcp, ipv6, ipv6_dhcp or "
			       "ipv6_slaac");
}

static void network(struct netconf *c, const struct yaml_node *n)
{
	const char *on = yaml_text(n, "link"), *type = yaml_text(n, "type");
	struct interface *i = NULL;

	for (unsigned k = 0; k < c->count && !i; k++)
		if (on && strcmp(c->list[k].id, on) == 0)
			i = &c->list[k];
	if (!i) {
		netconf_unused(yaml_text(n, "id"), "network on ", on, "expected a link's id");
		return;
	}
	addresses(i, n, type ? type : "none");
	interface_gateway(i, n, "gateway");
	for (const struct yaml_node *r = interface_list(i, n, "routes"); r; r = r->next)
		interface_route(i, yaml_text(r, "network"), yaml_text(r, "netmask"),
				yaml_text(r, "gateway"));
	services(i, n);
	interface_dns(i, yaml_member(n, "dns_nameservers"));
}

int netconf_openstack(struct netconf *c, const struct yaml_node *root)
{
	for (const struct yaml_node *n = interface_list(NULL, root, "links"); n; n = n->next)
		link(c, n);
	for (const struct yaml_node *n = interface_list(NULL, root, "networks"); n; n = n->next)
		network(c, n);
	services(&c->all, root);
	return 0;
}
