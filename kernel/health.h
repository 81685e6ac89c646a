/* SPDX-License-Identifier: MIT */
/* Continuous health tests of a noise source: NIST SP 800-90B §4.4.1 (repetition
 * count) and §4.4.2 (adaptive proportion), for samples of 8 bits that claim a
 * quarter of a bit of min-entropy each, with a false alarm once in 2^20. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_STARTUP 1024            /* §4.3: samples to see before any is used */
#define HEALTH_REPEATS 81              /* 1 + 20 / 0.25 */
#define HEALTH_WINDOW 512
#define HEALTH_PROPORTION 468          /* critical value of binomial(512, 2^-0.25) at 2^-20 */

/* Zero-initialised is ready to use. */
struct health {
	uint16_t repeats;              /* how often `last` came in a row */
	uint16_t seen, same;           /* of the window: samples, and those equal to its first */
	uint8_t last, first;
	bool failed;                   /* for good: start again with a fresh one */
};

/* Takes a sample; false once a test has failed. */
bool health_sample(struct health *h, uint8_t sample);
