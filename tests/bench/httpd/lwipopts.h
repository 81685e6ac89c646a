/* SPDX-License-Identifier: MIT */
/* lwIP for the httpd that a microcontroller is measured beside: what one would choose for it in
 * 64 KiB, with lwIP's own pools and heap, its assertions and statistics off. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#define MEM_ALIGNMENT 4
#define MEM_SIZE 8192
#define MEMP_NUM_TCP_PCB 24
#define MEMP_NUM_TCP_SEG 32
#define PBUF_POOL_SIZE 8
#define PBUF_POOL_BUFSIZE 1536
#define ETH_PAD_SIZE 2
#define TCP_MSS 536
#define TCP_WND (4 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_IPV6 0
#define IP_REASSEMBLY 1
#define IP_FRAG 1

#define LWIP_HTTPD_SUPPORT_11_KEEPALIVE 1
#define LWIP_HTTPD_DYNAMIC_HEADERS 0
#define LWIP_HTTPD_SSI 0
#define LWIP_HTTPD_CGI 0
#define HTTPD_SERVER_PORT 8080
#define HTTPD_FSDATA_FILE "tests/bench/httpd/file.h"
