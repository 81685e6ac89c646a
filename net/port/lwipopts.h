/* SPDX-License-Identifier: MIT */
/* lwIP 2.2.1 as this project uses it: raw API, one loop, one interface, IPv4
 * and, where the board's budget has it, IPv6.
 * Every knob that differs from lwIP's default stands here with its reason; the
 * sizes of pools are not here but in memp.c, because they follow the machine's
 * memory. */
#pragma once

#include <stddef.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"

/* ---- System: one task at a time, timers of our own ------------------------- */

#define NO_SYS 1                        /* no threads below lwIP: all of it runs in the net loop */
#define SYS_LIGHTWEIGHT_PROT 0          /* nothing interrupts it either */
#define LWIP_NETCONN 0                  /* the sequential APIs need threads */
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0                   /* timers.c spreads TCP's over its buckets instead */
#define LWIP_HOOK_FILENAME "hooks.h"

/* ---- Memory: bounded pools of the kernel's, see memp.c ---------------------- */

void *port_malloc(size_t size);
void *port_calloc(size_t n, size_t size);
void port_free(void *p);
#define mem_init lwip_mem_init          /* kernel/mem.h has a function of that name */
#define MEM_CUSTOM_ALLOCATOR 1          /* lwIP's own heap walks its blocks: O(n) */
#define MEM_CUSTOM_MALLOC port_malloc
#define MEM_CUSTOM_CALLOC port_calloc
#define MEM_CUSTOM_FREE port_free
#define MEM_ALIGNMENT 8                 /* pointers and 64-bit counters on every target */
#define MEMP_NUM_TCP_SEG TCP_SND_QUEUELEN  /* for init.c's plausibility check only */
#define PBUF_POOL_SIZE 0                /* frames come in device buffers, copies in memp.c's */
#define LWIP_SUPPORT_CUSTOM_PBUF 1      /* received without a copy */
#define LWIP_STATS 0                    /* counted in our own registry; saves 34 a request */

/* ---- Interface ---------------------------------------------------------------- */

#define LWIP_SINGLE_NETIF 1             /* one NIC per image: no list to walk */
#define LWIP_NETIF_STATUS_CALLBACK 1    /* tells dhcp.c of a new or lost address */
#define LWIP_NETIF_HOSTNAME 1           /* hostname= goes into DHCP requests */
#define LWIP_NETIF_LOOPBACK 0

/* Checked and generated in software unless the device does it; decided for each
 * frame, which the per-interface flags allow (netif.c sets them). */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_INLINE_IP_CHKSUM 1         /* 20 bytes, summed while they are written */

/* ---- ARP, IP, ICMP, UDP ---------------------------------------------------------- */

#define ARP_TABLE_SIZE BUDGET_ARP
#define ARP_QUEUEING 1                  /* a burst of connections waits for one answer */
#define ARP_QUEUE_LEN BUDGET_ARP_QUEUE  /* from each address; memp.c bounds them all */
#define IP_FORWARD 0
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS BUDGET_FRAGMENTS
#define IP_REASS_MAXAGE 10              /* seconds; RFC 791 asks for less than a minute */
#define MEMP_NUM_REASSDATA BUDGET_DATAGRAMS
#define IP_FRAG 1                       /* answers a ping larger than the MTU */
#define IP_DEFAULT_TTL 64               /* RFC 1700 */
#define LWIP_BROADCAST_PING 0           /* no amplifier */
#define LWIP_MULTICAST_PING 0
#define LWIP_RAW 0
#define LWIP_IGMP 0
#define LWIP_AUTOIP 0

/* ---- IPv6: net/ip6 -------------------------------------------------------------- */

#define LWIP_IPV6 BUDGET_IPV6
#define LWIP_IPV6_SCOPES 0              /* one interface: every zone is its own */
#define LWIP_IPV6_NUM_ADDRESSES BUDGET_IP6_ADDRESSES
#define LWIP_IPV6_AUTOCONFIG 0          /* slaac.c makes addresses that tell nothing (RFC 7217) */
#define LWIP_IPV6_ADDRESS_LIFETIMES 1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 1 /* RFC 4862 §5.1 */
#define LWIP_IPV6_DHCP6 0               /* dhcp6.c: addresses, too */
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 0  /* ra.c knows their lifetimes */
#define LWIP_ND6_NUM_NEIGHBORS BUDGET_IP6_NEIGHBOURS
#define LWIP_ND6_NUM_DESTINATIONS BUDGET_IP6_NEIGHBOURS
#define LWIP_ND6_NUM_PREFIXES BUDGET_IP6_PREFIXES
#define LWIP_ND6_NUM_ROUTERS BUDGET_IP6_ROUTERS
#define LWIP_ND6_QUEUEING 1             /* a burst of connections waits for one answer */
#define MEMP_NUM_ND6_QUEUE BUDGET_ARP_QUEUED
#define MEMP_NUM_MLD6_GROUP (BUDGET_IP6_ADDRESSES + 2)
#define LWIP_IPV6_FRAG BUDGET_IPV6      /* answers a ping larger than the MTU; never TCP: pmtu.c */
#define LWIP_IPV6_REASS 0               /* net/ip6/fragments.c: RFC 5722 */

