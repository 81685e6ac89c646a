/* SPDX-License-Identifier: MIT */
/* IMF-fixdate, RFC 9110 §5.6.7. The Gregorian calendar is counted in eras of
 * 400 years that begin on 1 March, so that the leap day comes last. */
#include <string.h>

#include "net/http/date.h"

static void two(char *out, unsigned n)
{
	out[0] = (char)('0' + n / 10);
	out[1] = (char)('0' + n % 10);
}

/* Day number since 1970-01-01 to year, month 0..11, day 1..31. */
static void civil(uint32_t days, unsigned *year, unsigned *month, unsigned *day)
{
	uint32_t d = days + 719468;                     /* since 0000-03-01 */
	uint32_t era = d / 146097, in_era = d % 146097;
	uint32_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - (365 * y + y / 4 - y / 100);
	uint32_t m = (5 * in_year + 2) / 153;           /* 0 is March */

	*day = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 2 : m - 10;
	*year = y + era * 400 + (m >= 10);
}

void http_date(char *out, int64_t unix_s)
{
	static const char names[] = "SunMonTueWedThuFriSatJanFebMarAprMayJunJulAugSepOctNovDec";
	uint32_t days = (uint32_t)(unix_s / 86400), s = (uint32_t)(unix_s % 86400);
	unsigned year, month, day;

	civil(days, &year, &month, &day);
	memcpy(out, "www, dd mmm yyyy hh:mm:ss GMT", HTTP_DATE_LEN);
	memcpy(out, names + (days + 4) % 7 * 3, 3);
	two(out + 5, day);
	memcpy(out + 8, names + 21 + month * 3, 3);
	two(out + 12, year / 100);
	two(out + 14, year % 100);
	two(out + 17, s / 3600);
	two(out + 20, s / 60 % 60);
	two(out + 23, s % 60);
}
