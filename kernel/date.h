/* SPDX-License-Identifier: MIT */
/* Calendar dates as clock chips have them. */
#pragma once

#include <stdint.h>

struct date {
	unsigned second, minute, hour, day, month, year;   /* UTC; day and month from 1 */
};

/* The date as Unix time: 0, or -ERANGE when it is no date from 2000 to 2199. */
int date_unix(const struct date *d, int64_t *unix_s);
