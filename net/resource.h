/* SPDX-License-Identifier: MIT */
/* CONTRACT net -> author: a tree of resources, which a path is walked down segment by segment.
 * After twisted.web's Resource; beside net/router.h's routes, the more specific of which win. */
#pragma once

#include <stdbool.h>

#include "kernel/budget.h"

struct request;
struct response;
struct resource;

/* Answers a request for r; may wait, or answer later, as any handler. */
typedef void resource_fn(struct resource *r, struct request *req, struct response *res);

struct resource {
	const char *name;              /* its segment */
	resource_fn *get, *post, *put, *del;   /* NULL: 405, with Allow; HEAD is get's, too */
	/* The child of a name that was not added, or NULL: 404. May be NULL itself. */
	struct resource *(*child)(struct resource *r, struct request *req, const char *name);
	bool leaf;                     /* answers for all below it, too */
	struct resource *children, *next;      /* private */
};

/* Boot: makes `child` one of r's, found by its name. */
void resource_add(struct resource *r, struct resource *child);

/* Boot: serves a tree, the only one, at "/" and below, down to RESOURCE_DEPTH segments. */
#define RESOURCE_DEPTH BUDGET_ROUTE_PARAMS
void resource_serve(struct resource *root);

/* Segment n of the path, from 0, decoded, or NULL: there are not so many. Valid as
 * request_param()'s. */
const char *resource_segment(struct request *req, unsigned n);
