/* SPDX-License-Identifier: MIT */
/* A board without IPv6 (net/ip6/ip6.h). */
#include <errno.h>

#include "net/ip6/ip6.h"
#include "net/port/frames.h"

void ip6_declare(void)
{
}

void ip6_start(void)
{
}

bool ip6_up(void)
{
	return false;
}

void ip6_input_frame(struct frame *f)
{
	port_ignore(f);
}

void ip6_setup(struct netif *netif)
{
}

bool ip6_may_send(const uint8_t *ip)
{
	return false;
}

void ip6_tick(void)
{
}

ktime ip6_timers(ktime now)
{
	return FOREVER;
}

int ip6_parse(const char **text, struct addr *a)
{
	return -EINVAL;
}

void ip6_text(char buf[ADDR_TEXT], const struct addr *a)
{
	buf[0] = '\0';
}
