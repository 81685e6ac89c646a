/* sources: net/http/date.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/http/date.h against the C library's calendar, each day of 8,000 years. */
#include "tests/unit/fake_kernel.h"

#include <string.h>
#include <time.h>

#include "net/http/date.h"

static void check(int64_t at)
{
	char want[64], got[HTTP_DATE_LEN + 1] = "";
	time_t t = (time_t)at;

	http_date(got, at);
	strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&t));
	if (strcmp(got, want) != 0)
		fail_msg("%lld: %s, not %s", (long long)at, got, want);
}

static void test_days(void **unused)
{
	for (int64_t day = 0; day < 365LL * 8000; day++)
		check(day * 86400 + day % 86400);
	check(253402300799);
}

static void test_rfc(void **unused)
{
	char got[HTTP_DATE_LEN + 1] = "";

	http_date(got, 784111777);
	assert_string_equal(got, "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_days), cmocka_unit_test(test_rfc)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
