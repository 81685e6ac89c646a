/* SPDX-License-Identifier: MIT */
/* What an author knows from Flask; tests/apps/flask_app.py is the same in Python. */
#include <stdio.h>
#include <stdlib.h>

#include "app/app.h"

SETTINGS(DEADLINE_SETTING);

static void not_found(struct request *req, struct response *res)
{
	json(res, "{ error: \"no such path\", path: %s }", request_path(req));
}

static void no_value(struct request *req, struct response *res)
{
	json(res, "{ error: \"no such value\" }");
}

static void not_allowed(struct request *req, struct response *res)
{
	json(res, "{ error: \"not for this path\", method: %s }", request_method(req));
}

static void broken(struct request *req, struct response *res)
{
	json(res, "{ error: \"our fault\" }");
}

static void hello(struct request *req, struct response *res)
{
	const char *name = request_arg(req, "name");

	json(res, "{ hello: %s }", name ? name : "world");
}

static void item(struct request *req, struct response *res)
{
	json(res, "{ item: %lld }", (long long)request_int(req, "number"));
}

static void named(struct request *req, struct response *res)
{
	json(res, "{ name: %s }", request_param(req, "name"));
}

static void file(struct request *req, struct response *res)
{
	json(res, "{ file: %s }", request_param(req, "rest"));
}

static void half(struct request *req, struct response *res)
{
	json(res, "{ half: %.3f }", atof(request_param(req, "number")) / 2);
}

static void unique(struct request *req, struct response *res)
{
	json(res, "{ uuid: %s }", request_param(req, "id"));
}

static void search(struct request *req, struct response *res)
{
	json(res, "{ q: %s, lang: %s }", request_arg(req, "q"), request_arg(req, "lang"));
}

static void form(struct request *req, struct response *res)
{
	const struct form_file *f = request_file(req, "photo");

	json(res, "{ name: %s, photo: %s, bytes: %zu }", request_form(req, "name"),
	     f ? f->filename : NULL, f ? f->len : 0);
}

static void sum(struct request *req, struct response *res)
{
	const struct value *v = request_json(req, res), *numbers = value_member(v, "numbers");
	double total = 0, n;

	if (!v)
		return;
	for (size_t i = 0; i < value_count(numbers); i++) {
		if (!value_number(value_at(numbers, i, NULL), &n)) {
			status(res, 422);
			return;
		}
		total += n;
	}
	status(res, 201);
	json(res, "{ who: %s, sum: %.3f }", value_text(value_member(v, "who")), total);
}

static void mirror(struct request *req, struct response *res)
{
	const struct value *v = request_json(req, res);

	if (v)
		json_value(res, v);
}

static void login(struct request *req, struct response *res)
{
	if (response_cookie(res, &(struct cookie){ .name = "user",
			    .value = request_form(req, "name"), .path = "/", .max_age = 3600,
			    .http_only = true, .same_site = "Lax" }) < 0)
		status(res, 400);
	else
		redirect(res, 303, "/me");
}

static void me(struct request *req, struct response *res)
{
	const char *name = request_cookie(req, "user");

	if (name)
		json(res, "{ user: %s }", name);
	else
		status(res, 401);
}

static void stream(struct request *req, struct response *res)
{
	int64_t n = request_int(req, "n");

	if (response_stream(req, "text/plain; charset=utf-8") < 0)
		return;
	for (int64_t i = 0; i < n; i++)
		if (response_print(req, "line %lld\n", (long long)i) < 0)
			return;
}

static void events(struct request *req, struct response *res)
{
	char data[40], id[8];

	if (response_events(req) < 0)
		return;
	for (int i = 0; i < 3; i++) {
		snprintf(data, sizeof(data), "{\"n\": %d}\nsecond line", i);
		snprintf(id, sizeof(id), "%d", i);
		if (response_event(req, "tick", id, data) < 0)
			return;
		task_sleep(clock_after_ms(100));
	}
}

static void fault(struct request *req, struct response *res)
{
	status(res, 500);
}

void app_main(void)
{
	route_error("/", 404, not_found);
	route_error("/value", 404, no_value);
	route_error("/", 405, not_allowed);
	route_error("/", 500, broken);
	route("GET", "/", hello);
	route("GET", "/item/:number:int", item);
	route("GET", "/item/:name", named);
	route("GET", "/files/:rest:path", file);
	route("GET", "/value/:number:float", half);
	route("GET", "/value/:id:uuid", unique);
	route("GET", "/search", search);
	route("POST", "/form", form);
	route("POST", "/sum", sum);
	route("PUT", "/mirror", mirror);
	route("POST", "/login", login);
	route("GET", "/me", me);
	route("GET", "/stream/:n:int", stream);
	route("GET", "/events", events);
	route("GET", "/fault", fault);
}
