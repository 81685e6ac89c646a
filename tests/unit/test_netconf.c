/* SPDX-License-Identifier: MIT */
/* sources: net/netconf/netconf.c net/netconf/interface.c net/netconf/cloud_init.c
 *	net/netconf/openstack.c net/netconf/yaml.c net/netconf/yaml_inline.c net/addr.c
 *	net/ip6/text.c */
/* net/netconf.h: which settings each format becomes, for which card, and what is said of the
 * rest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/config_drive.h"
#include "net/netconf.h"
#include "tests/unit/fake_kernel.h"

uintptr_t __stack_chk_guard = 0x5a17c0de5a17c0de;

static const uint8_t mac1[] = { 0x52, 0x54, 0, 0, 0, 1 }, mac2[] = { 0x52, 0x54, 0, 0, 0, 2 };
static const char *document, *nic = "", *held = "";
static char words[512], said[4096];    /* said: warnings, each with a newline */

void log_line(enum log_level level, const char *fmt, ...)
{
	size_t at = strlen(said);
	va_list args;

	if (level == LOG_INFO)
		return;
	va_start(args, fmt);
	vsnprintf(said + at, sizeof(said) - at, fmt, args);
	va_end(args);
	strcat(said, "\n");
}

void panic(const char *fmt, ...)
{
	abort();
}

char *config_drive_network(size_t *len, const char **name)
{
	*len = strlen(document);
	*name = "f";
	return strdup(document);
}

bool config_is_held(const char *key)
{
	return strcmp(key, held) == 0;
}

int config_apply_yielding(const char *text, size_t len, const char *source)
{
	assert_string_equal(source, "config drive: f");
	snprintf(words, sizeof(words), "%.*s", (int)len, text);
	return 0;
}

/* What a machine with this card makes of a document. */
static void becomes(const uint8_t *mac, const char *text, const char *expected, const char *lines)
{
	unsigned rank = NETCONF_NONE;

	document = text;
	words[0] = said[0] = '\0';
	if (netconf_read() && mac)
		rank = netconf_rank(mac);
	netconf_apply(rank, nic);
	assert_string_equal(words, expected);
	assert_string_equal(said, lines);
}

#define V1 "version: 1\nconfig:\n- type: physical\n  name: e\n  subnets:\n  - "

static void test_version1(void **state)
{
	becomes(NULL, V1 "{type: dhcp}\n", "ip=dhcp", "");
	becomes(NULL, V1 "{type: dhcp4}\n  - {type: dhcp6}\n", "ip=dhcp ip6=dhcp", "");
	becomes(NULL, V1 "{type: ipv6_slaac}\n", "ip=off ip6=auto", "");
	becomes(NULL, V1 "{type: manual}\n", "", "");
	becomes(NULL, V1 "{type: static, address: 192.0.2.7, netmask: 255.255.255.128, gateway: "
		"192.0.2.1, dns_nameservers: [192.0.2.53]}\n- {type: nameserver, address: "
		"192.0.2.54}\n", "ip=192.0.2.7/25 gw=192.0.2.1 dns=192.0.2.53,192.0.2.54", "");
	becomes(NULL, V1 "{type: static, address: 192.0.2.7, netmask: 24, routes: [{network: "
		"0.0.0.0, netmask: 0.0.0.0, gateway: 192.0.2.1}]}\n",
		"ip=192.0.2.7/24 gw=192.0.2.1", "");
	becomes(NULL, V1 "{type: static6, address: '2001:DB8::7/64', gateway: 'fe80::1'}\n"
		"  mtu: 9000", "ip=off ip6=2001:db8::7/64 gw6=fe80::1 mtu=9000", "");
	becomes(NULL, "version: 1\nconfig: [{type: nameserver, address: 192.0.2.1, interface: b}, "
		"{type: route, destination: 0.0.0.0/0, gateway: 192.0.2.9}, {type: physical, name: "
		"b, subnets: [{type: static, address: 192.0.2.7/24}]}, {type: loopback, name: lo}]",
		"ip=192.0.2.7/24 gw=192.0.2.9 dns=192.0.2.1", "");
	becomes(NULL, "network: {version: 1, config: [{type: bond, name: b0}]}", "",
		"config drive: f: b0: type \"bond\" is not used: expected physical, nameserver or "
		"route\n");
	becomes(NULL, "network: {config: disabled, version: 1}", "",
		"config drive: f: config \"disabled\": expected a list; DHCP as ever\n");
	becomes(NULL, V1 "{type: stat}\n", "", "config drive: f: e: subnet's type \"stat\": "
		"expected static, static6, dhcp4, dhcp6, ipv6_slaac or ipv6_dhcpv6-stateless\n");
	becomes(NULL, V1 "{type: stat, gateway: 192.0.2.1}\n"
		"  - {type: static6, address: '2001:db8::7/64'}\n",
		"gw=192.0.2.1 ip6=2001:db8::7/64", "config drive: f: e: subnet's type "
		"\"stat\": expected static, static6, dhcp4, dhcp6, ipv6_slaac or "
		"ipv6_dhcpv6-stateless\n");
	becomes(NULL, V1 "{type: static, address: 192.0.2.7, netmask: 255.0.255.0}\n", "",
		"config drive: f: e: netmask \"255.0.255.0\": expected one, as 255.255.255.0\n");
}

