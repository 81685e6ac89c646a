/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 as in the paper of Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", section 2. Little-endian machines. */
#include "kernel/siphash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void compress(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t siphash24(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573,
	};
	const uint8_t *p = data;
	uint64_t word, last = (uint64_t)len << 56;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		compress(v, word);
	}
	for (unsigned i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	compress(v, last);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
