/* SPDX-License-Identifier: MIT */
/* CONTRACT clients -> everyone: HTTP/1.1 requests to other services.
 *
 *	struct client *c;
 *	int e = client_fetch(&c, &(struct client_request){
 *		.url = "http://10.0.0.1/x", .deadline = clock_after_ms(2000), .max = 65536 });
 *	if (e == 0) {
 *		... client_status(c), client_body(c, &len) ...
 *		client_close(c);
 *	}
 *
 * The deadline is one for all: the name, the connection, every redirect, the last byte of the
 * body. Connections that may be used again are kept, a few for each host, for some seconds; an
 * idempotent request that finds that its kept connection has died is sent once more on a new one.
 *
 * Errors: -EINVAL the URL or a field is none; -EPROTONOSUPPORT https:, where client_https() was not
 * called; -ETIMEDOUT; -EPROTO the answer is malformed, or ends before its length; -EMSGSIZE its
 * head or body is too long; -ELOOP too many redirects; -ENOMEM; -ECANCELED; those of sock_connect()
 * and of tls_connect(), as -EACCES: the server is not to be trusted. It is -EACCES, too, when an
 * https: URL is redirected to http:. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"

struct client;

/* Boot: https: URLs may be asked, of servers that prove to be who they are (net/tls.h), for which
 * the app has the settings TLS_SETTINGS. Only an image that calls this has TLS for clients. */
void client_https(void);

/* What is asked. Members left out are as said. All of it belongs to the caller and is not looked at
 * once the call has returned. */
struct client_request {
	const char *method;            /* "GET" */
	const char *url;               /* http[s]://HOST[:PORT][/PATH][?QUERY] */
	const char *const *fields;     /* { "Name", "value", ..., NULL }; none */
	const void *body;              /* none: no Content-Length, but for POST, PUT and PATCH */
	size_t body_len;
	ktime deadline;                /* must be given */
	size_t max;                    /* client_fetch: most bytes of the answer's body */
	unsigned redirects;            /* how many are followed; 0: they are the answer */
};

/* Sends the request and reads the head of the answer: 0 and *c, for client_close(); or -errno and
 * *c is NULL. Waits. */
int client_open(struct client **c, const struct client_request *q);

/* The same with the whole body, at most q->max bytes. Waits. */
int client_fetch(struct client **c, const struct client_request *q);

unsigned client_status(const struct client *c);

/* The first field of that name (in lower case) and its length; NULL: none. As long as c. */
const char *client_header(const struct client *c, const char *lower, size_t *len);

/* What client_fetch() has read: followed by a NUL, as long as c. */
const char *client_body(const struct client *c, size_t *len);

/* Reads 1..len bytes of the body that client_open() has left: how many, 0 at its end, or -errno.
 * The peer is not asked for more than is read and a window of TCP. Waits. */
long client_read(struct client *c, void *buf, size_t len);

/* Gives it up: its connection is kept if the body was read to its end, else reset. c may be
 * NULL. Never waits. */
void client_close(struct client *c);

/* What a gateway answers when its backend has failed so: 502, 503 or 504 (RFC 9110 §15.6), and in
 * words. -EREMOTE is the caller's word for an answer whose status was not what it wanted. */
unsigned client_error_status(int err);
const char *client_error_text(int err);
