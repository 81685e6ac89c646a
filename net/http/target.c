/* SPDX-License-Identifier: MIT */
/* The request-target and host of a request: RFC 9112 §3.2, RFC 3986 §3.2.
 * Percent-encoding must be whole and must not encode NUL: what is decoded is
 * handed on as C strings. */
#include <string.h>

#include "net/http/chars.h"
#include "net/http/parse.h"

static bool percent_ok(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '%')
			continue;
		if (n - i < 3 || !http_char_is(p[i + 1], CHAR_HEX) ||
		    !http_char_is(p[i + 2], CHAR_HEX))
			return false;
		if (p[i + 1] == '0' && p[i + 2] == '0')
			return false;
	}
	return true;
}

static bool port_ok(const uint8_t *p, size_t n)
{
	unsigned long port = 0;

	if (n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!http_char_is(p[i], CHAR_DIGIT))
			return false;
		port = port * 10 + p[i] - '0';
	}
	return port <= 65535;
}

bool http_host_ok(const uint8_t *p, size_t len)
{
	size_t n = 0;

	if (len > 0 && p[0] == '[') {
		n = 1;
		while (n < len && (http_char_is(p[n], CHAR_HEX) || p[n] == ':' || p[n] == '.'))
			n++;
		if (n < 3 || n == len || p[n] != ']')
			return false;
		n++;
	} else {
		while (n < len && http_char_is(p[n], CHAR_HOST))
			n++;
		if (n == 0 || !percent_ok(p, n))
			return false;
	}
	return n == len || (p[n] == ':' && port_ok(p + n + 1, len - n - 1));
}

/* Length of "http://" or "https://" at p, in any case; 0: neither. */
static size_t scheme(const uint8_t *p, size_t n)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);

		if (n > len && http_is(p, (struct http_slice){0, (uint16_t)len}, schemes[i]))
			return len;
	}
	return 0;
}

/* Path and query at `at`, which is empty or begins with "/" or "?". */
static int path_query(struct http_head *h, const uint8_t *in, struct http_slice at)
{
	const uint8_t *p = in + at.at;
	const uint8_t *q = memchr(p, '?', at.len);

	h->path = at;
	if (q) {
		h->path.len = (uint16_t)(q - p);
		h->flags |= HTTP_QUERY;
		h->query.at = (uint16_t)(at.at + h->path.len + 1);
		h->query.len = (uint16_t)(at.len - h->path.len - 1);
	}
	return percent_ok(p, at.len) ? 0 : -400;
}

static int absolute(struct http_head *h, const uint8_t *in, struct http_slice at, bool options)
{
	size_t skip = scheme(in + at.at, at.len);
	size_t n = skip;

	if (skip == 0)
		return -400;
	while (n < at.len && in[at.at + n] != '/' && in[at.at + n] != '?')
		n++;
	if (!http_host_ok(in + at.at + skip, n - skip))
		return -400;
	h->authority = (struct http_slice){(uint16_t)(at.at + skip), (uint16_t)(n - skip)};
	if (options && n == at.len)
		h->flags |= HTTP_STAR;
	return path_query(h, in,
			  (struct http_slice){(uint16_t)(at.at + n), (uint16_t)(at.len - n)});
}

int http_target(struct http_head *h, const uint8_t *in, struct http_slice at)
{
	const uint8_t *p = in + at.at;
	const uint8_t *m = in + h->method.at;
	bool options = h->method.len == 7 && memcmp(m, "OPTIONS", 7) == 0;

	h->path = at;
	if (h->method.len == 7 && memcmp(m, "CONNECT", 7) == 0)
		return http_host_ok(p, at.len) ? 0 : -400;
	if (p[0] == '/')
		return path_query(h, in, at);
	if (at.len == 1 && p[0] == '*' && options) {
		h->flags |= HTTP_STAR;
		return 0;
	}
	return absolute(h, in, at, options);
}
