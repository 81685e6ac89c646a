/* SPDX-License-Identifier: MIT */
/* ChaCha20's block function: RFC 8439 §2.1 to §2.3. */
#include "kernel/chacha.h"

static inline uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline void quarter_round(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

void chacha20_block(uint32_t out[16], const uint32_t key[8], uint32_t counter,
		    const uint32_t nonce[3])
{
	const uint32_t in[16] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,        /* "expand 32-byte k" */
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
		counter, nonce[0], nonce[1], nonce[2],
	};

	for (unsigned i = 0; i < 16; i++)
		out[i] = in[i];
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 4; k++)
			quarter_round(out, k, 4 + k, 8 + k, 12 + k);
		for (unsigned k = 0; k < 4; k++)
			quarter_round(out, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}
