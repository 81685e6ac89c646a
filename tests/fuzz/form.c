/* SPDX-License-Identifier: MIT */
/* sources: net/http/form_parse.c net/http/chars.c */
/* libFuzzer: the decoders of queries, forms, cookies, field parameters and multipart bodies. What
 * they give lies within what they were given, and they come to an end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/form_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void panic(const char *fmt, ...)
{
	abort();
}

static void within(struct text part, struct text all)
{
	assert(part.len == 0 || (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

static void pairs(struct text all, bool (*next)(struct text *, struct text *, struct text *))
{
	struct text in = all, name, value;
	size_t before = in.len + 1;

	while (next(&in, &name, &value)) {
		char *out = malloc(value.len + 1);

		within(name, all);
		within(value, all);
		assert(form_decode(out, value) <= value.len && in.len < before);
		before = in.len;
		free(out);
	}
	assert(in.len == 0);
}

static void parts(struct text all)
{
	struct text boundary = {all.p, MIN(all.len, (size_t)(all.len ? all.p[0] & 7 : 0))};
	struct text in = {all.p + boundary.len, all.len - boundary.len};
	struct part part;

	while (part_next(&in, boundary, &part) == 1) {
		within(part.data, all);
		within(part.disposition, all);
		within(part.type, all);
		within(in, all);
		within(field_parameter(part.disposition, "name"), all);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text all = {(const char *)data, size};

	pairs(all, form_next);
	pairs(all, cookie_next);
	within(field_parameter(all, "name"), all);
	within(field_parameter(all, ""), all);
	parts(all);
	return 0;
}
