/* SPDX-License-Identifier: MIT */
/* Internet addresses (POSIX.1-2017 <netinet/in.h>). */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;

struct in_addr { in_addr_t s_addr; };
struct in6_addr {
	union { uint8_t __u8[16]; uint16_t __u16[8]; uint32_t __u32[4]; } __in6;
};
#define s6_addr __in6.__u8

struct sockaddr_in {
	sa_family_t sin_family;
	in_port_t sin_port;            /* these two in network order */
	struct in_addr sin_addr;
	unsigned char sin_zero[8];
};

struct sockaddr_in6 {
	sa_family_t sin6_family;
	in_port_t sin6_port;
	uint32_t sin6_flowinfo;
	struct in6_addr sin6_addr;
	uint32_t sin6_scope_id;
};

#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41

#define IP_TOS 1
#define IPV6_V6ONLY 26

#define INADDR_ANY ((in_addr_t)0)
#define INADDR_LOOPBACK ((in_addr_t)0x7f000001)
#define INADDR_NONE ((in_addr_t)-1)
#define INADDR_BROADCAST ((in_addr_t)-1)
#define INET_ADDRSTRLEN 16
#define INET6_ADDRSTRLEN 46
#define IN6ADDR_ANY_INIT { { { 0 } } }
#define IN6ADDR_LOOPBACK_INIT { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } } }

#undef htons
#undef ntohs
#undef htonl
#undef ntohl
#define htons(n) ((uint16_t)__builtin_bswap16((uint16_t)(n)))
#define ntohs(n) htons(n)
#define htonl(n) ((uint32_t)__builtin_bswap32((uint32_t)(n)))
#define ntohl(n) htonl(n)
