/* SPDX-License-Identifier: MIT */
/* Trees of resources (net/resource.h): each depth of path is a route of its own, whose handler
 * walks the tree by the route's parameters. */
#include "net/resource.h"

#include <stdio.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"
#include "net/http.h"
#include "net/router.h"

#define DEPTH_MAX 8
#define ALLOW_MAX 40

static const char *const paths[DEPTH_MAX + 1] = {
	"/", "/:0", "/:0/:1", "/:0/:1/:2", "/:0/:1/:2/:3", "/:0/:1/:2/:3/:4",
	"/:0/:1/:2/:3/:4/:5", "/:0/:1/:2/:3/:4/:5/:6", "/:0/:1/:2/:3/:4/:5/:6/:7",
};
static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
static struct resource *root;

_Static_assert(RESOURCE_DEPTH <= DEPTH_MAX, "a path for each depth");

const char *resource_segment(struct request *req, unsigned n)
{
	char name[2] = { (char)('0' + n), '\0' };

	return n < RESOURCE_DEPTH ? http_param(req, name) : NULL;
}

static struct resource *child_of(struct resource *r, struct request *req, const char *name)
{
	for (struct resource *c = r->children; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return r->child ? r->child(r, req, name) : NULL;
}

static resource_fn *function_of(const struct resource *r, unsigned method)
{
	resource_fn *const fn[] = { r->get, r->post, r->put, r->del };

	return fn[method];
}

static void refuse(const struct resource *r, struct response *res)
{
	char allow[ALLOW_MAX];
	int len = 0;

	for (unsigned m = 0; m < ARRAY_LEN(methods); m++)
		if (function_of(r, m))
			len += snprintf(allow + len, sizeof(allow) - (size_t)len, "%s%s%s",
					len ? ", " : "", methods[m], m == 0 ? ", HEAD" : "");
	allow[len] = '\0';
	response_status(res, 405);
	response_header(res, "Allow", allow);
}

static void serve(struct request *req, struct response *res)
{
	const char *method = http_method(req), *name;
	struct resource *r = root;
	unsigned m = 0;

	for (unsigned n = 0; r && !r->leaf && (name = resource_segment(req, n)); n++)
		r = child_of(r, req, name);
	if (!r) {
		response_status(res, 404);
		return;
	}
	while (m < ARRAY_LEN(methods) && strcmp(methods[m], method) != 0)
		m++;
	m %= ARRAY_LEN(methods);        /* HEAD is asked for where GET is */
	if (function_of(r, m))
		function_of(r, m)(r, req, res);
	else
		refuse(r, res);
}

void resource_add(struct resource *r, struct resource *child)
{
	child->next = r->children;
	r->children = child;
}

void resource_serve(struct resource *r)
{
	ASSERT(!root);
	root = r;
	for (unsigned depth = 0; depth <= RESOURCE_DEPTH; depth++)
		for (unsigned m = 0; m < ARRAY_LEN(methods); m++)
			router_add(methods[m], paths[depth], serve);
}
