/* sources: kernel/health.c kernel/random.c kernel/chacha.c kernel/siphash.c
 * tests/unit/fake_kernel.c tests/unit/fake_clock.c */
/* SPDX-License-Identifier: MIT */
/* kernel/random.c on a chip without a source: a seed counts once this boot has bits of its own,
 * and the arrival of frames gives them. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>

#include "kernel/arch.h"
#include "kernel/random.h"

struct machine machine;

uint64_t arch_ticks(void)
{
	static uint64_t ticks;

	return ticks += 17;
}

bool arch_random(uint64_t *word, const char **source)
{
	return false;
}

static unsigned events_until_ready(void)
{
	unsigned n = 0;

	for (ktime now = 0; n < 100000 && !random_ready(); n++) {
		now += random() % 1000000;
		random_event(now);
	}
	return n;
}

static void test_events(void **state)
{
	uint32_t before;

	srandom(5);
	random_init();
	assert_int_equal(random_set_seed("00112233445566778899aabbccddeeff"
					 "00112233445566778899aabbccddeeff"), 0);
	assert_false(random_ready());
	before = random_u32();
	assert_in_range(events_until_ready(), 100, 200);       /* 32 bits, beside the seed's */
	assert_string_equal(fake_log, "entropy: enough, with the arrival of 129 frames");
	assert_int_not_equal(before, random_u32());
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_events) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
