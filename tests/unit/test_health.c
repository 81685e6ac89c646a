/* sources: kernel/health.c kernel/random.c kernel/chacha.c kernel/siphash.c
 * tests/unit/fake_kernel.c tests/unit/fake_clock.c */
/* SPDX-License-Identifier: MIT */
/* kernel/health.c on sources that are good, stuck and biased; and what kernel/random.c makes of
 * such: jitter, the arrival of frames, a seed. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/health.h"
#include "kernel/random.h"

#define SEED "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

struct machine machine;

static uint64_t ticks;
static bool jitters;

uint64_t arch_ticks(void)
{
	return ticks += jitters ? (uint64_t)random() % 1000 + 1 : 17;
}

bool arch_random(uint64_t *word, const char **source)
{
	return false;
}

/* How many samples pass, of which `percent` are 7 and the others anything. */
static unsigned passes(unsigned percent, unsigned most)
{
	struct health h = { 0 };
	unsigned n = 0;

	while (n < most && health_sample(&h, (unsigned)random() % 100 < percent
						     ? 7 : (uint8_t)random()))
		n++;
	return n;
}

static void test_health(void **state)
{
	srandom(3);
	assert_int_equal(passes(0, 1000000), 1000000);
	assert_int_equal(passes(70, 1000000), 1000000);        /* 0.5 bits a sample */
	assert_int_equal(passes(100, 1000), HEALTH_REPEATS - 1);
	assert_true(passes(97, 100000) < 5000);                /* 0.04 bits */

	/* Two values in turn repeat nothing, and neither may be the window's too often. */
	struct health h = { 0 };
	unsigned n = 0;

	while (n < 100000 && health_sample(&h, n % 20 == 0 ? 1 : 2))
		n++;
	assert_true(n < 2 * HEALTH_WINDOW);
	assert_false(health_sample(&h, 99));                   /* failed for good */
}

/* In this order: the state is the module's. */
static void test_seed_alone(void **state)
{
	static const char *const bad[] = {
		"", "00", SEED "0",
		"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddee",
	};

	random_init();                                         /* a counter like clockwork */
	assert_string_equal(fake_log, "entropy: clock jitter fails its health test, "
				      "not counted");
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(random_set_seed(bad[i]), -EINVAL);
	assert_int_equal(random_set_seed(SEED), 0);
	assert_false(random_ready());                          /* the same at each boot */
}

static void test_regular_events(void **state)
{
	for (unsigned i = 0; i < 10000; i++)
		random_event((ktime)i * 8192);
	assert_false(random_ready());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_seed_alone),
		cmocka_unit_test(test_regular_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
