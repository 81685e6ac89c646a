/* SPDX-License-Identifier: MIT */
/* Numbers to text. A double below 2^63 is split into its whole part and a binary
 * fraction, which times a power of ten is an integer of at most 83 bits: exact,
 * and a tenth of the work of a general printf. Larger ones go to snprintf. */
#include <stdio.h>
#include <string.h>

#include "kernel/wide.h"
#include "net/json.h"

static const uint32_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
				 1000000000};
static const char pairs[] =
	"00010203040506070809101112131415161718192021222324"
	"25262728293031323334353637383940414243444546474849"
	"50515253545556575859606162636465666768697071727374"
	"75767778798081828384858687888990919293949596979899";

/* Exactly `digits` digits of n, zeros in front. */
static inline void put_digits(char *out, uint32_t n, unsigned digits)
{
	while (digits >= 2) {
		digits -= 2;
		memcpy(out + digits, pairs + n % 100 * 2, 2);
		n /= 100;
	}
	if (digits)
		out[0] = (char)('0' + n);
}

static inline unsigned count_digits(uint32_t n)
{
	unsigned digits = (32 - (unsigned)__builtin_clz(n | 1)) * 1233 >> 12;    /* log10(2) */

	return digits + (n >= power[digits]);
}

/* Below 2^32 all is done with numbers of 32 bits; above, eight digits at a time. */
size_t json_u64(char *out, uint64_t n)
{
	size_t len = 0;

	if (n > UINT32_MAX) {
		len = json_u64(out, n / 100000000);
		put_digits(out + len, (uint32_t)(n % 100000000), 8);
		return len + 8;
	}
	len = count_digits((uint32_t)n);
	len += len == 0;
	put_digits(out, (uint32_t)n, (unsigned)len);
	return len;
}

/* fraction * scale / 2^shift, rounded half to even; `odd` is the parity of what
 * stands before it when scale is 1. fraction < 2^53. */
static uint32_t scaled(uint64_t fraction, uint32_t scale, unsigned shift, bool odd)
{
	if (shift > 88)
		return 0;               /* below 2^83 / 2^88: less than a half */
	if (shift <= 34 && scale > 1) {
		uint64_t n64 = fraction * scale, rest = n64 << (64 - shift);
		uint32_t q64 = (uint32_t)(n64 >> shift);

		return q64 + (rest > 1ull << 63 || (rest == 1ull << 63 && (q64 & 1)));
	}
	struct wide n = wide_mul(fraction, scale);
	uint32_t q = (uint32_t)wide_shift(n, shift);
	int half = wide_half(n, shift);

	return q + (half > 0 || (half == 0 && (scale == 1 ? odd : q & 1)));
}

/* The last whole part that was printed: a clock's stays for a second. */
static struct {
	uint64_t n;
	size_t len;
	char text[24];
} last = {0, 1, "0"};

static inline size_t put_whole(char *out, uint64_t n)
{
	if (n != last.n) {
		last.n = n;
		last.len = json_u64(last.text, n);
	}
	memcpy(out, last.text, sizeof(last.text));
	return last.len;
}

size_t json_double(char *out, double v, unsigned decimals)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	unsigned biased = bits >> 52 & 0x7ff;
	uint64_t mantissa = (bits & ((1ull << 52) - 1)) | (uint64_t)(biased > 0) << 52;
	int exponent = (int)(biased ? biased : 1) - 1075;

	if (exponent > 10)
		return (size_t)snprintf(out, JSON_NUMBER_MAX + 1, "%.*f", (int)decimals, v);

	uint64_t whole = 0;
	uint32_t fraction = 0;

	if (exponent >= 0) {
		whole = mantissa << exponent;
	} else {
		uint64_t rest = exponent > -64 ? mantissa & ((1ull << -exponent) - 1) : mantissa;

		whole = exponent > -64 ? mantissa >> -exponent : 0;
		fraction = scaled(rest, power[decimals], (unsigned)-exponent, whole & 1);
		if (fraction == power[decimals]) {
			fraction = 0;
			whole++;
		}
	}
	char *p = out;

	if (bits >> 63)
		*p++ = '-';
	p += put_whole(p, whole);
	if (decimals) {
		*p++ = '.';
		put_digits(p, fraction, decimals);
		p += decimals;
	}
	*p = 0;
	return (size_t)(p - out);
}
