/* SPDX-License-Identifier: MIT */
/* See kernel/health.h. */
#include "kernel/health.h"

bool health_sample(struct health *h, uint8_t sample)
{
	h->repeats = h->repeats && sample == h->last ? h->repeats + 1 : 1;
	h->last = sample;
	if (h->seen == 0) {
		h->first = sample;
		h->same = 0;
	}
	h->same += sample == h->first;
	if (++h->seen == HEALTH_WINDOW)
		h->seen = 0;
	if (h->repeats >= HEALTH_REPEATS || h->same >= HEALTH_PROPORTION)
		h->failed = true;
	return !h->failed;
}
