/* SPDX-License-Identifier: MIT */
/* The server's side of net/wsgi.h (PEP 3333). */
#include "net/wsgi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/flow.h"
#include "net/http/chars.h"
#include "net/http/later_impl.h"

#define DEFAULT_TYPE "application/octet-stream"

static struct mount {
	struct route route;            /* first */
	const char *prefix;
	size_t len;                    /* of it, 0 for "/" */
	const struct wsgi *app;
} mounts[WSGI_MOUNTS_MAX] SEALED;
static unsigned mount_count SEALED;

struct environ_entry {
	const char *key, *value;
	struct environ_entry *next;
};

/* One request: the outermost start_response. */
struct call {
	struct start start;            /* first */
	struct environ env;
	struct response *res;
	bool started, wrong;
	int64_t length;                /* Content-Length, as the callable says; -1: it does not */
	char type[RESPONSE_TYPE_MAX + 1];
};

/* ---- The environment --------------------------------------------------------------- */

void *environ_memory(struct environ *env, size_t size)
{
	return request_memory(env->request, size);
}

long environ_read(struct environ *env, void *buf, size_t len)
{
	return request_read(env->request, buf, len);
}

int environ_set(struct environ *env, const char *key, const char *value)
{
	struct environ_entry *e = environ_memory(env, sizeof(*e));

	if (!e)
		return -ENOMEM;
	*e = (struct environ_entry){key, value, env->more};
	env->more = e;
	return 0;
}

/* Whether a field's name is that of HTTP_*, here without HTTP_. A "_" in a field's name is none of
 * ours: it could pass for a "-". */
static bool is_named(const uint8_t *name, size_t len, const char *key)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = name[i] == '-' ? '_' : name[i];

		if (c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (name[i] == '_' || c != (uint8_t)key[i])
			return false;
	}
	return key[len] == 0;
}

/* All fields of that name, joined: a cookie's by what is between its pairs (RFC 6265 §4.2.1). */
static const char *joined(struct environ *env, const char *key)
{
	struct request *r = env->request;
	const char *between = strcmp(key, "COOKIE") == 0 ? "; " : ", ";
	size_t room = 1, at = 0;
	char *out = NULL;

	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < r->head.count; i++) {
			const struct http_field *f = &r->head.field[i];

			if (!is_named(r->bytes + f->name.at, f->name.len, key))
				continue;
			if (!out) {
				room += f->value.len + 2u;
				continue;
			}
			if (at > 0) {
				memcpy(out + at, between, 2);
				at += 2;
			}
			memcpy(out + at, r->bytes + f->value.at, f->value.len);
			at += f->value.len;
		}
		if (pass == 0)
			out = room > 1 ? environ_memory(env, room) : NULL;
		if (!out)
			return NULL;
	}
	out[at] = 0;
	return out;
}

/* Without those that have an entry of their own (RFC 3875 §4.1.18); the host is that of an absolute
 * form, if it is one. */
static const char *header(struct environ *env, const char *key)
{
	if (strcmp(key, "CONTENT_TYPE") == 0 || strcmp(key, "CONTENT_LENGTH") == 0)
		return NULL;
	return strcmp(key, "HOST") == 0 ? http_header(env->request, "Host") : joined(env, key);
}

static const char *number(struct environ *env, int64_t n)
{
	char *text = n < 0 ? NULL : environ_memory(env, 24);

	if (text)
		snprintf(text, 24, "%lld", (long long)n);
	return text;
}

const char *environ_get(struct environ *env, const char *key)
{
	const struct { const char *key, *value; } known[] = {
		{"REQUEST_METHOD", env->method}, {"SCRIPT_NAME", env->script_name},
		{"PATH_INFO", env->path_info}, {"QUERY_STRING", env->query_string},
		{"SERVER_PROTOCOL", env->protocol}, {"REMOTE_ADDR", env->remote_addr},
		{"SERVER_NAME", env->server_name}, {"wsgi.url_scheme", env->url_scheme},
		{"CONTENT_TYPE", env->content_type},
	};

	for (const struct environ_entry *e = env->more; e; e = e->next) {
		if (strcmp(e->key, key) == 0)
			return e->value;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].key, key) == 0)
			return known[i].value;
	}
	if (strcmp(key, "CONTENT_LENGTH") == 0)
		return env->request->head.flags & HTTP_LENGTH ? number(env, env->content_length) :
		       NULL;
	if (strcmp(key, "REMOTE_PORT") == 0)
		return number(env, env->remote_port);
	if (strcmp(key, "SERVER_PORT") == 0)
		return number(env, env->server_port);
	return strncmp(key, "HTTP_", 5) == 0 ? header(env, key + 5) : NULL;
}

