/* SPDX-License-Identifier: MIT */
/* Guest: gives out random bytes, ten times a second, "draw: <number> <hex> epoch <number>", for
 * ever. Two copies of one machine can then be compared by what each gave for the same number. */
#include "kernel/image.h"
#include "kernel/random.h"
#include "kernel/task.h"

#define PERIOD_MS 100

void image_boot(void)
{
}

void image_main(void *unused)
{
	for (unsigned n = 0;; n++) {
		uint32_t epoch = random_epoch();
		uint64_t word[2];

		random_bytes(word, sizeof(word));
		log_info("draw: %u %016llx%016llx epoch %u", n, (unsigned long long)word[0],
			 (unsigned long long)word[1], (unsigned)epoch);
		task_sleep(clock_after_ms(PERIOD_MS));
	}
}
