/* sources: net/http/router.c net/http/route_types.c net/http/chars.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/router.h: what matches, what comes first, what is refused at boot. */
/* cflags: -Wno-clobbered */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "net/router.h"

static struct http_slice param[ROUTE_PARAMS];
static unsigned status;

static void a(struct request *req, struct response *res) {}
static void b(struct request *req, struct response *res) {}
static void c(struct request *req, struct response *res) {}
static void d(struct request *req, struct response *res) {}

static http_handler *find(const char *method, const char *path)
{
	const struct route *r =
		router_find(false, method, strlen(method), path, strlen(path), param, &status);

	return r ? r->fn : NULL;
}

static unsigned miss(const char *method, const char *path)
{
	assert_null(find(method, path));
	return status;
}

static const char *allow(const char *path)
{
	static char text[ROUTER_ALLOW_MAX + 1];

	text[router_allow(false, path, path ? strlen(path) : 0, text)] = 0;
	return text;
}

static int setup(void **unused)
{
	router_clear();
	return 0;
}

static void test_literal(void **unused)
{
	router_add("GET", "/", a);
	router_add("GET", "/x/y", b);
	router_add("GET", "/x/", c);
	assert_ptr_equal(find("GET", "/"), a);
	assert_ptr_equal(find("GET", "/x/y"), b);
	assert_ptr_equal(find("GET", "/x/"), c);
	assert_ptr_equal(find("HEAD", "/x/y"), b);
	assert_ptr_equal(find("GET", "/%78/%79"), b);
	assert_int_equal(miss("GET", "/x"), 404);
	assert_int_equal(miss("GET", "/x/y/"), 404);
	assert_int_equal(miss("GET", "//"), 404);
	assert_int_equal(miss("GET", "/x%2fy"), 404);
	assert_int_equal(miss("GET", "/X/y"), 404);
	assert_int_equal(miss("GET", "/x/yy"), 404);
}

static void test_params(void **unused)
{
	static const char path[] = "/u/a%2Fb/p/";

	router_add("GET", "/u/:id", a);
	router_add("GET", "/u/:id/:more/", b);
	assert_ptr_equal(find("GET", "/u/:x"), a);
	assert_ptr_equal(find("GET", path), b);
	assert_int_equal(param[0].at, 3);
	assert_int_equal(param[0].len, 5);
	assert_int_equal(param[1].at, 9);
	assert_int_equal(param[1].len, 1);
	assert_int_equal(miss("GET", "/u/"), 404);
	assert_int_equal(miss("GET", "/u//x/"), 404);

	const struct route *r = router_find(false, "GET", 3, path, strlen(path), param, &status);

	assert_int_equal(route_param(r, "id"), 0);
	assert_int_equal(route_param(r, "more"), 1);
	assert_int_equal(route_param(r, "mor"), -ENOENT);
	assert_int_equal(route_param(r, "u"), -ENOENT);
}

/* The most specific wins, in whatever order they were added. */
static void test_order(void **unused)
{
	static const struct { const char *path; http_handler *fn; } all[] = {
		{"/:x/b", a}, {"/a/:y", b}, {"/a/b", c}, {"/:x/:y", d},
	};

	for (unsigned order = 0; order < 256; order++) {
		unsigned seen = 0;

		router_clear();
		for (unsigned i = 0; i < 4; i++)
			seen |= 1u << (order >> 2 * i & 3);
		if (seen != 15)
			continue;
		router_add("GET", "/c", a);
		for (unsigned i = 0; i < 4; i++)
			router_add("GET", all[order >> 2 * i & 3].path, all[order >> 2 * i & 3].fn);
		assert_ptr_equal(find("GET", "/a/b"), c);
		assert_ptr_equal(find("GET", "/a/x"), b);
		assert_ptr_equal(find("GET", "/x/b"), a);
		assert_ptr_equal(find("GET", "/x/x"), d);
	}
}

static void test_methods(void **unused)
{
	router_add("GET", "/x", a);
	router_add("POST", "/x", b);
	router_add("DELETE", "/:y", c);
	router_add("PURGE", "/z", d);
	router_add("OPTIONS", "/z", d);
	assert_ptr_equal(find("DELETE", "/x"), c);
	assert_ptr_equal(find("PURGE", "/z"), d);
	assert_int_equal(miss("PUT", "/x"), 405);
	assert_int_equal(miss("PUT", "/a/b"), 404);
	assert_int_equal(miss("OPTIONS", "/x"), 405);
	assert_int_equal(miss("PURGE", "/x"), 405);
	assert_int_equal(miss("get", "/x"), 501);
	assert_int_equal(miss("TRACE", "/x"), 501);
	assert_int_equal(miss("CONNECT", "h:1"), 501);
	assert_string_equal(allow("/x"), "GET, HEAD, POST, DELETE, OPTIONS");
	assert_string_equal(allow("/z"), "PURGE, OPTIONS, DELETE");
	assert_string_equal(allow("/q/q"), "");
	assert_string_equal(allow(NULL), "GET, HEAD, POST, PURGE, OPTIONS, DELETE");
}