#define V2 "version: 2\nethernets: {e: {"
#define NO_ADDRESS ": expected an address with its prefix, as 192.0.2.7/24 or 2001:db8::7/64\n"

static void test_version2(void **state)
{
	becomes(NULL, V2 "dhcp4: true, dhcp6: no}}", "ip=dhcp", "");
	becomes(NULL, V2 "dhcp6: YES}}", "ip=off ip6=dhcp", "");
	becomes(NULL, V2 "}}", "", "");
	becomes(NULL, V2 "addresses: [192.0.2.7/24, 2001:db8::7/64], routes: [{to: ::/0, via: "
		"fe80::1}, {to: 0.0.0.0/0, via: 192.0.2.1}], mtu: 1400}}",
		"ip=192.0.2.7/24 gw=192.0.2.1 ip6=2001:db8::7/64 gw6=fe80::1 mtu=1400", "");
	becomes(NULL, V2 "addresses: [0.0.0.0/24, 300.1.1.1/24, 192.0.2.7/0, 192.0.2.7/33, "
		"'::/64', 'ff02::1/64', '192.0.2.7/24 http.port=1', ~]}}", "",
		"config drive: f: e: address \"0.0.0.0/24\"" NO_ADDRESS
		"config drive: f: e: address \"300.1.1.1/24\"" NO_ADDRESS
		"config drive: f: e: address \"192.0.2.7/0\"" NO_ADDRESS
		"config drive: f: e: address \"192.0.2.7/33\"" NO_ADDRESS
		"config drive: f: e: address \"::/64\"" NO_ADDRESS
		"config drive: f: e: address \"ff02::1/64\"" NO_ADDRESS
		"config drive: f: e: address \"192.0.2.7/24 http.port=1\"" NO_ADDRESS
		"config drive: f: e: address is not there" NO_ADDRESS);
	becomes(NULL, V2 "addresses: [1.2.3/24, 2001:db8::7/64]}}", "ip6=2001:db8::7/64",
		"config drive: f: e: address \"1.2.3/24\"" NO_ADDRESS);
	becomes(NULL, V2 "gateway4: x, mtu: 15OO, match: {macaddress: 52:54}, dhcp4: maybe, "
		"nameservers: {addresses: [ns]}}}", "",
		"config drive: f: e: macaddress \"52:54\": expected a MAC address, as "
		"52:54:00:12:34:56\n"
		"config drive: f: e: mtu \"15OO\": expected a number of bytes\n"
		"config drive: f: e: dhcp4 \"maybe\": expected true or false\n"
		"config drive: f: e: gateway \"x\": expected an address, as 192.0.2.1\n"
		"config drive: f: e: name server \"ns\": expected an address, as 192.0.2.53\n");
	becomes(NULL, "version: 2\nethernet: {}", "", "config drive: f: \"ethernet\" is not used: "
		"no setting is like it\n");
	becomes(NULL, "version: 2\nethernets: [e]", "",
		"config drive: f: ethernets \"[]\": expected a map\n");
	becomes(NULL, V2 "routes: [[x]], addresses: 1}}", "",
		"config drive: f: e: addresses \"1\": expected a list\n"
		"config drive: f: e: to is not there: expected an address\n"
		"config drive: f: e: a map is not there: expected key: value\n");
	becomes(NULL, V2 "dhcp4: true}}\nbonds: [x]\n", "ip=dhcp", "config drive: f: what is below "
		"\"bonds\" is not used: expected ethernets\n");
}

