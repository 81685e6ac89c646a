/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.1 request: bytes in, slices out. No I/O, no memory of
 * its own. Stricter than RFC 9112 asks: whatever two parsers could read
 * differently is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/budget.h"

#define HTTP_FIELDS_MAX BUDGET_FIELDS_MAX  /* what struct http_head has room for */
#define HTTP_HEAD_MAX 32768            /* most that http.max_head may be set to */

/* A part of the head: offset from its first byte, and length. */
struct http_slice {
	uint16_t at, len;
};

struct http_field {
	struct http_slice name, value;     /* value without white space around it */
};

enum http_flags {
	HTTP_CHUNKED = 1,              /* Transfer-Encoding: chunked */
	HTTP_LENGTH = 2,               /* Content-Length was given */
	HTTP_CLOSE = 4,                /* Connection: close */
	HTTP_KEEP = 8,                 /* Connection: keep-alive */
	HTTP_CONTINUE = 16,            /* Expect: 100-continue, on HTTP/1.1 */
	HTTP_STAR = 32,                /* OPTIONS for the server: "*", or a URI without a path */
	HTTP_QUERY = 64,               /* the target has a "?" */
};

struct http_head {
	uint16_t len;                  /* bytes of the head, the empty line included */
	uint8_t minor;                 /* HTTP/1.minor, as 0 or 1 */
	uint8_t flags;                 /* enum http_flags */
	uint8_t count;                 /* fields */
	struct http_slice method;
	struct http_slice path;        /* raw; len 0 means "/" (absolute form without a path) */
	struct http_slice query;       /* raw, after the "?"; only with HTTP_QUERY */
	struct http_slice authority;   /* of an absolute form; len 0 otherwise */
	uint64_t length;               /* Content-Length, 0 without */
	struct http_field field[HTTP_FIELDS_MAX];
};

struct http_limits {
	uint32_t max_head;             /* bytes, at most HTTP_HEAD_MAX */
	uint32_t max_fields;           /* at most HTTP_FIELDS_MAX */
	uint32_t max_uri;              /* bytes of the request-target */
};

/* Parses a request's head at in[0..len): its length when it is complete and
 * good; 0 when it is good so far and more is needed; or -STATUS, the HTTP
 * status it is to be refused with (-400, -411, -414, -417, -431, -501, -505), found
 * as early as possible. h is only valid in the first case. */
int http_parse(struct http_head *h, const uint8_t *in, size_t len,
	       const struct http_limits *limits);

/* Finds the end of a head that arrives in pieces, so that nothing is parsed
 * twice. Zero-initialised before the first piece. Returns how many of the
 * `len` bytes belong to the head; HTTP_SCAN_END in *state: it is complete;
 * HTTP_SCAN_BAD: it has a bare CR or LF or a NUL, parsing it gives the status. */
enum http_scan { HTTP_SCAN_START, HTTP_SCAN_START_CR, HTTP_SCAN_LINE, HTTP_SCAN_CR, HTTP_SCAN_CRLF,
		 HTTP_SCAN_LAST_CR, HTTP_SCAN_END, HTTP_SCAN_BAD };
size_t http_scan(enum http_scan *state, const uint8_t *in, size_t len);

/* Compares a slice with a lower-case word, ignoring ASCII case. */
bool http_is(const uint8_t *in, struct http_slice s, const char *lower);

/* Steps of http_parse(), each in a file of its own. */

/* Splits the request-target at `at` (RFC 9112 §3.2): 0 or -400. Wants h->method. */
int http_target(struct http_head *h, const uint8_t *in, struct http_slice at);

/* True for uri-host [":" port] that is not empty (RFC 9110 §7.2). */
bool http_host_ok(const uint8_t *p, size_t len);

/* What the fields say about host, framing and connection: 0 or -STATUS. */
int http_framing(struct http_head *h, const uint8_t *in);

/* For answers, too (client/head.h): HTTP_CLOSE and HTTP_KEEP as a Connection field says; a decimal
 * number that fits, and nothing else. */
uint8_t http_connection(const uint8_t *in, struct http_slice v);
bool http_digits(const uint8_t *p, size_t len, uint64_t *n);
