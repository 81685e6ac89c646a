/* SPDX-License-Identifier: MIT */
/* What lwIP asks of a compiler, for the httpd of this folder. */
#pragma once

#include <limits.h>
#include <sys/types.h>

#define SSIZE_MAX INT_MAX
#define LWIP_NO_UNISTD_H 1
#define BYTE_ORDER LITTLE_ENDIAN
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#define LWIP_PLATFORM_DIAG(x) do { } while (0)
#define LWIP_PLATFORM_ASSERT(x) do { } while (0)
unsigned long bench_rand(void);
#define LWIP_RAND() bench_rand()
