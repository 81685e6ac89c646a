/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: all that a service needs to include. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/task.h"
#include "net/deadline.h"
#include "net/document.h"
#include "net/errors.h"
#include "net/flow.h"
#include "net/form.h"
#include "net/later.h"
#include "net/router.h"

struct request;
struct response;

/* Answers one request. It may call anything marked "waits"; other requests are
 * served meanwhile. Both pointers are valid until it returns. */
typedef void handler(struct request *req, struct response *res);

/* The service: called once at start-up, before the network is up; adds routes. */
void app_main(void);

/* The service's own settings, if it has any, applied before app_main(), but those that a cloud's
 * metadata bring: before the first request. `expected` says in words what a value is
 * (kernel/config.h):
 *	static char host[64] = "127.0.0.1";
 *	static uint32_t port = 6379;
 *	SETTINGS(TEXT_SETTING("redis.addr", host, "a name or an address"),
 *		 NUMBER_SETTING("redis.port", port, 1, 65535, "a port, 1 to 65535")); */
#define SETTINGS(...) \
	const struct setting app_settings[] = { __VA_ARGS__ }; \
	const unsigned app_settings_count = ARRAY_LEN(app_settings)
#define TEXT_SETTING(name, array, words) \
	{ .key = name, .type = SETTING_STRING, .value = array, .max = sizeof(array), \
	  .expected = words }
#define NUMBER_SETTING(name, number, least, most, words) \
	{ .key = name, .type = SETTING_U32, .value = &(number), .min = least, .max = most, \
	  .expected = words }
extern const struct setting app_settings[] __attribute__((weak));
extern const unsigned app_settings_count __attribute__((weak));

/* Serves `path` by fn. A path segment ":name" matches any one segment; ":name:int", ":name:float",
 * ":name:uuid" one of that form, ":name:path" all that follows (net/router.h). A duplicate or
 * malformed route panics at boot, where it is seen. HEAD is answered from GET, OPTIONS and 405 with
 * Allow from what is routed. */
static inline __attribute__((always_inline)) void route(const char *method, const char *path,
							handler *fn)
{
	/* Decided by the compiler: types that no route has are not in the image. */
	if (strstr(path, ":int") || strstr(path, ":float") || strstr(path, ":uuid") ||
	    strstr(path, ":path"))
		router_types(method, path);
	router_add(method, path, fn);
}

/* Answers with JSON. The template is JSON in which names may go unquoted and
 * %d %u %ld %lu %lld %llu %zu %f %.Nf %s %c print a value, %s quoted and escaped:
 *	json(res, "{ name: %s, n: %d }", name, n)   ->  {"name": "x", "n": 1}
 * A number that JSON cannot hold (NaN, infinity: a value not known yet) makes
 * the answer 503 {"error": "<its name> is not known yet"}. An answer that
 * does not fit makes it 500. */
void json(struct response *res, const char *template, ...) PRINTF_LIKE(2, 3);

/* The status of the answer, 200 unless set; without a body 4xx and 5xx get
 * {"error": "<reason phrase>"}. */
void status(struct response *res, unsigned code);

/* Answers 502, 503 or 504, as a gateway does, and {"error": "WHOM: why"}: what was asked of `whom`
 * (a name of the author's, such as "backend.1") ended with this negative errno. */
void failed(struct response *res, const char *whom, int err);

/* Adds a header field. Control characters panic: never pass a client's bytes. */
void header(struct response *res, const char *name, const char *value);

/* Answers with a redirect to `url`, of at most 400 bytes; what may not stand in one, a client's
 * bytes maybe, is percent-encoded. 303 is what follows a POST. */
void redirect(struct response *res, unsigned code, const char *url);

/* Answers with `len` bytes, copied. */
void body(struct response *res, const char *content_type, const void *data, size_t len);

/* Parts of the request, as NUL-terminated strings that live until the handler
 * returns; NULL when absent. request_param: the segment that ":name" matched,
 * percent-decoded. */
const char *request_method(struct request *req);
const char *request_path(struct request *req);
const char *request_query(struct request *req);
const char *request_param(struct request *req, const char *name);
int64_t request_int(struct request *req, const char *name);    /* of ":name:int" */
const char *request_header(struct request *req, const char *name);
const void *request_body(struct request *req, size_t *len);

/* Whom the client's certificate names, verified against tls.client_ca: "CN=ann, O=Example"; NULL
 * when it showed none. Until the handler returns or waits. */
const char *request_client(struct request *req);
