/* SPDX-License-Identifier: MIT */
/* The intersection algorithm (Marzullo's, RFC 5905 §11.2.1) and the weighted mean of §11.2.3.
 *
 * Each server says that the truth lies in an interval. The largest number of intervals that
 * have a point in common, if it is more than half of all, are believed; the others tick
 * falsely. Pure. */
#include "kernel/kernel.h"
#include "net/ntp/impl.h"

/* How many intervals `at` lies in. */
static unsigned covers(const struct ntp_candidate *c, unsigned n, int64_t at)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += c[i].offset - c[i].distance <= at && at <= c[i].offset + c[i].distance;
	return count;
}

unsigned ntp_vote(struct ntp_candidate *c, unsigned n, int64_t *offset)
{
	int64_t low = 0, high = 0, base;
	unsigned most = 0, chosen = 0;
	double sum = 0, weights = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned count = covers(c, n, c[i].offset - c[i].distance);

		if (count > most) {
			most = count;
			low = c[i].offset - c[i].distance;
		}
	}
	if (2 * most <= n)
		most = 0;
	high = INT64_MAX;
	for (unsigned i = 0; i < n; i++) {
		c[i].chosen = most && c[i].offset - c[i].distance <= low &&
			      low <= c[i].offset + c[i].distance;
		if (c[i].chosen)
			high = MIN(high, c[i].offset + c[i].distance);
	}
	base = low;
	for (unsigned i = 0; i < n; i++) {
		double weight = 1.0 / (double)MAX(c[i].distance, (int64_t)1);

		if (!c[i].chosen)
			continue;
		chosen++;
		weights += weight;
		sum += weight * (double)(c[i].offset - base);
	}
	if (chosen)
		*offset = MAX(low, MIN(base + (int64_t)(sum / weights), high));
	return chosen;
}
