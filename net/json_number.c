/* SPDX-License-Identifier: MIT */
/* Numbers to text. A double below 2^63 is split into its whole part and a binary
 * fraction, which times a power of ten is an integer of at most 83 bits: exact,
 * and a tenth of the work of a general printf. Larger ones go to snprintf. */
#include <stdio.h>
#include <string.h>

#include "net/json.h"

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324"
	"25262728293031323334353637383940414243444546474849"
	"50515253545556575859606162636465666768697071727374"
	"75767778798081828384858687888990919293949596979899";

size_t json_u64(char *out, uint64_t n)
{
	char text[20];
	char *p = text + sizeof(text);

	while (n >= 100) {
		p -= 2;
		memcpy(p, pairs + n % 100 * 2, 2);
		n /= 100;
	}
	if (n >= 10) {
		p -= 2;
		memcpy(p, pairs + n * 2, 2);
	} else {
		*--p = (char)('0' + n);
	}
	size_t len = (size_t)(text + sizeof(text) - p);

	memcpy(out, p, len);
	return len;
}

/* Exactly `digits` digits of n, zeros in front. */
static void padded(char *out, uint32_t n, unsigned digits)
{
	while (digits >= 2) {
		digits -= 2;
		memcpy(out + digits, pairs + n % 100 * 2, 2);
		n /= 100;
	}
	if (digits)
		out[0] = (char)('0' + n);
}

/* fraction * scale / 2^shift, rounded half to even; `odd` is the parity of what
 * stands before it when scale is 1. fraction < 2^53. */
static uint32_t scaled(uint64_t fraction, uint32_t scale, unsigned shift, bool odd)
{
	if (shift > 88)
		return 0;               /* below 2^83 / 2^88: less than a half */
	unsigned __int128 n = (unsigned __int128)fraction * scale;
	unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
	uint32_t q = (uint32_t)(n >> shift);

	n &= half * 2 - 1;
	return q + (n > half || (n == half && (scale == 1 ? odd : q & 1)));
}

size_t json_double(char *out, double v, unsigned decimals)
{
	static const uint32_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
					 100000000, 1000000000};
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
	p += json_u64(p, whole);
	if (decimals) {
		*p++ = '.';
		padded(p, fraction, decimals);
		p += decimals;
	}
	*p = 0;
	return (size_t)(p - out);
}