/* A word that is refused does not turn IPv4 off beside an address of IPv6. */
static void test_refused(void **state)
{
#define SIX "addresses: ['2001:db8::7/64']"
#define IS "ip6=2001:db8::7/64"
#define SAID "config drive: f: e: "
#define GATEWAY ": expected an address, as 192.0.2.1\n"
	becomes(NULL, V2 SIX ", dhcp4: ture}}", IS, SAID "dhcp4 \"ture\": expected true or "
		"false\n");
	becomes(NULL, V2 SIX ", dhcp4: {}}}", IS, SAID "dhcp4 \"{}\": expected true or false\n");
	becomes(NULL, V2 SIX ", dhcp4: [y]}}", IS, SAID "dhcp4 \"[]\": expected true or false\n");
	becomes(NULL, V2 SIX ", dhcp4: ~}}", "ip=off " IS, "");
	becomes(NULL, V2 SIX ", dhcp6: x}}", "ip=off " IS, SAID "dhcp6 \"x\": expected true or "
		"false\n");
	becomes(NULL, V2 "dhcp6: y, addresses: 192.0.2.7/24}}", "ip6=dhcp", SAID "addresses "
		"\"192.0.2.7/24\": expected a list\n");
	becomes(NULL, V2 "dhcp6: y, addresses: {192.0.2.7/24: }}}", "ip6=dhcp", SAID "addresses "
		"\"{}\": expected a list\n");
	becomes(NULL, V2 SIX ", gateway4: x}}", IS, SAID "gateway \"x\"" GATEWAY);
	becomes(NULL, V2 SIX ", gateway4: 'a:b'}}", IS, SAID "gateway \"a:b\"" GATEWAY);
	becomes(NULL, V2 SIX ", gateway4: []}}", IS, SAID "gateway \"[]\"" GATEWAY);
	becomes(NULL, V2 SIX ", gateway6: x}}", "ip=off " IS, SAID "gateway \"x\"" GATEWAY);
	becomes(NULL, V2 SIX ", routes: [{to: default, via: x}]}}", IS, SAID "gateway \"x\""
		GATEWAY);
	becomes(NULL, V2 SIX ", routes: [{to: 0/0, via: 192.0.2.1}]}}", IS, SAID "route to "
		"\"0/0\": expected a network, as 192.0.2.0/24\n");
	becomes(NULL, V1 "{type: static6, address: '2001:db8::7/64', gateway: x}\n", IS,
		SAID "gateway \"x\"" GATEWAY);
	becomes(NULL, V1 "{type: static6, address: '2001:db8::7/64', gateway: ':'}\n",
		"ip=off " IS, SAID "gateway \":\"" GATEWAY);
}

