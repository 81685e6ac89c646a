/* SPDX-License-Identifier: MIT */
/* What a router quotes of a packet that was too big (RFC 8201, RFC 4443 §3.2): net/port/pmtu.c does
 * what is to be done. */
#include <string.h>

#include <lwip/opt.h>

#include <lwip/prot/ip6.h>

#include "net/ip6/impl.h"
#include "net/port/bytes.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define QUOTE 8u                       /* where the packet quoted begins */
#define TCP_NEEDED 8u                  /* ports and sequence number */

static ip_addr_t address_at(const uint8_t *p)
{
	struct addr a;

	memcpy(a.word, p, sizeof(a.word));
	return ip_of_addr(&a);
}

void pmtu_hear(const uint8_t *icmp, unsigned len)
{
	const uint8_t *ip = icmp + QUOTE;
	ip_addr_t local, remote;

	if (len < QUOTE + IP6_HLEN + TCP_NEEDED || ip[6] != IP6_NEXTH_TCP)
		return;
	local = address_at(ip + 8);
	remote = address_at(ip + 24);
	port_too_big(&local, &remote, ip + IP6_HLEN, be32(icmp + 4));
}