/* What follows the prefix, percent-decoded; NULL: no memory, or a NUL in it. */
static const char *path_info(struct request *r, const struct mount *m)
{
	const char *path = http_path(r);
	const char *in = path + path_below(path, strlen(path), m->prefix, m->len);
	char *out = request_memory(r, strlen(in) + 1), *p = out;

	for (; out && *in; in++) {
		char c = *in;

		if (c == '%') {
			c = (char)(http_hex((uint8_t)in[1]) << 4 | http_hex((uint8_t)in[2]));
			in += 2;
		}
		if (c == 0)
			return NULL;
		*p++ = c;
	}
	if (out)
		*p = 0;
	return out;
}

static const char *address(struct request *r, const struct addr *a)
{
	char *text = request_memory(r, ADDR_TEXT);

	return text ? addr_text(text, a) : "";
}

/* An address as in a URL (RFC 3875 §4.1.14). */
static const char *host(struct request *r, const struct addr *a)
{
	const char *plain = address(r, a);
	char *text = addr_is_ip4(a) ? NULL : request_memory(r, ADDR_TEXT + 2);

	if (text)
		snprintf(text, ADDR_TEXT + 2, "[%s]", plain);
	return text ? text : plain;
}

static bool fill(struct environ *env, struct request *r, const struct mount *m)
{
	struct origin o = request_origin(r);
	const struct endpoint *local = &r->run.conn->s->local;

	*env = (struct environ){
		.request = r, .method = http_method(r), .path_info = path_info(r, m),
		.script_name = m->len ? m->prefix : "",
		.query_string = http_query(r) ? http_query(r) : "",
		.protocol = r->head.minor ? "HTTP/1.1" : "HTTP/1.0",
		.remote_addr = address(r, &o.client.addr), .remote_port = o.client.port,
		.server_name = host(r, &local->addr), .server_port = local->port,
		.url_scheme = o.secure ? "https" : "http",
		.content_type = http_header(r, "Content-Type"),
		.content_length = r->head.flags & HTTP_CHUNKED ? -1 : (int64_t)r->head.length,
	};
	return env->path_info;
}

/* ---- The answer -------------------------------------------------------------------- */

static void wrong(struct call *c, const char *name, const char *why)
{
	log_error("wsgi: %.40s: %s", name, why);
	c->wrong = true;
}

static void add_field(struct call *c, const char *name, const char *value)
{
	static const char *const never[] = {"connection", "keep-alive", "proxy-authenticate",
					    "proxy-authorization", "te", "trailer",
					    "transfer-encoding", "upgrade"};

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (strcasecmp(name, never[i]) == 0) {
			wrong(c, name, "is the server's to say");
			return;
		}
	}
	for (const char *p = name; *p || p == name; p++) {
		if (!http_char_is((uint8_t)*p, CHAR_TOKEN)) {
			wrong(c, name, "is not a name");
			return;
		}
	}
	for (const char *p = value; *p; p++) {
		if ((uint8_t)*p < 0x20 || *p == 0x7f) {
			wrong(c, name, "control characters in its value");
			return;
		}
	}
	if (strcasecmp(name, "content-type") == 0 && strlen(value) > RESPONSE_TYPE_MAX)
		wrong(c, name, "its value is too long");
	else if (strcasecmp(name, "content-type") == 0)
		strcpy(c->type, value);
	else if (strcasecmp(name, "content-length") == 0)
		c->length = strtoll(value, NULL, 10);
	else if (strcasecmp(name, "date") != 0)
		response_header(c->res, name, value);
}

