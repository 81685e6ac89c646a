/* SPDX-License-Identifier: MIT */
/* The clock filter (RFC 5905 §10). A sample is kept as it was measured, a Unix time at a
 * monotonic one, and compared with the clock's line of now: so that it stays of use when the
 * clock is corrected. Pure. */
#include "kernel/kernel.h"
#include "net/ntp/impl.h"

#define AGE_PPM 5                      /* an old sample is worth so much less */
#define RATE_PPM 500                   /* no two clocks go apart faster than this */
#define SLACK MILLIS(5)                /* what offsets may differ by beyond their delays */

static int64_t offset_of(const struct ntp_sample *s, ntp_aim *aim)
{
	return s->unix_ns - aim(s->at);
}

bool ntp_filter_add(struct ntp_filter *f, const struct ntp_sample *s, ntp_aim *aim)
{
	const struct ntp_sample *best = ntp_filter_best(f, s->at);
	bool jumped = false;

	if (best) {
		int64_t apart = offset_of(s, aim) - offset_of(best, aim);
		int64_t may = ((int64_t)s->delay + best->delay) / 2 + SLACK +
			      (s->at - best->at) / 1000000 * RATE_PPM;

		jumped = apart > may || apart < -may;
	}
	if (jumped)
		f->count = 0;
	f->last = (uint8_t)((f->last + 1) % BUDGET_NTP_SAMPLES);
	f->sample[f->last] = *s;
	f->count = (uint8_t)MIN(f->count + 1, BUDGET_NTP_SAMPLES);
	return jumped;
}

/* The i-th newest. */
static const struct ntp_sample *nth(const struct ntp_filter *f, unsigned i)
{
	return &f->sample[(f->last + BUDGET_NTP_SAMPLES - i) % BUDGET_NTP_SAMPLES];
}

const struct ntp_sample *ntp_filter_best(const struct ntp_filter *f, ktime now)
{
	const struct ntp_sample *best = NULL;
	int64_t shortest = INT64_MAX;

	for (unsigned i = 0; i < f->count; i++) {
		const struct ntp_sample *s = nth(f, i);
		int64_t way = s->delay / 2 + (now - s->at) / 1000000 * AGE_PPM;

		if (way < shortest) {
			shortest = way;
			best = s;
		}
	}
	return best;
}

static int64_t root(uint64_t square)
{
	uint64_t low = 0;

	for (uint64_t bit = 1ull << 31; bit; bit >>= 1)
		if ((low | bit) * (low | bit) <= square)
			low |= bit;
	return (int64_t)low;
}

int64_t ntp_filter_jitter(const struct ntp_filter *f, ktime now, ntp_aim *aim)
{
	const struct ntp_sample *best = ntp_filter_best(f, now);
	uint64_t sum = 0;

	if (f->count < 2)
		return 0;
	for (unsigned i = 0; i < f->count; i++) {
		int64_t apart = offset_of(nth(f, i), aim) - offset_of(best, aim);

		apart = MAX(-SECONDS(1), MIN(apart, SECONDS(1)));
		sum += (uint64_t)(apart * apart) / (f->count - 1u);
	}
	return root(sum);
}
