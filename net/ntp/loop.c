/* SPDX-License-Identifier: MIT */
/* The discipline: a Kalman filter of two states, how far the clock is off and how much too
 * slow it goes, instead of the PLL and FLL of RFC 5905 §11.3, whose part it plays: few samples
 * after a start move both a lot, later ones only as much as they are better than what is known.
 *
 * Between two samples the uncertainty of the rate becomes one of the phase, and both grow by
 * what an oscillator wanders. A sample is then weighed against that: its noise decides how
 * much of an offset is corrected, and how much of it was the rate's fault. Pure. */
#include "kernel/kernel.h"
#include "net/ntp/impl.h"

#define FRESH 1e-4                     /* a counter's rate that nobody has checked, as of 1 */
#define KEPT 2e-5                      /* one that a pause, or another host, may have changed */
#define RATE_MAX 5e-4
#define WANDER_PHASE 1e-12             /* variances that come with each second */
#define WANDER_RATE 1e-16
#define SURPRISE 16.0                  /* variances: 4 standard deviations */
#define JUMP MILLIS(20)                /* offsets this large and that surprising are no noise */

void ntp_loop_start(struct ntp_loop *l, ktime at, int64_t noise, bool fresh)
{
	double n = (double)noise * 1e-9;

	if (fresh)
		l->gain = 0;
	l->phase = n * n;
	l->both = 0;
	l->rate = fresh ? FRESH * FRESH : KEPT * KEPT;
	l->at = at;
}

int64_t ntp_loop_step(struct ntp_loop *l, ktime at, int64_t offset, int64_t noise,
		      bool *surprise)
{
	double dt = (double)(at - l->at) * 1e-9, z = (double)offset * 1e-9;
	double n = (double)noise * 1e-9, sum, phase, rate;

	l->at = at;
	l->phase += dt * (2 * l->both + dt * l->rate + WANDER_PHASE);
	l->both += dt * l->rate;
	l->rate += dt * WANDER_RATE;
	sum = l->phase + n * n;
	*surprise = z * z > SURPRISE * sum;
	if (*surprise && (offset > JUMP || offset < -JUMP)) {
		ntp_loop_start(l, at, noise, false);
		return offset;
	}
	phase = l->phase / sum;
	rate = l->both / sum;
	l->gain = MAX(-RATE_MAX, MIN(l->gain + rate * z, RATE_MAX));
	l->rate -= rate * l->both;
	l->both *= 1 - phase;
	l->phase *= 1 - phase;
	return (int64_t)(phase * z * 1e9);
}
