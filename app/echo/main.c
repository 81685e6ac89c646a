/* SPDX-License-Identifier: MIT */
/* A service for tests: bodies, parameters, handlers that wait, large answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "net/net.h"

static void echo(struct request *req, struct response *res)
{
	const char *type = request_header(req, "Content-Type");
	size_t len;
	const void *data = request_body(req, &len);

	body(res, type ? type : "application/octet-stream", data ? data : "", len);
}

static void hello(struct request *req, struct response *res)
{
	json(res, "{ hello: %s }", request_param(req, "name"));
}

static void show(struct request *req, struct response *res)
{
	json(res, "{ method: %s, path: %s, query: %s, host: %s, agent: %s }", request_method(req),
	     request_path(req), request_query(req), request_header(req, "Host"),
	     request_header(req, "User-Agent"));
}

static void client(struct request *req, struct response *res)
{
	const char *name = request_client(req);

	if (name)
		json(res, "{ client: %s }", name);
	else
		status(res, 401);
}

static void nap(struct request *req, struct response *res)
{
	unsigned long ms = strtoul(request_param(req, "ms"), NULL, 10);

	if (task_sleep(clock_after_ms((int64_t)(ms < 60000 ? ms : 60000))) < 0) {
		status(res, 503);
		return;
	}
	json(res, "{ slept: %lu }", ms);
}

static void resolve(struct request *req, struct response *res)
{
	struct addr a;
	char text[ADDR_TEXT];
	int e = net_resolve(request_param(req, "host"), &a, clock_after_ms(5000));

	if (e < 0) {
		status(res, e == -ENOENT ? 404 : e == -ENOMEM ? 503 : 502);
		return;
	}
	addr_text(text, &a);
	json(res, "{ address: %s }", text);
}

static void big(struct request *req, struct response *res)
{
	unsigned long n = strtoul(request_param(req, "n"), NULL, 10);
	char *text = n <= 1u << 20 ? malloc(n + 1) : NULL;

	if (!text) {
		status(res, n <= 1u << 20 ? 503 : 400);
		return;
	}
	memset(text, 'x', n);
	body(res, "text/plain", text, n);
	free(text);
}

void app_main(void)
{
	route("POST", "/echo", echo);
	route("PUT", "/echo", echo);
	route("GET", "/show", show);
	route("GET", "/client", client);
	route("GET", "/hello/:name", hello);
	route("GET", "/sleep/:ms", nap);
	route("GET", "/resolve/:host", resolve);
	route("GET", "/big/:n", big);
}