static void start(struct start *self, const char *status, const struct field *fields)
{
	struct call *c = (struct call *)self;
	unsigned long code = strtoul(status, NULL, 10);

	if (c->env.request->later)
		return;                /* the head is on its way */
	response_reset(c->res);
	strcpy(c->type, DEFAULT_TYPE);
	c->started = true;
	c->wrong = false;
	c->length = -1;
	if (code < 200 || code > 599)
		wrong(c, status, "not a status");
	else
		response_status(c->res, (unsigned)code);
	for (; fields; fields = fields->next)
		add_field(c, fields->name, fields->value);
}

static void check_length(const struct call *c, size_t len)
{
	if (c->length >= 0 && (size_t)c->length != len)
		log_warn("wsgi: Content-Length %lld, but %zu bytes", (long long)c->length, len);
}

/* The pieces, of which the first is there. */
static void stream(struct call *c, struct body *body, const void *data, size_t len)
{
	struct request *r = c->env.request;
	int err = response_stream(r, c->type), more = 1;
	size_t sum = 0;

	while (err == 0 && more == 1) {
		err = response_write(r, data, len);
		sum += len;
		if (err == 0)
			more = body->next(body, &data, &len);
	}
	if (more < 0 && err == 0)
		response_break(r);
	else if (err == 0)
		check_length(c, sum);
}

static void answer(struct call *c, struct body *body)
{
	struct request *r = c->env.request;
	const void *data = "";
	size_t len = 0;
	int more = body ? body->next(body, &data, &len) : 0;

	if (!c->started || c->wrong || more < 0) {
		if (!c->started)
			log_error("wsgi: no start_response for %s", http_path(r));
		response_reset(c->res);
		response_status(c->res, 500);
	} else if (more == 0 && c->length > 0 && request_asks_head(r) && !r->later) {
		response_stream(r, c->type);   /* says no length: GET's is not known here */
	} else if (more == 0 || body->count == 1) {
		if (!r->later)
			check_length(c, more ? len : 0);
		response_body(c->res, c->type, data, more ? len : 0);
	} else {
		stream(c, body, data, len);
	}
}

static void serve(struct request *r, struct response *res)
{
	const struct mount *m = (const struct mount *)r->route;
	struct call *c = request_memory(r, sizeof(*c));
	struct body *body;

	if (!c) {
		response_status(res, 503);
		return;
	}
	*c = (struct call){.start = {start}, .res = res, .length = -1};
	if (!fill(&c->env, r, m)) {
		response_status(res, 400);
		return;
	}
	body = wsgi_call(m->app, &c->env, &c->start);
	answer(c, body);
	if (body && body->close)
		body->close(body);
}

static const struct route *find(struct request *r, const char *path, size_t len)
{
	const struct mount *best = NULL;

	for (const struct mount *m = mounts; m < mounts + mount_count; m++) {
		if (path_below(path, len, m->prefix, m->len) >= 0 &&
		    (!best || m->len > best->len))
			best = m;
	}
	return best ? &best->route : NULL;
}

void wsgi_mount(const char *prefix, const struct wsgi *app)
{
	size_t len = strlen(prefix);

	if (mount_count == WSGI_MOUNTS_MAX || *prefix != '/' || (len > 1 && prefix[len - 1] == '/'))
		panic("wsgi_mount: %s: %s", prefix,
		      mount_count == WSGI_MOUNTS_MAX ? "too many" : "expected as /path");
	request_mounts = find;
	route_streams();
	mounts[mount_count++] = (struct mount){
		.route = {"*", prefix, serve, 0, true}, .prefix = prefix,
		.len = len > 1 ? len : 0, .app = app,
	};
}

/* ---- Bodies of one piece ------------------------------------------------------------- */

struct bytes {
	struct body body;              /* first */
	const void *data;
	size_t len;
	bool given;
};

static int next_bytes(struct body *self, const void **data, size_t *len)
{
	struct bytes *b = (struct bytes *)self;

	if (b->given)
		return 0;
	b->given = true;
	*data = b->data;
	*len = b->len;
	return 1;
}

struct body *wsgi_bytes(struct environ *env, const void *data, size_t len)
{
	struct bytes *b = environ_memory(env, sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct bytes){{next_bytes, NULL, 1}, data, len, false};
	return &b->body;
}

struct body *wsgi_text(struct environ *env, const char *text)
{
	return wsgi_bytes(env, text, strlen(text));
}
