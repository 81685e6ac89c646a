/* SPDX-License-Identifier: MIT */
/* Requests being answered. One object is kept out of the pool, so that the usual
 * request, whose handler does not wait, finds it warm and with what it knows of
 * the last head. */
#include <stdio.h>
#include <string.h>

#include "net/http/impl.h"
#include "net/net.h"
#include "net/tls.h"

#define HTTPS_PORT 443
#define REDIRECT_MAX (RESPONSE_EXTRA_MAX - 14)   /* "Location: " and a line's end fit, too */

void (*request_begins)(struct request *r) SEALED;
void (*request_errors)(struct request *r) SEALED;
const struct route *(*request_mounts)(struct request *r, const char *path, size_t len) SEALED;

static struct pool requests;
static struct request *spare;

void requests_init(unsigned cap)
{
	pool_init(&requests, "http_requests", sizeof(struct request), cap);
	spare = NULL;
}

struct request *request_get(void)
{
	struct request *r = spare;

	if (r) {
		spare = NULL;
		return r;
	}
	r = pool_get(&requests);
	if (r) {
		r->cached_len = 0;
		r->reading = 0;
		r->work = r->memory = r->res.big = NULL;
		r->patches = 0;
	}
	return r;
}

/* Each piece begins with where the next one is. */
void *request_memory(struct request *r, size_t size)
{
	struct work *w = work_new(sizeof(w) + size, NULL);

	if (!w)
		return NULL;
	memcpy(w->data, &r->memory, sizeof(w));
	r->memory = w;
	return w->data + sizeof(w);
}

static void free_memory(struct request *r)
{
	while (r->memory) {
		struct work *w = r->memory;

		memcpy(&r->memory, w->data, sizeof(w));
		work_free(w);
	}
}

void request_put(struct request *r)
{
	while (r->patches > 0) {
		r->patches--;
		r->bytes[r->patch[r->patches].at] = r->patch[r->patches].was;
	}
	if (r->work || r->memory || r->res.big) {
		r->reading = 0;
		work_free(r->work);
		free_memory(r);
		work_free(r->res.big);
		r->work = r->res.big = NULL;
	}
	if (spare)
		pool_put(&requests, r);
	else
		spare = r;
}

static const char *path_of(struct request *r, size_t *len)
{
	*len = r->head.path.len ? r->head.path.len : 1;
	return r->head.path.len ? (const char *)r->bytes + r->head.path.at : "/";
}

void request_route(struct conn *c, struct request *r)
{
	size_t len;
	const char *path = path_of(r, &len);
	const char *method = (const char *)r->bytes + r->head.method.at;

	r->route = NULL;
	r->miss = 0;
	if (r->head.flags & HTTP_STAR)
		return;
	r->route = router_find(c->s->admin, method, r->head.method.len, path, len, r->param,
			       &r->miss);
	if (!r->route && request_mounts && !c->s->admin)
		r->route = request_mounts(r, path, len);
	if (!r->route && r->miss == 405 && r->head.method.len == 7 &&
	    memcmp(method, "OPTIONS", 7) == 0)
		r->miss = 0;
}

/* OPTIONS, and what no route answers. */
static void unrouted(struct request *r)
{
	char allow[ROUTER_ALLOW_MAX + 1];
	bool star = r->head.flags & HTTP_STAR;
	size_t len;
	const char *path = path_of(r, &len);

	if (r->miss == 0 || r->miss == 405) {
		allow[router_allow(r->run.conn->s->admin, star ? NULL : path, len, allow)] = 0;
		response_header(&r->res, "Allow", allow);
	}
	if (r->miss)
		response_status(&r->res, r->miss);
}

/* The same over HTTPS, on its usual port or the one that is set: 308, which keeps the method
 * (RFC 9110 §15.4.9). */
