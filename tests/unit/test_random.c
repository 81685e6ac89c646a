/* sources: kernel/random.c kernel/health.c kernel/chacha.c kernel/siphash.c
 * tests/unit/fake_kernel.c tests/unit/fake_clock.c */
/* SPDX-License-Identifier: MIT */
/* The primitives against published vectors, and the generator's behaviour. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/chacha.h"
#include "kernel/random.h"
#include "kernel/siphash.h"

struct machine machine;

static uint64_t ticks;
static unsigned coarse = UINT32_MAX;   /* looks until the steps begin to differ */
static unsigned cpu_words;             /* how many the CPU still gives */
static uint64_t cpu_word, cpu_step;

uint64_t arch_ticks(void)
{
	if (coarse == 0)
		return ticks += 17 + (unsigned)rand() % 3;
	coarse--;
	return ticks += 17;
}

bool arch_random(uint64_t *word, const char **source)
{
	if (cpu_words == 0)
		return false;
	cpu_words--;
	*word = cpu_word += cpu_step;
	*source = "RDRAND";
	return true;
}

/* RFC 8439 §2.3.2 */
static void test_chacha20(void **state)
{
	static const uint32_t want[16] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204,
		0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de,
		0xe883d0cb, 0x4e3c50a2,
	};
	static const uint32_t nonce[3] = { 0x09000000, 0x4a000000, 0x00000000 };
	uint8_t key_bytes[32];
	uint32_t key[8], out[16];

	for (unsigned i = 0; i < 32; i++)
		key_bytes[i] = (uint8_t)i;
	memcpy(key, key_bytes, sizeof(key));
	chacha20_block(out, key, 1, nonce);
	assert_memory_equal(out, want, sizeof(want));
}

/* The vectors of the SipHash paper's reference: key and input count up from 0. */
static void test_siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
	};
	uint8_t data[16];
	uint64_t key[2];

	for (unsigned i = 0; i < 16; i++)
		data[i] = (uint8_t)i;
	memcpy(key, data, sizeof(key));
	for (unsigned i = 0; i < ARRAY_LEN(vectors); i++)
		assert_true(siphash24(key, data, vectors[i].len) == vectors[i].want);
}

/* Which sources count, and that a stuck one does not. In this order: the state
 * is the module's. */
static void test_sources(void **state)
{
	static const uint8_t same[32] = { 0 };
	uint8_t seed[32];

	random_init();
	assert_false(random_ready());
	assert_string_equal(fake_log,
			    "entropy: clock jitter fails its health test, not counted");
	cpu_words = 100;
	cpu_word = ~0ull;
	random_init();
	assert_false(random_ready());
	random_add(same, sizeof(same), "virtio-rng", 256);
	assert_string_equal(fake_log, "entropy: virtio-rng repeats itself, not counted");
	assert_false(random_ready());

	cpu_words = 0;
	for (unsigned i = 0; i < sizeof(seed); i++)
		machine.seed[i] = seed[i] = (uint8_t)(i * 37);
	machine.seed_len = sizeof(seed);
	random_init();
	assert_true(random_ready());
	assert_string_equal(fake_log, "entropy: device tree seed, 256 bits");
	assert_int_equal(machine.seed_len, 0);
	for (unsigned i = 0; i < sizeof(seed); i++)
		assert_int_equal(machine.seed[i], 0);
}

/* Looks in quick succession see no difference: a counter of few Hz is given more time. Before
 * test_sources: half of what it takes to be ready is what this counts. */
static void test_coarse_counter(void **state)
{
	coarse = 1095;
	random_init();
	assert_string_equal(fake_log, "entropy: clock jitter, 64 bits");
	assert_false(random_ready());
	coarse = UINT32_MAX;
}

static void test_bytes(void **state)
{
	enum { SIZE = 5000 };
	static uint8_t a[SIZE], b[SIZE];
	unsigned ones = 0;

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	for (unsigned i = 0; i + 16 <= SIZE; i++)
		for (unsigned k = 0; k + 16 <= SIZE; k += 16)
			assert_true(memcmp(a + i, b + k, 16) != 0);
	for (unsigned i = 0; i < SIZE; i++)
		ones += (unsigned)__builtin_popcount(a[i]);
	assert_in_range(ones, SIZE * 4 - 800, SIZE * 4 + 800);
	assert_int_not_equal(random_u32(), random_u32());
	random_bytes(a, 0);
	assert_true(random_hash("a", 1) == random_hash("a", 1));
	assert_true(random_hash("a", 1) != random_hash("b", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chacha20),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_coarse_counter),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
