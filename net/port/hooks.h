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

/* netif.c: interface MTU and time servers (RFC 2132 §5.1, §8.3). */
void port_dhcp_option(struct netif *netif, u8_t option, u8_t len, struct pbuf *p, u16_t at);
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, type, option, len, p, at) \
	do { \
		LWIP_UNUSED_ARG(msg); \
		port_dhcp_option(netif, option, len, p, at); \
	} while (0)
