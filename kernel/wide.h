/* SPDX-License-Identifier: MIT */
/* Products of 128 bits, on every CPU: those of 32 bits have no such type. */
#pragma once

#include <stdint.h>

struct wide {
	uint64_t high, low;
};

static inline struct wide wide_mul(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 p = (unsigned __int128)a * b;

	return (struct wide){ (uint64_t)(p >> 64), (uint64_t)p };
#else
	uint32_t a1 = (uint32_t)(a >> 32), a0 = (uint32_t)a;
	uint32_t b1 = (uint32_t)(b >> 32), b0 = (uint32_t)b;
	uint64_t low = (uint64_t)a0 * b0, mid = (uint64_t)a1 * b0 + (low >> 32);
	uint64_t other = (uint64_t)a0 * b1 + (uint32_t)mid;

	return (struct wide){ (uint64_t)a1 * b1 + (mid >> 32) + (other >> 32),
			      other << 32 | (uint32_t)low };
#endif
}

/* The product's bits from `shift` (1 to 127) on, as far as they fit. */
static inline uint64_t wide_shift(struct wide w, unsigned shift)
{
	return shift < 64 ? w.high << (64 - shift) | w.low >> shift : w.high >> (shift - 64);
}

/* The bits below `shift` (1 to 127), compared with half of 2^shift: -1, 0, 1. */
static inline int wide_half(struct wide w, unsigned shift)
{
	unsigned in = (shift - 1) % 64;
	uint64_t half = 1ull << in, low = shift > 64 ? w.low : 0;
	uint64_t top = (shift > 64 ? w.high : w.low) & (half * 2 - 1);

	if (top != half)
		return top < half ? -1 : 1;
	return low > 0;
}