static void redirect(struct request *r)
{
	char url[REDIRECT_MAX], port[8] = "";
	const char *host = http_header(r, "Host"), *query = http_query(r);
	size_t len = 0;
	int n;

	if (host)
		len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (len == 0) {
		response_status(&r->res, 400);
		return;
	}
	if (https_port() != HTTPS_PORT)
		snprintf(port, sizeof(port), ":%u", https_port());
	n = snprintf(url, sizeof(url), "https://%.*s%s%s%s%s", (int)len, host, port, http_path(r),
		     query ? "?" : "", query ? query : "");
	if (n < 0 || (size_t)n >= sizeof(url)) {
		response_status(&r->res, 414);
		return;
	}
	response_header(&r->res, "Location", url);
	response_status(&r->res, 308);
}

/* Room for the decoded parameters, which are no longer than the path. */
static bool make_strings(struct request *r)
{
	size_t len, room = r->bytes == r->store ? sizeof(r->store) - r->head.len : 0;

	path_of(r, &len);
	len += ROUTE_PARAMS;
	r->strings = (char *)r->store + r->head.len;
	if (len <= room)
		return true;
	r->strings = request_memory(r, len);
	return r->strings;
}

/* Run by net_call(): when the handler waits, the connection is taken up again
 * from the loop, if it still lives. */
static void call(void *arg)
{
	struct request *r = arg;

	r->task = task_self();
	if (request_begins)
		request_begins(r);
	r->route->fn(r, &r->res);
	r->done = true;
	if (net_in_loop())
		return;
	http_counters[COUNT_WAITED].n++;
	if (r->run.conn)
		stream_again(r->run.conn->s);
	else
		r->run.ops->left(r);
}

enum step request_run(struct conn *c, struct request *r)
{
	http_counters[COUNT_REQUESTS].n++;
	conn_leave(c);
	c->state = CONN_RUN;
	c->run = &r->run;
	r->run = (struct run){c, &request_ops, NULL};
	r->done = r->decoded = r->host_moved = false;
	r->later = NULL;
	response_reset(&r->res);
	if (http_settings.redirect && !c->s->secure)
		redirect(r);
	else if (!r->route)
		unrouted(r);
	else if (r->route->params && !make_strings(r))
		response_status(&r->res, 503);
	else
		net_call(call, r);
	r->done = true;
	return c->run->ops->ready(c);
}

bool request_asks_head(const struct request *r)
{
	return r->head.method.len == 4 && memcmp(r->bytes + r->head.method.at, "HEAD", 4) == 0;
}

enum persist request_persist(uint8_t flags, uint8_t minor)
{
	if ((flags & HTTP_CLOSE) || http_draining)
		return PERSIST_CLOSE;
	if (minor > 0)
		return PERSIST;
	return flags & HTTP_KEEP ? PERSIST_SAID : PERSIST_CLOSE;
}

enum step request_answer(struct conn *c, struct request *r, enum persist p, bool head_only)
{
	ktime now = clock_now();
	size_t len;
	char *text = response_compose(&r->res, p, head_only, now, &len);
	struct work *w = r->res.big;
	enum step step;

	if (w) {
		r->res.big = NULL;
		w->at = (uint32_t)(text - (char *)w->data);
		w->len = w->at + (uint32_t)len;
		step = write_work(c, w, p == PERSIST_CLOSE, now);
	} else {
		step = write_bytes(c, text, len, p == PERSIST_CLOSE, now);
	}
	request_put(r);
	return step;
}

void request_cancel(struct request *r)
{
	if (!r->done)
		task_cancel(r->task);
}

bool request_deserted(struct stream *s)
{
	return stream_available(s) == 0 && stream_ended(s);  /* TLS looks, and then it knows */
}

static enum step ready(struct conn *c)
{
	struct request *r = (struct request *)c->run;

	if (!r->done) {
		if (request_deserted(c->s))
			request_cancel(r);
		return STEP_WAIT;
	}
	if (r->res.status >= 400 && request_errors)
		request_errors(r);
	return request_answer(c, r, request_persist(r->head.flags, r->head.minor),
			      request_asks_head(r));
}

static void gone(struct run *run)
{
	struct request *r = (struct request *)run;

	run->conn = NULL;
	if (r->done)
		request_put(r);        /* it was about to be sent */
	else
		request_cancel(r);
}

const struct run_ops request_ops = {ready, gone, request_put};
