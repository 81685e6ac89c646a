/* SPDX-License-Identifier: MIT */
/* Where lwIP calls back into this port (LWIP_HOOK_FILENAME). */
#pragma once

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>

struct tcp_pcb;
struct tcp_hdr;
struct netif;

/* sys.c: RFC 6528. Ports in host byte order. */
u32_t port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
	       u16_t remote_port);
#define LWIP_HOOK_TCP_ISN port_isn

/* gate.c: ERR_OK, or the segment is dropped. Header fields in host byte order. */
err_t port_segment(struct tcp_pcb *pcb, struct tcp_hdr *hdr, u16_t optlen, u16_t opt1len,
		   u8_t *opt2, struct pbuf *p);
#define LWIP_HOOK_TCP_INPACKET_PCB port_segment

/* net/dhcp_options.c: one option of an answer; `message`: of which type that is. */
void port_dhcp_option(struct netif *netif, u8_t message, u8_t option, u8_t len, struct pbuf *p,
		      u16_t at);
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, type, option, len, p, at) \
	do { \
		LWIP_UNUSED_ARG(msg); \
		port_dhcp_option(netif, type, option, len, p, at); \
	} while (0)

/* net/dhcp_options.c: how long a lease is that does end, in seconds; when it is renewed, too. */
struct dhcp;
u32_t port_dhcp_lease(struct dhcp *dhcp);

/* net/dhcp_options.c: what options said holds no more, as the lease that they came with. */
void port_dhcp_forget(void);

/* A message of ours goes out, which net/routes.c hears of. A server that refuses what it offered is
 * not asked again before address.c takes the flag away: until then no offer is heard. */
void routes_asked(void);
#define PORT_DHCP_FLAG_ASKED 0x80      /* of lwIP's flags, which has not this one */
#define LWIP_HOOK_DHCP_APPEND_OPTIONS(netif, dhcp, next, msg, type, len) \
	do { \
		if ((type) == DHCP_REQUEST) \
			routes_asked(); \
		if ((next) == DHCP_STATE_REQUESTING) \
			(dhcp)->flags |= PORT_DHCP_FLAG_ASKED; \
		if ((next) == DHCP_STATE_SELECTING && ((dhcp)->flags & PORT_DHCP_FLAG_ASKED)) \
			(dhcp)->state = DHCP_STATE_BACKING_OFF; \
	} while (0)

/* net/routes.c: the gateway for a destination beyond the link, or NULL: the interface's. */
const ip4_addr_t *port_gateway(const ip4_addr_t *to);
#define LWIP_HOOK_ETHARP_GET_GW(netif, to) port_gateway(to)

#if LWIP_IPV6
/* net/ip6/addresses.c: the next hop to `to` as the settings have it, or NULL: as routers say. */
const ip6_addr_t *port_next_hop6(const ip6_addr_t *to);
#define LWIP_HOOK_ND6_GET_GW(netif, to) port_next_hop6(to)
#endif
