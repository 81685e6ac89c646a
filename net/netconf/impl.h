/* SPDX-License-Identifier: MIT */
/* What the formats are read into (net/netconf.h). */
#pragma once

#include "net/addr.h"
#include "net/dns.h"
#include "net/netconf/yaml.h"

#define NETCONF_INTERFACES 8u

enum netconf_way { WAY_UNSAID, WAY_AUTO, WAY_DHCP, WAY_STATIC };

/* Texts belong to the document. */
struct interface {
	const char *name;
	const char *id;                /* that OpenStack's networks refer to */
	const char *mtu;               /* digits, or NULL */
	struct addr ip[2], gw[2];      /* of IPv4, of IPv6 */
	unsigned prefix[2];
	enum netconf_way way[2];
	bool doubtful[2];              /* something about that family is refused */
	struct addr dns[DNS_OFFERED_MAX];
	unsigned dns_count;
	uint8_t mac[6];
	bool has_mac;
};

struct netconf {
	struct interface list[NETCONF_INTERFACES];
	unsigned count;
	struct interface all;          /* what is said of no interface: gw, dns */
};

/* ---- cloud_init.c, openstack.c: 0, or -EINVAL, logged: it is none of that -------------- */

int netconf_cloud_init(struct netconf *c, const struct yaml_node *root);
int netconf_openstack(struct netconf *c, const struct yaml_node *root);

/* ---- netconf.c: what is said -------------------------------------------------------------- */

/* "name: key "value": expected this". A missing value is NULL. */
void netconf_refuse(const char *name, const char *key, const char *value, const char *expected);

/* "name: what "value" is not used: why". */
void netconf_unused(const char *name, const char *what, const char *value, const char *why);

/* ---- interface.c: each says what it does not take ------------------------------------------- */

/* One more; NULL: there are too many. */
struct interface *interface_new(struct netconf *c, const char *name);

void interface_mac(struct interface *i, const char *key, const char *text);
void interface_mtu(struct interface *i, const char *text);

/* An address, with its prefix unless `mask` is one, or a netmask. */
void interface_address(struct interface *i, const char *text, const char *mask);

/* Addresses of a family (0: IPv4, 1: IPv6) come otherwise. */
void interface_way(struct interface *i, unsigned family, enum netconf_way way);

/* Where they come from is a word that is not known; it may be about either family. */
void interface_type(struct interface *i, const char *key, const char *type, const char *expected);

/* A member that may be there. */
void interface_gateway(struct interface *i, const struct yaml_node *map, const char *key);

/* A route to a network, by a prefix or a netmask; "default" is all of them. */
void interface_route(struct interface *i, const char *to, const char *mask, const char *via);

/* Name servers: a text, or a list of them. */
void interface_dns(struct interface *i, const struct yaml_node *servers);

/* What is said of all interfaces, behind what is said of this one. */
void interface_take(struct interface *i, const struct interface *all);

/* A value in a line: its text, or that it is a list or a map. */
const char *interface_shown(const struct yaml_node *n);

/* The first element of a member that is a list; NULL: none, or, said, it is no list. The interface
 * that it is of may be NULL. */
const struct yaml_node *interface_list(struct interface *i, const struct yaml_node *map,
				       const char *key);

/* One unused line for each member whose key is none of `known`, words with one space around; or
 * for what is no map. NULL is none. */
void interface_known(const char *name, const struct yaml_node *map, const char *known);
