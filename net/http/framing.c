/* SPDX-License-Identifier: MIT */
/* What a request's fields say about host, framing and connection: RFC 9110
 * §7.2, §7.6.1, §8.6, §10.1.1; RFC 9112 §6. A length said twice, in two ways,
 * or in any way but digits is refused. */
#include <string.h>

#include "net/http/chars.h"
#include "net/http/parse.h"

/* The next element of a comma-separated list from *at on, without white space
 * around it; false at the end. */
static bool list_next(const uint8_t *in, struct http_slice list, size_t *at,
		      struct http_slice *item)
{
	const uint8_t *p = in + list.at;
	size_t n = *at;

	if (n > list.len)
		return false;
	size_t from = n;

	while (n < list.len && p[n] != ',')
		n++;
	*at = n + 1;
	while (from < n && (p[from] == ' ' || p[from] == '\t'))
		from++;
	while (n > from && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*item = (struct http_slice){(uint16_t)(list.at + from), (uint16_t)(n - from)};
	return true;
}

uint8_t http_connection(const uint8_t *in, struct http_slice v)
{
	struct http_slice item;
	uint8_t flags = 0;
	size_t at = 0;

	while (list_next(in, v, &at, &item)) {
		if (http_is(in, item, "close"))
			flags |= HTTP_CLOSE;
		else if (http_is(in, item, "keep-alive"))
			flags |= HTTP_KEEP;
	}
	return flags;
}

bool http_digits(const uint8_t *p, size_t len, uint64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		if (!http_char_is(p[i], CHAR_DIGIT))
			return false;
		if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, p[i] - '0', n))
			return false;
	}
	return len > 0;
}

static int content_length(struct http_head *h, const uint8_t *in, struct http_slice v)
{
	if ((h->flags & HTTP_LENGTH) || !http_digits(in + v.at, v.len, &h->length))
		return -400;
	h->flags |= HTTP_LENGTH;
	return 0;
}

static bool coding_known(const uint8_t *in, struct http_slice item)
{
	return http_is(in, item, "gzip") || http_is(in, item, "x-gzip") ||
	       http_is(in, item, "deflate") || http_is(in, item, "compress") ||
	       http_is(in, item, "x-compress");
}

/* "chunked" alone is understood. Codings that are known, ended by chunked, frame
 * the body well but are not offered: 501. All else is 400. */
static int transfer_encoding(struct http_head *h, const uint8_t *in, struct http_slice v)
{
	struct http_slice item;
	size_t at = 0;

	if (h->minor == 0 || (h->flags & HTTP_CHUNKED))
		return -400;
	while (list_next(in, v, &at, &item) && coding_known(in, item))
		;
	if (at <= v.len || !http_is(in, item, "chunked"))
		return -400;
	h->flags |= HTTP_CHUNKED;
	return item.at == v.at ? 0 : -501;
}

static int field(struct http_head *h, const uint8_t *in, const struct http_field *f,
		 unsigned *hosts, bool *odd)
{
	switch (f->name.len) {
	case 4:
		if (http_is(in, f->name, "host")) {
			++*hosts;
			return http_host_ok(in + f->value.at, f->value.len) ? 0 : -400;
		}
		break;
	case 6:
		if (http_is(in, f->name, "expect") && h->minor > 0) {
			if (http_is(in, f->value, "100-continue"))
				h->flags |= HTTP_CONTINUE;
			else
				*odd = true;
		}
		break;
	case 10:
		if (http_is(in, f->name, "connection"))
			h->flags |= http_connection(in, f->value);
		break;
	case 14:
		if (http_is(in, f->name, "content-length"))
			return content_length(h, in, f->value);
		break;
	case 17:
		if (http_is(in, f->name, "transfer-encoding"))
			return transfer_encoding(h, in, f->value);
		break;
	}
	return 0;
}

/* Methods whose meaning is their content. Without a length some clients mean
 * none, others what follows: refused. */
static bool wants_body(const struct http_head *h, const uint8_t *in)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};

	for (size_t i = 0; i < 3; i++) {
		if (h->method.len == strlen(methods[i]) &&
		    memcmp(in + h->method.at, methods[i], h->method.len) == 0)
			return true;
	}
	return false;
}

int http_framing(struct http_head *h, const uint8_t *in)
{
	unsigned hosts = 0;
	int refuse = 0;
	bool odd_expectation = false;

	for (unsigned i = 0; i < h->count; i++) {
		int e = field(h, in, &h->field[i], &hosts, &odd_expectation);

		if (e == -400)
			return e;
		if (e < 0)
			refuse = e;
	}
	if (hosts > 1 || (hosts == 0 && h->minor > 0))
		return -400;
	if ((h->flags & HTTP_CHUNKED) && (h->flags & HTTP_LENGTH))
		return -400;
	if (refuse == 0 && odd_expectation)
		refuse = -417;
	if (refuse == 0 && !(h->flags & (HTTP_CHUNKED | HTTP_LENGTH)) && wants_body(h, in))
		refuse = -411;
	return refuse;
}
