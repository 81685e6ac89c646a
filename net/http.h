/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 server on net/stream.h: RFC 9110, RFC 9112.
 *
 * Event-driven: a connection between requests is 48 bytes and has no stack. A
 * handler runs on the net loop's stack and, when it waits, hands the loop on
 * (net_call); everything it sees lives in a request object taken from a pool
 * for as long as it runs. Routes are in net/router.h. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "net/router.h"

struct request;
struct response;

/* Boot, before the settings are applied: declares http.*, and counters. */
void http_declare(void);

/* Boot, after net_init(): sizes the pools. */
void http_init(void);

/* Listens on http.port. 0, -EADDRINUSE, -ENOMEM. */
int http_start(void);
uint16_t http_port(void);

/* Closes idle connections, and all others after the answer they are at. */
void http_drain(void);

/* ---- What a handler sees; app/app.h documents each under its short name ---- */

const char *http_method(struct request *req);
const char *http_path(struct request *req);
const char *http_query(struct request *req);
const char *http_param(struct request *req, const char *name);
const char *http_header(struct request *req, const char *name);
const void *http_body(struct request *req, size_t *len);
const char *http_client(struct request *req);

void response_status(struct response *res, unsigned code);
void response_header(struct response *res, const char *name, const char *value);
void response_body(struct response *res, const char *type, const void *data, size_t len);
void response_json(struct response *res, const char *template, va_list ap);

/* A body in pieces: begins an empty one, and adds to it. An answer that does not
 * fit becomes 500. */
void response_begin(struct response *res, const char *type);
/* It will be about `len` bytes long, which is taken at once: not piece by piece, each twice for a
 * while. */
void response_expect(struct response *res, size_t len);
void response_add(struct response *res, const void *data, size_t len);