static void test_refused(void **unused)
{
	static const char *const wrong[] = {
		"",      "x",    "/x?y", "/x/:",  "//",
		"/x//y", "/a b", "/%41", "/\x80", "/:a/:b/:c/:d/:e/:f/:g/:h/:i"};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *volatile path = wrong[i];

		if (!PANICS(router_add("GET", path, a)))
			fail_msg("accepted: %s", wrong[i]);
	}
	assert_true(PANICS(router_add("", "/", a)));
	assert_true(PANICS(router_add("get", "/", a)));
	assert_true(PANICS(router_add("G T", "/", a)));
	router_add("GET", "/u/:id", a);
	assert_true(PANICS(router_add("GET", "/u/:name", b)));
	router_add("POST", "/u/:name", b);
	router_add("GET", "/u", b);
	for (unsigned i = 3; i < ROUTES_MAX; i++) {
		static char paths[ROUTES_MAX][8];

		paths[i][0] = '/';
		paths[i][1] = (char)('A' + i / 26);
		paths[i][2] = (char)('A' + i % 26);
		router_add("GET", paths[i], c);
	}
	assert_true(PANICS(router_add("GET", "/full", c)));
}

static void typed(const char *path, http_handler *fn)
{
	router_types("GET", path);
	router_add("GET", path, fn);
}

static void test_types(void **unused)
{
	route_types = NULL;
	assert_true(PANICS(router_add("GET", "/i/:n:int", a)));
	typed("/i/:n:path", d);
	typed("/i/:n", c);
	typed("/i/:n:int", b);
	typed("/i/0", a);
	typed("/u/:u:uuid", a);
	typed("/f/:f:float/x", b);
	typed("/f/:rest:path", c);
	assert_ptr_equal(find("GET", "/i/0"), a);
	assert_ptr_equal(find("GET", "/i/00"), b);
	assert_ptr_equal(find("GET", "/i/%30%31"), b);
	assert_ptr_equal(find("GET", "/i/123456789012345678"), b);
	assert_ptr_equal(find("GET", "/i/1234567890123456789"), c);
	assert_ptr_equal(find("GET", "/i/-1"), c);
	assert_ptr_equal(find("GET", "/i/1x"), c);
	assert_ptr_equal(find("GET", "/i/1/2"), d);
	assert_int_equal(param[0].at, 3);
	assert_int_equal(param[0].len, 3);
	assert_int_equal(miss("GET", "/i/"), 404);
	assert_ptr_equal(find("GET", "/u/01234567-89ab-cdef-0123-456789ABCDEF"), a);
	assert_int_equal(miss("GET", "/u/01234567-89ab-cdef-0123-456789ABCDEg"), 404);
	assert_int_equal(miss("GET", "/u/01234567-89abccdef-0123-456789ABCDEF"), 404);
	assert_ptr_equal(find("GET", "/f/1.5/x"), b);
	assert_ptr_equal(find("GET", "/f/1./x"), c);
	assert_ptr_equal(find("GET", "/f/15/x"), c);
	assert_int_equal(miss("POST", "/f/a/b/c"), 405);
	typed("/u/:n:int", b);
	typed("/u/:f:float", c);
	assert_true(PANICS(router_add("GET", "/u/:other:uuid", d)));
	assert_ptr_equal(find("GET", "/u/01234567-89ab-cdef-0123-456789abcdef"), a);
	assert_ptr_equal(find("GET", "/u/01234567"), b);
	assert_ptr_equal(find("GET", "/u/0123.4567"), c);
	assert_int_equal(miss("GET", "/u/0123.4567.8"), 404);

	const struct route *r = router_find(false, "GET", 3, "/i/7", 4, param, &status);

	assert_int_equal(route_param(r, "n"), 0);
	assert_int_equal(route_param(r, "n:int"), -ENOENT);
	assert_true(PANICS(router_types("GET", "/x/:n:number")));
	assert_true(PANICS(router_types("GET", "/x/:n:path/more")));
	assert_true(PANICS(router_types("GET", "/x/::int")));
	route_types = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_literal, setup),
		cmocka_unit_test_setup(test_params, setup),
		cmocka_unit_test_setup(test_order, setup),
		cmocka_unit_test_setup(test_methods, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_types, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
