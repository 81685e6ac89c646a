/* SPDX-License-Identifier: MIT */
/* mbedTLS's platform: memory from malloc(), bounded, and time. */
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>

#include "net/tls/impl.h"

static size_t used, limit = SIZE_MAX;

void tls_memory_limit(size_t bytes)
{
	limit = bytes;
}

void *tls_calloc(size_t n, size_t size)
{
	void *p = NULL;

	if (size == 0 || n <= (limit - MIN(used, limit)) / size)
		p = calloc(n, size);
	if (p)
		used += malloc_usable_size(p);
	else
		tls_counters[TLS_NO_MEMORY].n++;
	return p;
}

void tls_free(void *p)
{
	if (p)
		used -= malloc_usable_size(p);
	free(p);
}

/* Unix time, by which tickets grow old while a machine stands still, too. While it is not known,
 * 1970 goes on: every certificate is then of the future, and refused; the keys of tickets rotate
 * all the same. */
static int64_t now_ns(void)
{
	int64_t ns;

	return clock_peek_ns(&ns) == 0 ? ns : clock_now();
}

time_t tls_time(time_t *t)
{
	time_t now = (time_t)(now_ns() / SECONDS(1));

	if (t)
		*t = now;
	return now;
}

mbedtls_ms_time_t mbedtls_ms_time(void)
{
	return now_ns() / MILLIS(1);
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *t, struct tm *tm)
{
	return gmtime_r(t, tm);
}