/* ---- DHCP and DNS ------------------------------------------------------------------ */

#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0      /* the address is usable after 20 ms, not 7 s */
#define LWIP_ACD 0
#define DHCP_OPTIONS_LEN 144            /* room for a host name of 63 bytes behind the others */
/* Interface MTU, as some clouds need less than 1500, name and time servers, routes: taken by
 * net/dhcp_options.c. RFC 3442 wants routes asked for before the gateway; servers do not mind. */
#define DHCP_ADD_EXTRA_REQUEST_OPTIONS , 6, 26, 42, 121
#define LWIP_DHCP_MAX_DNS_SERVERS 0

/* A lost first packet costs one second, and a server that comes up late is
 * found within 16 s, for ever. */
#define DHCP_DEFINE_CUSTOM_TIMEOUTS
#define DHCP_REQUEST_BACKOFF_SEQUENCE(tries) \
	((u16_t)((tries) < 5 ? 500u << (tries) : 16000u))

/* Leases are counted in seconds: a short one is renewed in time, and none is used past its end.
 * One that becomes endless ends no more when the one before would have. */
#define DHCP_COARSE_TIMER_SECS 1
#define DHCP_TIMEOUT_SIZE_T u32_t
#define DHCP_SET_TIMEOUT_FROM_OFFERED_T0_LEASE(res, dhcp) (res) = port_dhcp_lease(dhcp)
#define DHCP_SET_TIMEOUT_FROM_OFFERED_T1_RENEW(res, dhcp) \
	do { \
		(res) = (dhcp)->offered_t1_renew; \
		if ((dhcp)->offered_t0_lease == 0xffffffffu) \
			(dhcp)->t0_timeout = 0; \
	} while (0)
#define DHCP_SET_TIMEOUT_FROM_OFFERED_T2_REBIND(res, dhcp) (res) = (dhcp)->offered_t2_rebind
#define DHCP_NEXT_TIMEOUT_THRESHOLD 60  /* RFC 2131 §4.4.5 */

#define LWIP_DNS 0                      /* net/dns*.c: more addresses, aliases, negative answers */

/* ---- TCP ------------------------------------------------------------------------- */

#define TCP_MSS BUDGET_MSS_MAX          /* the interface's MTU and the path's say how much of it */
#define TCP_WND (BUDGET_WINDOW * BUDGET_MSS)
#define TCP_WND_UPDATE_THRESHOLD LWIP_MIN(TCP_WND / 4, BUDGET_MSS * 4)
#define TCP_SND_BUF (BUDGET_SEND * BUDGET_MSS)
#define TCP_SND_QUEUELEN (4 * BUDGET_SEND)
#define TCP_SNDLOWAT LWIP_MAX(TCP_SND_BUF / 2, 2 * BUDGET_MSS + 1)
#define TCP_OVERSIZE 0                  /* no MSS-sized block for a 150-byte answer */
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES TCP_WND     /* what one connection can hold out of order */
#define TCP_OOSEQ_MAX_PBUFS BUDGET_OOSEQ
#define LWIP_TCP_TIMESTAMPS 1           /* RFC 7323; only with peers that offer them */
#define LWIP_WND_SCALE 0                /* both buffers are below 64 KiB: nothing to scale */
#define LWIP_TCP_SACK_OUT 0             /* lwIP only reports, never uses SACK */
#define LWIP_TCP_RTO_TIME 1000          /* RFC 6298 §2.1 */
#define TCP_MAXRTX 7                    /* 127 s; RFC 1122 §4.2.3.5 asks for 100 s */
#define TCP_MSL 30000                   /* TIME_WAIT is a minute, recycled earlier if short */
#define TCP_LISTEN_BACKLOG 0            /* half-open connections are bounded in gate.c */

/* A peer that vanished is found after 60 + 6 x 10 s. */
#define TCP_KEEPIDLE_DEFAULT 60000u
#define TCP_KEEPINTVL_DEFAULT 10000u
#define TCP_KEEPCNT_DEFAULT 6u
