/* sources: net/http/errors.c net/http/below.c net/http/chars.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/errors.h: who answers for an error below which path. */
/* cflags: -Wno-clobbered */
#include "tests/unit/fake_kernel.h"

#include <string.h>

#include "net/errors.h"
#include "net/http/impl.h"

void (*request_errors)(struct request *r);
static const char *path;
static char answered;

const char *http_path(struct request *r)
{
	return path;
}

static void all(struct request *r, struct response *res) { answered = '/'; }
static void api(struct request *r, struct response *res) { answered = 'a'; }
static void deep(struct request *r, struct response *res) { answered = 'd'; }
static void odd(struct request *r, struct response *res) { answered = 'o'; }

/* Who answers: the first letter of its name, "-" for nobody. */
static char asked(const char *raw, unsigned status, bool has_body, bool failed)
{
	struct request r = {.res = {.status = (uint16_t)status, .has_body = has_body,
				    .failed = failed, .len = 7}};

	path = raw;
	answered = '-';
	request_errors(&r);
	if (answered != '-')
		assert_false(r.res.has_body || r.res.failed || r.res.len);
	return answered;
}

static char error(const char *raw)
{
	return asked(raw, 404, false, false);
}

/* The longest prefix, in whichever order they came. */
static void test_longest(void **unused)
{
	assert_null(request_errors);
	route_error("/api", 404, api);
	route_error("/api/v1/deep/", 404, deep);
	route_error("/", 404, all);
	route_error("/odd path", 500, odd);
	assert_int_equal(error("/"), '/');
	assert_int_equal(error("/api"), 'a');
	assert_int_equal(error("/api/"), 'a');
	assert_int_equal(error("/api/v1/deeper"), 'a');
	assert_int_equal(error("/api/v1/deep"), 'd');
	assert_int_equal(error("/api/v1/deep/x"), 'd');
	assert_int_equal(error("/ap"), '/');
	assert_int_equal(error("/apis"), '/');
	assert_int_equal(error("/x/api"), '/');
}

/* Paths are compared decoded, as routes are. */
static void test_decoded(void **unused)
{
	assert_int_equal(error("/%61pi/x"), 'a');
	assert_int_equal(error("/ap%69"), 'a');
	assert_int_equal(error("/api%2fx"), 'a');
	assert_int_equal(error("/api%20"), '/');
	assert_int_equal(asked("/odd%20path/", 500, false, false), 'o');
}

/* Only its own status, and only where there is no body but one of the server's. */
static void test_which(void **unused)
{
	assert_int_equal(asked("/api", 500, false, false), '-');
	assert_int_equal(asked("/api", 405, false, false), '-');
	assert_int_equal(asked("/api", 404, true, false), '-');
	assert_int_equal(asked("/api", 404, true, true), 'a');
}

static void test_refused(void **unused)
{
	assert_true(PANICS(route_error("api", 404, api)));
	assert_true(PANICS(route_error("", 404, api)));
	for (unsigned i = 4; i < ERRORS_MAX; i++)
		route_error("/many", 400 + i, api);
	assert_true(PANICS(route_error("/full", 404, api)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest), cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_which), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
