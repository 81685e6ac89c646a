/* SPDX-License-Identifier: MIT */
/* What the files net/client*.c share and nobody else sees. */
#pragma once

#include "kernel/counter.h"
#include "net/client.h"
#include "net/client/head.h"
#include "net/http/chunk.h"
#include "net/sock.h"
#include "net/url.h"

enum { CLIENT_REQUESTS, CLIENT_REUSED, CLIENT_RETRIED, CLIENT_REDIRECTS, CLIENT_FAILED,
       CLIENT_COUNTS };
extern struct counter client_counters[CLIENT_COUNTS];

/* Whom a connection leads to. */
struct client_host {
	uint16_t port;
	uint8_t len;                   /* of name */
	bool secure;
	char name[URL_HOST_MAX + 1];   /* NUL-terminated */
};

enum body { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_CLOSE };

struct client {
	struct sock *s;                /* NULL once the answer has been read */
	uint8_t *head;                 /* of the answer, `head_len` bytes */
	char *body;                    /* what client_fetch() has read */
	char *url;                     /* where we were sent, while that is asked */
	size_t head_len, body_len;
	ktime deadline;
	struct client_head h;
	enum body mode;
	uint64_t left;                 /* BODY_LENGTH */
	struct http_chunk chunk;
	struct client_host host;
};

/* The connection is not needed any more: kept when all was read and the peer agrees. */
void client_done(struct client *c);

/* ---- send.c: one request ------------------------------------------------ */

struct client_ask {
	const struct url *url;         /* NULL before the first */
	const char *method;
	const char *const *fields;     /* or NULL */
	const void *body;
	size_t body_len;
	bool has_body, head_only, idempotent;
	bool foreign;                  /* redirected to another host: no credentials */
};

/* What q asks: 0, or -EINVAL when its method or a field cannot be sent. */
int client_ask_first(struct client_ask *a, const struct client_request *q);

/* What is asked where an answer of this status sends us (RFC 9110 §15.4). */
void client_ask_again(struct client_ask *a, unsigned status);

/* Sends it: 0 or -errno. Waits. */
int client_send(struct sock *s, const struct client_ask *a, ktime deadline);

/* ---- keep.c: connections for later --------------------------------------- */

bool client_same_host(const struct client_host *h, const struct url *u);

/* A kept connection to u's host that is still good, or NULL. `fresh`: one of the last second, for
 * a request that cannot be sent twice. */
struct sock *client_kept(const struct url *u, bool fresh);

/* Closes the one that has been kept for longest: false, there is none. */
bool client_keep_less(void);

/* Keeps one that is done with, or closes it. */
void client_keep(struct sock *s, const struct client_host *h);
