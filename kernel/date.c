/* SPDX-License-Identifier: MIT */
/* From Gregorian dates to Unix time (kernel/date.h). */
#include "kernel/date.h"

#include <errno.h>
#include <stdbool.h>

static unsigned days_of(unsigned month, unsigned year)
{
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month == 2)
		return leap ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool sane(const struct date *d)
{
	return d->second < 60 && d->minute < 60 && d->hour < 24 && d->month >= 1 &&
	       d->month <= 12 && d->year >= 2000 && d->year < 2200 && d->day >= 1 &&
	       d->day <= days_of(d->month, d->year);
}

/* Days from 1970 to the date: years begin in March, so that the leap day comes last. */
static int64_t days(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned m = month <= 2 ? month + 9 : month - 3;

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

int date_unix(const struct date *d, int64_t *unix_s)
{
	if (!sane(d))
		return -ERANGE;
	*unix_s = days(d->year, d->month, d->day) * 86400 + d->hour * 3600 + d->minute * 60 +
		  d->second;
	return 0;
}
