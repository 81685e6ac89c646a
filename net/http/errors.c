/* SPDX-License-Identifier: MIT */
/* Answers to errors: net/errors.h. */
#include <string.h>

#include "net/errors.h"
#include "net/http/impl.h"

static struct error {
	const char *prefix;
	size_t len;                    /* of it, without a "/" at its end */
	unsigned status;
	http_handler *fn;
} errors[ERRORS_MAX] SEALED;
static unsigned count SEALED;

static void answer(struct request *r)
{
	const struct error *best = NULL;
	struct response *res = &r->res;
	const char *path;

	if (res->has_body && !res->failed)
		return;
	path = http_path(r);
	for (const struct error *e = errors; e < errors + count; e++) {
		if (e->status == res->status && (!best || e->len > best->len) &&
		    path_below(path, strlen(path), e->prefix, e->len) >= 0)
			best = e;
	}
	if (!best)
		return;
	res->failed = res->has_body = false;
	res->len = 0;
	best->fn(r, res);
}

void route_error(const char *prefix, unsigned status, http_handler *fn)
{
	size_t len = strlen(prefix);

	if (count == ERRORS_MAX || *prefix != '/')
		panic("route_error: %s %u: %s", prefix, status,
		      *prefix == '/' ? "too many" : "a path begins with /");
	request_errors = answer;
	errors[count++] = (struct error){
		.prefix = prefix, .len = len - (len > 0 && prefix[len - 1] == '/'),
		.status = status, .fn = fn,
	};
}