/* What is said of all interfaces counts for the one that is used, behind its own. */
static void test_all(void **state)
{
#define ALL "version: 1\nconfig: [{type: nameserver, address: [192.0.2.53, 192.0.2.54]}, " \
	"{type: route, destination: default, gateway: 192.0.2.9}"
#define ONE(more) ", {type: physical, name: e, subnets: [{type: dhcp" more "}]}]"
#define TOO_MANY "config drive: f: e: name server \"192.0.2.54\" is not used: there are 2 " \
	"before it\n"
	becomes(NULL, ALL "]", "gw=192.0.2.9 dns=192.0.2.53,192.0.2.54", "");
	becomes(NULL, ALL ONE(""), "ip=dhcp gw=192.0.2.9 dns=192.0.2.53,192.0.2.54", "");
	becomes(NULL, ALL ONE(", dns_nameservers: 192.0.2.53"),
		"ip=dhcp gw=192.0.2.9 dns=192.0.2.53,192.0.2.54", "");
	becomes(NULL, ALL ONE(", dns_nameservers: 192.0.2.1"),
		"ip=dhcp gw=192.0.2.9 dns=192.0.2.1,192.0.2.53", TOO_MANY);
	becomes(NULL, ALL ONE(", gateway: 192.0.2.9"),
		"ip=dhcp gw=192.0.2.9 dns=192.0.2.53,192.0.2.54", "");
	becomes(NULL, ALL ONE(", gateway: 192.0.2.1"),
		"ip=dhcp gw=192.0.2.1 dns=192.0.2.53,192.0.2.54", "config drive: f: e: gateway "
		"\"192.0.2.9\" is not used: there is one of its family before it\n");
	becomes(mac2, ALL ", {type: physical, name: a, mac_address: '52:54:00:00:00:01'}"
		", {type: physical, name: b, mac_address: '52:54:00:00:00:02'}]",
		"gw=192.0.2.9 dns=192.0.2.53,192.0.2.54", "config drive: f: a: the interface is "
		"not used: one network card is\n");
	becomes(NULL, "{\"links\": [], \"services\": [{\"type\": \"dns\", \"address\": "
		"\"192.0.2.53\"}]}", "dns=192.0.2.53", "");
	becomes(NULL, "", "", "");
}

/* A line for each setting that is not known or has no effect; a name is cut off. */
static void test_unused(void **state)
{
#define NOTHING " is not used: no setting is like it\n"
#define FORTY "n234567890123456789012345678901234567890"
	becomes(NULL, V1 "{type: dhcp, ' type': x, 'type address': y}\n", "ip=dhcp",
		SAID "\" type\"" NOTHING SAID "\"type address\"" NOTHING);
	becomes(NULL, V2 "match: {name: en*, driver: x, macaddress: '52:54:00:00:00:01'}, "
		"nameservers: {serach: []}, dhcp4: y}}", "ip=dhcp",
		SAID "\"name\"" NOTHING SAID "\"driver\"" NOTHING SAID "\"serach\"" NOTHING
		"config drive: f: e: no network card is 52:54:00:00:00:01: used for the one there "
		"is\n");
	becomes(NULL, V2 "accept-ra: no, dhcp4: y}}", "ip=dhcp", SAID "accept-ra \"no\" is not "
		"used: routers are heard unless ip6=off\n");
	becomes(NULL, V2 "accept-ra: yes, dhcp4: y}}", "ip=dhcp", "");
	becomes(NULL, "version: 2\nethernets: {" FORTY "X: {mtu: x}}", "", "config drive: f: "
		FORTY ": mtu \"x\": expected a number of bytes\n");
}

static void test_openstack(void **state)
{
	becomes(mac2, "{\"links\": [{\"id\": \"v\", \"type\": \"vlan\"}, {\"id\": \"l\", "
		"\"mtu\": null, \"ethernet_mac_address\": \"52-54-00-00-00-02\", "
		"\"type\": \"phy\"}], \"networks\": [{\"link\": \"l\", \"type\": \"ipv4\", "
		"\"ip_address\": \"192.0.2.7\", \"netmask\": \"255.255.255.0\", "
		"\"gateway\": \"192.0.2.1\"}, {\"link\": \"l\", \"type\": "
		"\"ipv6_slaac\"}, {\"link\": \"v\", \"type\": \"ipv4_dhcp\", \"id\": \"n\"}], "
		"\"services\": [{\"type\": \"dns\", \"address\": \"192.0.2.53\"}, {\"type\": "
		"\"ntp\"}]}", "ip=192.0.2.7/24 gw=192.0.2.1 ip6=auto dns=192.0.2.53",
		"config drive: f: v: type \"vlan\" is not used: expected a card\n"
		"config drive: f: n: network on \"v\" is not used: expected a link's id\n"
		"config drive: f: all interfaces: service \"ntp\" is not used: expected dns\n");
	becomes(mac2, "{\"links\": [], \"networks\": [], \"services\": []}", "", "");
}

