/* SPDX-License-Identifier: MIT */
/* The parts of IPv6 (net/ip6/ip6.h) among themselves. */
#pragma once

#include "net/ip6/ip6.h"

struct pbuf;

/* ---- addresses.c: the addresses of ours ----------------------------------------- */

enum ip6_mode { IP6_AUTO, IP6_OFF, IP6_STATIC, IP6_DHCP };
enum ip6_mode ip6_mode(void);

enum ip6_origin { IP6_FREE, IP6_LINK, IP6_SLAAC, IP6_LEASE, IP6_BY_HAND };

#define IP6_FOR_EVER UINT32_MAX        /* a lifetime, as on the wire */

#define LINK_NETWORK ((addr_net)__builtin_bswap32(0xfe800000) << 32)    /* fe80::/64 */

/* Gives the interface one more address, which it may use once nobody else on the link answers for
 * it (RFC 4862 §5.4), or new lifetimes to one that it has; in seconds, as on the wire. 0, or
 * -ENOMEM: there are too many. */
int ip6_have(const struct addr *a, enum ip6_origin origin, uint32_t valid, uint32_t preferred);

/* Takes one away, or the next change says why it went. */
void ip6_drop(const struct addr *a);

/* The address of that origin in a /64, and how long it is still valid: false when there is none. */
bool ip6_in_network(addr_net network, enum ip6_origin origin, struct addr *a, uint32_t *valid);

/* Whether this is an address of ours that may be used. */
bool ip6_is_ours(const struct addr *a);

/* Once a second, after lwIP's timers. */
void ip6_addresses_tick(void);

/* gw6=, or NULL. */
const struct addr *ip6_gateway(void);

/* ---- fragments.c: RFC 8200 §4.5, RFC 5722 ---------------------------------------------- */

/* Takes a piece, one buffer from its IP header on: the fragment header is at `at`, which the byte
 * at `named_at` says; at least one byte follows it. Returns the packet once it is whole, its
 * headers in the first buffer, or NULL. */
struct pbuf *fragments_add(struct pbuf *p, unsigned at, unsigned named_at);

/* Once a second: gives up what has not become whole. */
void fragments_tick(void);

/* ---- output.c ---------------------------------------------------------------------- */

/* Packets on the link are of no more than that, or of 1280 bytes. */
void ip6_link_mtu(uint32_t mtu);

/* ---- slaac.c (RFC 4862, RFC 7217) ------------------------------------------------- */

/* ip6.secret=: any text. */
int slaac_set_secret(const char *text);

/* The `tries`-th stable address in a /64: nobody without the secret can tell from it the one in
 * another network. */
struct addr slaac_address(addr_net network, unsigned tries);

/* A router says that addresses in this /64 may be made, for so many seconds. */
void slaac_prefix(addr_net network, uint32_t valid, uint32_t preferred);

/* ---- ra.c: router advertisements (RFC 4861 §6, RFC 8106) ---------------------------- */

void ra_start(ktime now);

/* A router advertisement from the link; `len` bytes from its type on, checksum not looked at.
 * True when lwIP may have it, too. */
bool ra_hear(const struct addr *router, const uint8_t *ra, unsigned len);

void ra_tick(ktime now);

/* ---- pmtu.c: path MTU discovery (RFC 8201) -------------------------------------------- */

/* A router says that a packet of ours was too big; `len` bytes from the ICMPv6 type on. */
void pmtu_hear(const uint8_t *icmp, unsigned len);

/* ---- dhcp6.c: DHCPv6 (RFC 8415) ----------------------------------------------------------- */

/* Asks for servers, and for an address if `managed`; once under way, asking for less changes
 * nothing. */
void dhcp6_start(bool managed);

/* Another on the link has the address that was leased. */
void dhcp6_declined(const struct addr *a);

/* What is due; when to be called next. */
ktime dhcp6_timers(ktime now);
