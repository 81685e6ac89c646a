/* SPDX-License-Identifier: MIT */
/* Dates on the wire. */
#pragma once

#include <stdint.h>

#define HTTP_DATE_LEN 29

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 §5.6.7),
 * HTTP_DATE_LEN bytes without a NUL. unix_s lies in the years 1970 to 9999. */
void http_date(char *out, int64_t unix_s);