#define CARD(name, mac, ip) name ": {match: {macaddress: '52:54:00:00:00:" mac "'}, addresses: [" \
	ip "/24]}"
#define CARDS "version: 2\nethernets: {" CARD("a", "01", "192.0.2.1") ", " \
	CARD("b", "02", "192.0.2.2") "}"
#define UNUSED ": the interface is not used: one network card is\n"

static void test_cards(void **state)
{
	static const uint8_t other[6];

	becomes(mac1, CARDS, "ip=192.0.2.1/24", "config drive: f: b" UNUSED);
	becomes(mac2, CARDS, "ip=192.0.2.2/24", "config drive: f: a" UNUSED);
	becomes(other, CARDS, "ip=192.0.2.1/24", "config drive: f: a: no network card is "
		"52:54:00:00:00:01: used for the one there is\nconfig drive: f: b" UNUSED);
	becomes(other, "version: 2\nethernets: {" CARD("a", "01", "192.0.2.1") ", c: {dhcp4: y}}",
		"ip=dhcp", "config drive: f: a" UNUSED);
	nic = "00:03.0";
	becomes(other, CARDS, "ip=192.0.2.1/24", "config drive: f: a: is for "
		"52:54:00:00:00:01: used for nic=00:03.0 all the same\nconfig drive: f: b" UNUSED);
	nic = "52:54:00:00:00:01";
	becomes(other, CARDS, "ip=192.0.2.1/24", "config drive: f: a: no network card is "
		"52:54:00:00:00:01: used for the one there is\nconfig drive: f: b" UNUSED);
	nic = "";
}

/* With an address of another source neither its gateway nor what follows from having none. */
static void test_held(void **state)
{
#define BOTH V2 "addresses: [192.0.2.7/24, '2001:db8::7/64'], gateway4: 192.0.2.1, gateway6: " \
	"'fe80::1'}}"
#define ELSEWHERE " is not used: another source has the address\n"
	held = "ip";
	becomes(NULL, BOTH, "ip=192.0.2.7/24 ip6=2001:db8::7/64 gw6=fe80::1",
		SAID "gateway \"192.0.2.1\"" ELSEWHERE);
	becomes(NULL, V2 SIX "}}", IS, "");
	held = "ip6";
	becomes(NULL, BOTH, "ip=192.0.2.7/24 gw=192.0.2.1 ip6=2001:db8::7/64",
		SAID "gateway \"fe80::1\"" ELSEWHERE);
	becomes(NULL, V2 SIX "}}", "ip=off " IS, "");
	held = "";
}

/* All that can be said at once: the longest words fit, 20 lines are enough. */
static void test_limits(void **state)
{
	char text[2000] = "version: 2\nethernets:\n", *p = text + strlen(text);
	unsigned lines = 0;

	becomes(NULL, V2 "addresses: [223.255.255.255/32, 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/"
		"128'], gateway4: 223.255.255.254, gateway6: "
		"'fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', nameservers: {addresses: ["
		"'fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffd', "
		"'fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffc']}, mtu: 99999}}",
		"ip=223.255.255.255/32 gw=223.255.255.254 "
		"ip6=fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 "
		"gw6=fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
		"dns=fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffd,"
		"fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffc mtu=99999", "");
	for (unsigned i = 0; i < 30; i++)
		p += sprintf(p, "  e%u: {x%u: 1}\n", i, i);
	document = text;
	said[0] = '\0';
	netconf_read();
	netconf_apply(NETCONF_NONE, "");
	for (const char *c = said; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(said, "e8: interface \"e8\" is not used: there are 8 before it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version1), cmocka_unit_test(test_version2),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_all),
		cmocka_unit_test(test_unused), cmocka_unit_test(test_openstack),
		cmocka_unit_test(test_cards), cmocka_unit_test(test_held),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
