/* sources: kernel/deferred.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/deferred.c: chains, errors, deferreds as results, cancellation, and records that are freed
 * by their last link. */
#include "kernel/deferred.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fake_kernel.h"

static char trace[64];
static char values[] = "0123456789";

static void note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = '\0';
}

static int setup(void **state)
{
	trace[0] = '\0';
	return 0;
}

/* ---- Links: each notes its letter, and what it was given ----------------------------- */

/* The next value; a NULL one notes '-'. */
static int next(void *arg, void **value)
{
	note(*(char *)arg);
	note(*value ? *(char *)*value : '-');
	*value = *value ? (char *)*value + 1 : NULL;
	return 0;
}

static int throw(void *arg, void **value)
{
	note(*(char *)arg);
	return -EDOM;
}

static int mend(void *arg, int error, void **value)
{
	assert_null(*value);
	note(*(char *)arg);
	note(error == -EDOM ? 'D' : error == -ECANCELED ? 'C' : '?');
	*value = &values[5];
	return 0;
}

static int other_error(void *arg, int error, void **value)
{
	note(*(char *)arg);
	return -EDOM;
}

/* A value that is a deferred. */
static int wait_for(void *arg, void **value)
{
	note('w');
	*value = arg;
	return DEFERRED_WAIT;
}

static int free_it(void *arg, void **value)
{
	note('F');
	free(arg);
	return DEFERRED_GONE;
}

static int free_error(void *arg, int error, void **value)
{
	note('f');
	free(arg);
	return DEFERRED_GONE;
}

/* ---- Tests ------------------------------------------------------------------------------ */

static void test_chain(void **state)
{
	struct deferred d;
	struct deferred_link l[8];

	deferred_init(&d, NULL);
	deferred_add(&d, &l[0], next, mend, "a");
	deferred_add(&d, &l[1], NULL, mend, "b");
	deferred_add(&d, &l[2], throw, NULL, "c");
	deferred_add(&d, &l[3], next, NULL, "d");       /* passed by */
	deferred_add(&d, &l[4], next, other_error, "e");
	deferred_add(&d, &l[5], next, mend, "f");
	assert_string_equal(trace, "");
	assert_false(deferred_fired(&d));
	deferred_fire(&d, values);
	assert_string_equal(trace, "a0cefD");
	assert_true(deferred_fired(&d));
	deferred_add(&d, &l[6], next, mend, "g");       /* at once */
	deferred_add(&d, &l[7], next, mend, "h");
	assert_string_equal(trace, "a0cefDg5h6");
	deferred_cancel(&d);                            /* too late */
	assert_true(PANICS(deferred_fire(&d, NULL)));
	assert_true(PANICS(deferred_fail(&d, -EIO)));
}

static void test_error(void **state)
{
	struct deferred d;
	struct deferred_link l[2];

	deferred_init(&d, NULL);
	deferred_add(&d, &l[0], next, NULL, "a");
	deferred_fail(&d, -EDOM);
	assert_string_equal(trace, "");
	deferred_add(&d, &l[1], next, mend, "b");
	assert_string_equal(trace, "bD");
}

static struct deferred *grown;
static struct deferred_link grown_link;

static int grow(void *arg, void **value)
{
	note('g');
	deferred_add(grown, &grown_link, next, NULL, "x");
	return 0;
}

/* A link adds one to its own chain: it is called after it, not inside of it. */
static void test_grow(void **state)
{
	struct deferred d;
	struct deferred_link l[2];

	grown = &d;
	deferred_init(&d, NULL);
	deferred_add(&d, &l[0], grow, NULL, NULL);
	deferred_add(&d, &l[1], next, NULL, "a");
	deferred_fire(&d, values);
	assert_string_equal(trace, "ga0x1");
}

static void test_inner(void **state)
{
	for (int how = 0; how < 4; how++) {
		struct deferred d, inner;
		struct deferred_link l[4];

		trace[0] = '\0';
		deferred_init(&d, NULL);
		deferred_init(&inner, NULL);
		deferred_add(&inner, &l[3], next, NULL, "i");
		deferred_add(&d, &l[0], wait_for, NULL, &inner);
		deferred_add(&d, &l[1], next, mend, "a");
		if (how == 0)
			deferred_fire(&inner, values);  /* settled before it is waited for */
		deferred_fire(&d, NULL);
		if (how == 1) {
			assert_string_equal(trace, "w");
			deferred_fire(&inner, values);
		} else if (how == 2) {
			deferred_fail(&inner, -EDOM);
		} else if (how == 3) {
			deferred_cancel(&d);            /* cancels what it waits for */
			assert_true(deferred_fired(&inner));
		}
		deferred_add(&d, &l[2], next, NULL, "b");
		assert_string_equal(trace, how == 0 ? "i0wa1b2" : how == 1 ? "wi0a1b2" :
				    how == 2 ? "waDb5" : "waCb5");
	}
}

static unsigned quiet;

static int wait_quietly(void *arg, void **value)
{
	quiet++;
	*value = arg;
	return DEFERRED_WAIT;
}

/* Many that are settled: the stack does not grow with them. */
static void test_deep(void **state)
{
	enum { MANY = 200000 };
	struct deferred *inner = calloc(MANY, sizeof(*inner)), d;
	struct deferred_link *l = calloc(MANY, sizeof(*l));

	deferred_init(&d, NULL);
	for (int i = 0; i < MANY; i++) {
		deferred_init(&inner[i], NULL);
		deferred_fire(&inner[i], values);
		deferred_add(&d, &l[i], wait_quietly, NULL, &inner[i]);
	}
	deferred_fire(&d, values);
	assert_int_equal(quiet, MANY);
	free(inner);
	free(l);
}

static unsigned stopped;

static void stop(struct deferred *d)
{
	assert_false(deferred_fired(d));
	stopped++;
}

static void test_cancel(void **state)
{
	struct deferred d;
	struct deferred_link l;

	deferred_init(&d, stop);
	deferred_add(&d, &l, next, mend, "a");
	deferred_cancel(&d);
	assert_string_equal(trace, "aC");
	deferred_cancel(&d);
	assert_int_equal(stopped, 1);
}

struct record {
	struct deferred outer, inner;
	struct deferred_link l[3];
};

/* The last link frees the record with all that lies in it, whoever fires: ASan looks on. */
static void test_gone(void **state)
{
	for (int how = 0; how < 5; how++) {
		struct record *r = malloc(sizeof(*r));

		trace[0] = '\0';
		deferred_init(&r->outer, NULL);
		deferred_init(&r->inner, stop);
		deferred_add(&r->outer, &r->l[0], wait_for, NULL, &r->inner);
		deferred_add(&r->outer, &r->l[1], free_it, free_error, r);
		if (how == 0)
			deferred_fire(&r->inner, values);
		if (how == 4) {
			deferred_cancel(&r->outer);     /* before it has fired */
			assert_string_equal(trace, "f");
			continue;
		}
		deferred_fire(&r->outer, NULL);
		if (how == 1)
			deferred_fire(&r->inner, values);
		else if (how == 2)
			deferred_fail(&r->inner, -EIO);
		else if (how == 3)
			deferred_cancel(&r->outer);
		assert_string_equal(trace, how < 2 ? "wF" : "wf");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_chain, setup),
		cmocka_unit_test_setup(test_error, setup),
		cmocka_unit_test_setup(test_grow, setup),
		cmocka_unit_test_setup(test_inner, setup),
		cmocka_unit_test_setup(test_deep, setup),
		cmocka_unit_test_setup(test_cancel, setup),
		cmocka_unit_test_setup(test_gone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
