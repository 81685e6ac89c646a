/* SPDX-License-Identifier: MIT */
/* An IP address of either family, in network order: IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2),
 * so that two are the same when their words are. On a board without IPv6 only the last word is
 * there. All zero: no address. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/budget.h"

#if BUDGET_IPV6
#define ADDR_WORDS 4
#define ADDR_MAPPED __builtin_bswap32(0xffff)
struct addr { uint32_t word[ADDR_WORDS]; };
typedef uint64_t addr_net;
#else
#define ADDR_WORDS 1
struct addr { uint32_t word[ADDR_WORDS]; };
typedef uint32_t addr_net;
#endif

struct endpoint { struct addr addr; uint16_t port; };   /* port in host order */

#define ADDR_TEXT 40u                  /* bytes that addr_text() may need, with the NUL */

static inline uint32_t addr_as_ip4(const struct addr *a)
{
	return a->word[ADDR_WORDS - 1];
}

#if BUDGET_IPV6
static inline struct addr addr_ip4(uint32_t ip4)
{
	return (struct addr){ { 0, 0, ADDR_MAPPED, ip4 } };
}

static inline bool addr_is_ip4(const struct addr *a)
{
	return a->word[2] == ADDR_MAPPED && (a->word[0] | a->word[1]) == 0;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] &&
	       a->word[1] == b->word[1] && a->word[0] == b->word[0];
}

/* No address, or 0.0.0.0. */
static inline bool addr_is_none(const struct addr *a)
{
	return a->word[3] == 0 && ((a->word[0] | a->word[1] | a->word[2]) == 0 || addr_is_ip4(a));
}

/* fe80::/10: reaches no further than the link. */
static inline bool addr_is_link_local(const struct addr *a)
{
	return (a->word[0] & __builtin_bswap32(0xffc00000)) == __builtin_bswap32(0xfe800000);
}

/* What one subscriber usually has: the address of IPv4, the /64 of IPv6. */
static inline addr_net addr_network(const struct addr *a)
{
	return addr_is_ip4(a) ? (addr_net)ADDR_MAPPED << 32 | a->word[3]
			      : (addr_net)a->word[0] << 32 | a->word[1];
}
#else
static inline struct addr addr_ip4(uint32_t ip4)
{
	return (struct addr){ { ip4 } };
}

static inline bool addr_is_ip4(const struct addr *a)
{
	return true;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->word[0] == b->word[0];
}

static inline bool addr_is_none(const struct addr *a)
{
	return a->word[0] == 0;
}

static inline addr_net addr_network(const struct addr *a)
{
	return a->word[0];
}
#endif

/* Reads a dotted quad or, where there is IPv6, what RFC 4291 §2.2 allows, moving *text behind it:
 * 0 or -EINVAL. */
int addr_parse(const char **text, struct addr *a);

/* A decimal number of at most `max`, moving *text behind it: -1 when there is none. */
int addr_number(const char **text, int max);

/* Writes a dotted quad, or as RFC 5952 §4 says; "none" for none. Returns buf. */
const char *addr_text(char buf[ADDR_TEXT], const struct addr *a);
