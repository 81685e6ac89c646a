/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071): one's complement sum of 16-bit words in
 * memory order, not inverted. By §2 (B) and (C) it may be taken over wider
 * words and folded afterwards. */
#include <stdint.h>

#include <lwip/opt.h>

#include <lwip/arch.h>

#include "net/port/bytes.h"

static uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

u16_t port_chksum(const void *data, int len)
{
	const uint8_t *p = data;
	uint64_t sum = 0, last = 0;

	for (; len >= 32; p += 32, len -= 32) {
		sum = add(sum, load64(p));
		sum = add(sum, load64(p + 8));
		sum = add(sum, load64(p + 16));
		sum = add(sum, load64(p + 24));
	}
	for (; len >= 8; p += 8, len -= 8)
		sum = add(sum, load64(p));
	if (len & 4) {
		sum = add(sum, load32(p));
		p += 4;
	}
	if (len & 2) {
		last = load16(p);
		p += 2;
	}
	if (len & 1)
		last |= (uint64_t)*p << (len & 2 ? 16 : 0);
	sum = add(sum, last);

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16_t)sum;
}
