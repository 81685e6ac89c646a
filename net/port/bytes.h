/* SPDX-License-Identifier: MIT */
/* Fields of packets, at any alignment. */
#pragma once

#include <stdint.h>

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store16(uint8_t *p, uint16_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

/* The same as numbers: fields are big endian, targets little. */
static inline uint16_t be16(const uint8_t *p)
{
	return __builtin_bswap16(load16(p));
}

static inline uint32_t be32(const uint8_t *p)
{
	return __builtin_bswap32(load32(p));
}

/* Bytes of an IP header, at least 20 when it is valid. */
static inline unsigned ip_hlen(const uint8_t *ip)
{
	return (ip[0] & 15) * 4u;
}
