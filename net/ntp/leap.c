/* SPDX-License-Identifier: MIT */
/* When a leap second comes: at the end of a UTC month (ITU-R TF.460-6), which servers announce
 * before it (RFC 5905 §7.3, LI). Pure. */
#include "kernel/date.h"
#include "net/ntp/impl.h"

#define YEAR_S 31556952                /* on average */

int64_t ntp_month_end(int64_t unix_s)
{
	struct date d = { .day = 1, .month = 1, .year = (unsigned)(1970 + unix_s / YEAR_S) };
	int64_t end;

	d.year--;
	for (unsigned months = 0; months < 36; months++) {
		if (date_unix(&d, &end) == 0 && end > unix_s)
			return end;
		d.month = d.month % 12 + 1;
		d.year += d.month == 1;
	}
	return INT64_MAX;
}
