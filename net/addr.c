/* SPDX-License-Identifier: MIT */
/* IPv4 addresses as text (net/addr.h); those of IPv6 in net/ip6/text.c. */
#include "net/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/ip6/ip6.h"

int addr_number(const char **text, int max)
{
	const char *p = *text;
	int n = 0;

	for (; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (*p - '0');
	if (p == *text || n > max)
		return -1;
	*text = p;
	return n;
}

static int parse_quad(const char **text, struct addr *a)
{
	const char *p = *text;
	uint32_t ip = 0;

	for (int i = 0; i < 4; i++) {
		int n = addr_number(&p, 255);

		if (n < 0 || (i < 3 && *p++ != '.'))
			return -EINVAL;
		ip = ip << 8 | (uint32_t)n;
	}
	*a = addr_ip4(__builtin_bswap32(ip));
	*text = p;
	return 0;
}

int addr_parse(const char **text, struct addr *a)
{
	return parse_quad(text, a) == 0 ? 0 : ip6_parse(text, a);
}

const char *addr_text(char buf[ADDR_TEXT], const struct addr *a)
{
	uint32_t ip = __builtin_bswap32(addr_as_ip4(a));

	if (addr_is_none(a))
		return "none";
	if (addr_is_ip4(a))
		snprintf(buf, ADDR_TEXT, "%u.%u.%u.%u", (unsigned)(ip >> 24),
			 (unsigned)(ip >> 16 & 255), (unsigned)(ip >> 8 & 255),
			 (unsigned)(ip & 255));
	else
		ip6_text(buf, a);
	return buf;
}
