/* SPDX-License-Identifier: MIT */
/* Answers to errors: net/errors.h. */
#include <string.h>

#include "net/errors.h"
#include "net/http/impl.h"

static struct error {
	const char *prefix;
	unsigned status;
	http_handler *fn;
} errors[ERRORS_MAX] SEALED;
static unsigned count SEALED;

/* Whether a path is the prefix, or goes on after it with a "/". */
static bool below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len > 0 && prefix[len - 1] == '/')
		len--;
	return strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == 0);
}

static void answer(struct request *r)
{
	const struct error *best = NULL;
	struct response *res = &r->res;

	if (res->has_body && !res->failed)
		return;
	for (const struct error *e = errors; e < errors + count; e++) {
		if (e->status == res->status && below(http_path(r), e->prefix) &&
		    (!best || strlen(e->prefix) > strlen(best->prefix)))
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
	if (count == ERRORS_MAX || *prefix != '/')
		panic("route_error: %s %u: %s", prefix, status,
		      *prefix == '/' ? "too many" : "a path begins with /");
	request_errors = answer;
	errors[count++] = (struct error){prefix, status, fn};
}
