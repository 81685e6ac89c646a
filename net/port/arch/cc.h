/* SPDX-License-Identifier: MIT */
/* What lwIP asks of a compiler and a platform (lwip/arch.h). */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "kernel/kernel.h"
#include "kernel/random.h"

/* picolibc has ssize_t but not its maximum, which makes lwIP define its own. */
#ifndef SSIZE_MAX
#define SSIZE_MAX (__SIZE_MAX__ / 2)
#endif
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_INTTYPES_H 1
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#ifndef BYTE_ORDER
#ifndef LITTLE_ENDIAN
#define LITTLE_ENDIAN 1234
#endif
#ifndef BIG_ENDIAN
#define BIG_ENDIAN 4321
#endif
#define BYTE_ORDER LITTLE_ENDIAN
#endif
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "every target is little endian");
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

/* Inline for constant sizes also where -ffreestanding forgets what memcpy is. */
#define MEMCPY(dst, src, len) __builtin_memcpy(dst, src, len)
#define SMEMCPY(dst, src, len) __builtin_memcpy(dst, src, len)

#define LWIP_RAND() random_u32()

/* The Internet checksum's sum (RFC 1071), 64 bits at a time: chksum.c. */
unsigned short port_chksum(const void *data, int len);
#define LWIP_CHKSUM port_chksum

/* lwIP's own assertions cost 160 instructions a request and are compiled into
 * the unit tests only; ours are in every build. */
#define LWIP_PLATFORM_DIAG(x) do { } while (0)
#define LWIP_PLATFORM_ASSERT(x) panic("lwip: %s (%s:%d)", x, __FILE__, __LINE__)
#ifndef PORT_LWIP_ASSERT
#define LWIP_NOASSERT
#endif
