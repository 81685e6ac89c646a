/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: the gateway interface of PEP 3333 in C: a callable that gets the whole
 * request as an environment and a start_response, and returns an iterable body; and middleware, a
 * callable around another.
 *
 * A callable may wait. What it allocates by environ_memory() lives as long as the request. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/config.h"
#include "net/forwarded.h"

struct request;

struct environ {
	struct request *request;
	const char *method;            /* REQUEST_METHOD */
	const char *script_name;       /* SCRIPT_NAME: where the callable is mounted, "" for "/" */
	const char *path_info;         /* PATH_INFO: what follows, decoded */
	const char *query_string;      /* QUERY_STRING: as sent, without "?" */
	const char *protocol;          /* SERVER_PROTOCOL: "HTTP/1.1" */
	const char *remote_addr;       /* REMOTE_ADDR, REMOTE_PORT: who asks (net/forwarded.h) */
	const char *server_name;       /* SERVER_NAME, SERVER_PORT: that it was connected to, IPv6
					* in brackets */
	const char *url_scheme;        /* wsgi.url_scheme: "http" or "https", to who asks */
	const char *content_type;      /* CONTENT_TYPE, or NULL */
	int64_t content_length;        /* CONTENT_LENGTH, 0 if none; -1: not known yet */
	uint16_t remote_port, server_port;
	struct environ_entry *more;    /* of environ_set() */
};

/* Any entry by its name in PEP 3333: those above, HTTP_* for every other header (several of one
 * name are joined by ", ", cookies by "; "; none has a "_" in its name), what middleware has set.
 * NULL: none. */
const char *environ_get(struct environ *env, const char *key);
/* Kept by reference. 0, -ENOMEM. */
int environ_set(struct environ *env, const char *key, const char *value);
void *environ_memory(struct environ *env, size_t size);

/* wsgi.input: as request_read() (net/flow.h). Waits. */
long environ_read(struct environ *env, void *buf, size_t len);

/* A field of the answer; a list, whose first is the newest: middleware puts its own before. */
struct field {
	const char *name, *value;
	const struct field *next;
};

/* start_response: a status as "200 OK" and fields, which are copied. It may be called again as long
 * as nothing is sent. What may not be said (RFC 9110's hop-by-hop fields, control characters) makes
 * the answer 500, with a line in the log. Content-Length is checked by the server, not sent. */
struct start {
	void (*call)(struct start *self, const char *status, const struct field *fields);
};
static inline void start_response(struct start *s, const char *status, const struct field *fields)
{
	s->call(s, status, fields);
}

/* The iterable: next() gives a piece, valid until it is called again: 1; 0 at the end; or -errno,
 * and the answer is cut. close() is called once, whatever has happened; either may wait. `count`:
 * how many pieces, 0: not known; of one the length is said, else it is sent in pieces. */
struct body {
	int (*next)(struct body *self, const void **data, size_t *len);
	void (*close)(struct body *self);      /* or NULL */
	unsigned count;
};

/* A callable. NULL: no body, or no memory. */
struct wsgi {
	struct body *(*call)(const struct wsgi *self, struct environ *env, struct start *start);
	const struct wsgi *inner;      /* of middleware: what it goes around */
	const void *arg;
};
static inline struct body *wsgi_call(const struct wsgi *w, struct environ *env, struct start *start)
{
	return w->call(w, env, start);
}

/* Boot: everything at and below `prefix` that no route answers, by any method. The longest prefix
 * counts; at most WSGI_MOUNTS_MAX, panics beyond. */
#define WSGI_MOUNTS_MAX 8
void wsgi_mount(const char *prefix, const struct wsgi *app);

/* A body of one piece, not copied; NULL: no memory. */
struct body *wsgi_bytes(struct environ *env, const void *data, size_t len);
struct body *wsgi_text(struct environ *env, const char *text);

/* ---- Middleware: net/wsgi/layers.c ------------------------------------------------- */

/* One line in the log for each request, once its body has ended: client, user, request, status,
 * bytes, seconds, REQUEST_ID. */
struct body *wsgi_access_log(const struct wsgi *self, struct environ *env, struct start *start);

/* REQUEST_ID: the client's X-Request-ID if it is of at most 64 letters, digits, "-", "_", ".", or a
 * random one; says it in the answer. */
struct body *wsgi_request_id(const struct wsgi *self, struct environ *env, struct start *start);

/* Server-Timing: how long it took to the answer's head, in milliseconds. */
struct body *wsgi_timing(const struct wsgi *self, struct environ *env, struct start *start);

/* Basic authentication (RFC 7617), by arg; sets REMOTE_USER. */
struct wsgi_auth {
	const char *realm;             /* without quotes */
	bool (*check)(const char *user, const char *password);
};
struct body *wsgi_basic_auth(const struct wsgi *self, struct environ *env, struct start *start);
