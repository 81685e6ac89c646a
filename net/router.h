/* SPDX-License-Identifier: MIT */
/* Which function answers which method and path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http/parse.h"

struct request;
struct response;
typedef void http_handler(struct request *, struct response *);

#define ROUTES_MAX BUDGET_ROUTES
#define ROUTE_PARAMS BUDGET_ROUTE_PARAMS
#define ROUTE_PATH_MAX 128
#define ROUTE_METHOD_MAX 16

struct route {
	const char *method, *path;     /* kept by reference */
	http_handler *fn;
	uint8_t params;                /* how many ":name" segments */
	bool streams;                  /* its handler reads the body itself (net/flow.h) */
};

/* Adds a route: boot only. "/users/:id" matches any one segment that is not
 * empty for :id. Panics on a malformed or duplicate route and on a full
 * table: the author sees it at the first boot. */
void router_add(const char *method, const char *path, http_handler *fn);

/* Boot: ":name:type" segments are understood from here on. `int` is 1 to 18 digits, `float` digits
 * with a point among them, `uuid` as RFC 9562 has it, `path` all that is left, "/" included, as the
 * last segment. A typed segment comes before ":name" and after a literal, `path` last; each
 * type may have a route of its own at one place. */
void router_types(const char *method, const char *path);

/* What it sets; NULL without typed routes. Whether the value, up to *end, is of the type (":int/"
 * and so on; NULL: none); moves *end to `last` for a path. */
extern bool (*route_types)(const char *type, const char *value, const char **end,
			   const char *last);

/* The same, for a handler that reads the body itself. */
void router_add_stream(const char *method, const char *path, http_handler *fn);

/* The same for the administrative port, which has no other routes. */
void router_add_admin(const char *method, const char *path, http_handler *fn);

/* The most specific route for a method and a raw path, whose percent-encoding
 * is well formed and whose segments are compared decoded; HEAD falls back to GET. param[i]
 * becomes what the i-th ":name" matched, as an offset from `path`. NULL without one, then *status
 * is 404, 405 (the path is known), or 501 (nobody knows the method). */
const struct route *router_find(bool admin, const char *method, size_t method_len, const char *path,
				size_t len, struct http_slice param[ROUTE_PARAMS],
				unsigned *status);

/* Writes "GET, HEAD, OPTIONS": what a path (NULL: any path at all) answers
 * to; 0 bytes when nothing does. No NUL; returns the length, at most
 * ROUTER_ALLOW_MAX. */
#define ROUTER_ALLOW_MAX 128
size_t router_allow(bool admin, const char *path, size_t len, char out[ROUTER_ALLOW_MAX]);

/* The place of ":name" among a route's parameters, or -ENOENT. */
int route_param(const struct route *r, const char *name);

/* For tests: forgets all routes. */
void router_clear(void);
