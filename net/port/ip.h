/* SPDX-License-Identifier: MIT */
/* Between lwIP's addresses and ours (net/addr.h). */
#pragma once

#include <lwip/opt.h>

#include <lwip/ip_addr.h>

#include "net/addr.h"

#if LWIP_IPV6
static inline struct addr addr_of_ip6(const ip6_addr_t *ip)
{
	return (struct addr){ { ip->addr[0], ip->addr[1], ip->addr[2], ip->addr[3] } };
}

static inline ip6_addr_t ip6_of_addr(const struct addr *a)
{
	return (ip6_addr_t){ { a->word[0], a->word[1], a->word[2], a->word[3] } };
}

static inline struct addr addr_of_ip(const ip_addr_t *ip)
{
	return IP_IS_V6_VAL(*ip) ? addr_of_ip6(ip_2_ip6(ip)) : addr_ip4(ip_2_ip4(ip)->addr);
}

static inline ip_addr_t ip_of_addr(const struct addr *a)
{
	ip_addr_t ip;

	if (addr_is_ip4(a))
		ip_addr_set_ip4_u32_val(ip, addr_as_ip4(a));
	else
		ip_addr_copy_from_ip6(ip, ip6_of_addr(a));
	return ip;
}

/* An address as one number. Of IPv6, words are multiplied by secrets and added: a universal hash
 * (Dietzfelbinger, 1996). */
static inline uint32_t ip_mix(const ip_addr_t *ip, const uint64_t key[3])
{
	const u32_t *w = ip_2_ip6(ip)->addr;

	if (!IP_IS_V6_VAL(*ip))
		return ip_2_ip4(ip)->addr;
	return w[3] ^ (uint32_t)((w[0] * key[0] + w[1] * key[1] + w[2] * key[2]) >> 32);
}
#else
static inline struct addr addr_of_ip(const ip_addr_t *ip)
{
	return addr_ip4(ip->addr);
}

static inline ip_addr_t ip_of_addr(const struct addr *a)
{
	return (ip_addr_t){ addr_as_ip4(a) };
}

static inline uint32_t ip_mix(const ip_addr_t *ip, const uint64_t key[3])
{
	return ip->addr;
}
#endif
