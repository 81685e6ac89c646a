/* SPDX-License-Identifier: MIT */
/* See net/netconf.h: reads the document, holds its interfaces until the card is known, and makes
 * settings of one. */
#include "net/netconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/config.h"
#include "kernel/config_drive.h"
#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/netconf/impl.h"

#define LINES_MAX 20u                  /* that one document is worth */
#define WORDS_MAX 400u                 /* all keys at their longest are 280 bytes */

static struct yaml document;           /* from netconf_read() to netconf_apply() */
static struct netconf conf;
static char source[48];
static unsigned lines;

/* ---- What is said ----------------------------------------------------------------------- */

/* Whether one more line may be said. */
static bool may_say(void)
{
	if (++lines == LINES_MAX + 1)
		log_warn("%s: there is more that is not used", source);
	return lines <= LINES_MAX;
}

void netconf_refuse(const char *name, const char *key, const char *value, const char *expected)
{
	if (may_say())
		log_warn("%s: %.40s%s%s %s%.60s%s: expected %s", source, name ? name : "",
			 name ? ": " : "", key, value ? "\"" : "", value ? value : "is not there",
			 value ? "\"" : "", expected);
}

void netconf_unused(const char *name, const char *what, const char *value, const char *why)
{
	if (may_say())
		log_warn("%s: %.40s%s%s%s%.60s%s is not used: %s", source, name ? name : "",
			 name ? ": " : "", what, value ? "\"" : "", value ? value : "",
			 value ? "\"" : "", why);
}

/* ---- Settings ---------------------------------------------------------------------------- */

/* Adds to the words, of which there are `at` bytes: how many there are then. */
static size_t put(char *words, size_t at, const char *key, const char *value)
{
	bool apart = at > 0 && *key != ',';

	ASSERT(at + strlen(key) + strlen(value) + 2 <= WORDS_MAX);
	return at + (size_t)sprintf(words + at, "%s%s%s", apart ? " " : "", key, value);
}

static size_t put_address(char *words, size_t at, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT];

	return put(words, at, key, addr_text(text, a));
}

/* Whether addresses of that family are as a source has them that overrules this one. */
static bool is_held(unsigned of)
{
	return config_is_held(of ? "ip6" : "ip");
}

static size_t put_family(char *words, size_t at, const struct interface *i, unsigned of)
{
	static const char *const ip[] = { "ip=", "ip6=" }, *const gw[] = { "gw=", "gw6=" };
	static const char *const way[][2] = {
		[WAY_AUTO] = { "dhcp", "auto" }, [WAY_DHCP] = { "dhcp", "dhcp" },
	};
	char text[ADDR_TEXT];

	if (i->way[of] == WAY_STATIC) {
		at = put_address(words, at, ip[of], &i->ip[of]);
		at += (size_t)sprintf(words + at, "/%u", i->prefix[of]);
	} else if (i->way[of] != WAY_UNSAID) {
		at = put(words, at, ip[of], way[i->way[of]][of]);
	}
	if (addr_is_none(&i->gw[of]))
		return at;
	if (!is_held(of))
		return put_address(words, at, gw[of], &i->gw[of]);
	netconf_unused(i->name, "gateway ", addr_text(text, &i->gw[of]),
		       "another source has the address");
	return at;
}

/* Whether it is given IPv6, and nothing of IPv4. */
static bool is_ip6_alone(const struct interface *i)
{
	return i->way[1] != WAY_UNSAID && i->way[0] == WAY_UNSAID && addr_is_none(&i->gw[0]) &&
	       !i->doubtful[0];
}

/* Its settings, as words. */
static size_t settings_of(const struct interface *i, char *words)
{
	size_t at = put_family(words, 0, i, 0);

	if (is_ip6_alone(i) && !is_held(0))
		at = put(words, at, "ip=", "off");
	at = put_family(words, at, i, 1);
	for (unsigned n = 0; n < i->dns_count; n++)
		at = put_address(words, at, n ? "," : "dns=", &i->dns[n]);
	return i->mtu ? put(words, at, "mtu=", i->mtu) : at;
}

/* ---- From the drive to the card ------------------------------------------------------------ */

static int read_document(const char *text, size_t len)
{
	int err = yaml_read(&document, text, len);

	if (err == -ENOMEM)
		log_warn("%s: no memory to read it", source);
	else if (err < 0)
		log_warn("%s: line %u: %s; not used", source, document.line, document.wrong);
	if (err < 0 || !document.root)
		return -EINVAL;
	if (yaml_member(document.root, "links") || yaml_member(document.root, "networks"))
		return netconf_openstack(&conf, document.root);
	return netconf_cloud_init(&conf, document.root);
}

bool netconf_read(void)
{
	const char *name;
	size_t len;
	char *text = config_drive_network(&len, &name);
	bool by_mac = false;

	if (!text)
		return false;
	snprintf(source, sizeof(source), "config drive: %s", name);
	conf.all = (struct interface){ .name = "all interfaces" };
	lines = 0;
	if (read_document(text, len) < 0)
		conf = (struct netconf){ .count = 0 };
	mem_wipe(text, len);
	free(text);
	for (unsigned i = 0; i < conf.count; i++)
		by_mac |= conf.list[i].has_mac;
	return by_mac;
}

unsigned netconf_rank(const uint8_t mac[6])
{
	for (unsigned i = 0; i < conf.count; i++)
		if (conf.list[i].has_mac && memcmp(conf.list[i].mac, mac, 6) == 0)
			return i;
	return NETCONF_NONE;
}

/* The first without a MAC address, else the first: what the card that is used does not name. */
static unsigned first(const char *nic)
{
	const struct interface *i = conf.list;
	const uint8_t *m = i->mac;
	char mac[18];
	unsigned n = 0;

	while (n < conf.count && i[n].has_mac)
		n++;
	if (n < conf.count)
		return n;
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	if (*nic && strcasecmp(nic, mac) != 0)
		log_warn("%s: %.40s: is for %s: used for nic=%s all the same", source, i->name,
			 mac, nic);
	else
		log_warn("%s: %.40s: no network card is %s: used for the one there is", source,
			 i->name, mac);
	return 0;
}

static void apply(struct interface *i)
{
	char words[WORDS_MAX] = "";
	size_t len;

	interface_take(i, &conf.all);
	len = settings_of(i, words);
	log_info("%s: %.40s: %s", source, i->name, len ? words : "nothing is said of addresses");
	config_apply_yielding(words, len, source);
}

void netconf_apply(unsigned rank, const char *nic)
{
	if (conf.count > 0) {
		rank = rank == NETCONF_NONE ? first(nic) : rank;
		for (unsigned i = 0; i < conf.count; i++)
			if (i != rank)
				netconf_unused(conf.list[i].name, "the interface", NULL,
					       "one network card is");
		apply(&conf.list[rank]);
	} else if (conf.all.name) {
		apply(&conf.all);
	}
	yaml_free(&document);
	conf = (struct netconf){ .count = 0 };
}
