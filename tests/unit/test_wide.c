/* sources: tests/unit/fake_kernel.c */
/* cflags: -U__SIZEOF_INT128__ */
/* SPDX-License-Identifier: MIT */
/* kernel/wide.h as a 32-bit CPU has it, against the compiler's own 128 bits. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>

#include "kernel/wide.h"

static const uint64_t edges[] = {
	0, 1, 2, 0xffff, 0x10000, UINT32_MAX, 1ull << 32, 1ull << 52, INT64_MAX, 1ull << 63,
	UINT64_MAX - 1, UINT64_MAX,
};

static void check(uint64_t a, uint64_t b)
{
	unsigned __int128 want = (unsigned __int128)a * b;
	struct wide got = wide_mul(a, b);

	assert_int_equal(got.low, (uint64_t)want);
	assert_int_equal(got.high, (uint64_t)(want >> 64));
	for (unsigned shift = 1; shift < 128; shift++) {
		unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
		unsigned __int128 rest = want & (half + (half - 1));

		assert_int_equal(wide_shift(got, shift), (uint64_t)(want >> shift));
		assert_int_equal(wide_half(got, shift), rest < half ? -1 : rest > half);
	}
}

static void test_products(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(edges); i++)
		for (unsigned k = 0; k < ARRAY_LEN(edges); k++)
			check(edges[i], edges[k]);
	srandom(1);
	for (unsigned n = 0; n < 2000; n++)
		check((uint64_t)random() << 33 ^ (uint64_t)random() << 10 ^ (uint64_t)random(),
		      (uint64_t)random() << 33 ^ (uint64_t)random() << 10 ^ (uint64_t)random());
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_products) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
