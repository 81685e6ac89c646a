/* SPDX-License-Identifier: MIT */
/* URLs (net/url.h). */
#include "net/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/chars.h"
#include "net/http/parse.h"

static bool begins(const char *text, size_t len, const char *lower)
{
	size_t n = strlen(lower);

	return len >= n &&
	       http_is((const uint8_t *)text, (struct http_slice){ 0, (uint16_t)n }, lower);
}

/* Whether it begins with a scheme (RFC 3986 §3.1). */
static bool has_scheme(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (http_char_is((uint8_t)text[n], CHAR_NAME) ||
			   strchr("+-.", text[n])))
		n++;
	return n > 0 && n < len && text[n] == ':';
}

/* Host and port out of the authority, which http_host_ok() has found good. */
static int split_host(struct url *u)
{
	const char *p = u->authority, *end = p + u->authority_len, *at;
	unsigned port = 0;

	u->host = *p == '[' ? p + 1 : p;
	for (at = u->host; at < end && *at != (*p == '[' ? ']' : ':'); at++)
		;
	if ((size_t)(at - u->host) > URL_HOST_MAX)
		return -EINVAL;
	u->host_len = (uint16_t)(at - u->host);
	at += *p == '[';
	if (end - at < 2)
		return 0;
	for (at++; at < end; at++)
		port = port * 10 + (unsigned)(*at - '0');
	u->port = (uint16_t)port;
	return port > 0 ? 0 : -EINVAL;
}

int url_parse(struct url *u, const char *text)
{
	size_t n;

	n = strnlen(text, 8);
	*u = (struct url){ .secure = begins(text, n, "https://") };
	if (!u->secure && !begins(text, n, "http://"))
		return -EINVAL;
	u->port = u->secure ? 443 : 80;
	u->authority = text + (u->secure ? 8 : 7);
	u->authority_len = strcspn(u->authority, "/?#");
	if (u->authority_len > URL_HOST_MAX + 8 ||
	    !http_host_ok((const uint8_t *)u->authority, u->authority_len))
		return -EINVAL;
	u->target = u->authority + u->authority_len;
	u->target_len = strcspn(u->target, "#");
	for (n = 0; n < u->target_len; n++)
		if (!http_char_is((uint8_t)u->target[n], CHAR_TARGET))
			return -EINVAL;
	return split_host(u);
}

/* RFC 3986 §5.2.4, in place: of a path that begins with "/". */
static void remove_dots(char *path)
{
	size_t end = strcspn(path, "?"), from = 0, to = 0;

	while (from < end) {
		size_t n = 1 + strcspn(path + from + 1, "/?");
		bool last = from + n >= end;
		bool up = n == 3 && memcmp(path + from, "/..", 3) == 0;

		if (up)
			while (to > 0 && path[--to] != '/')
				;
		if (up || (n == 2 && path[from + 1] == '.')) {
			if (last)
				path[to++] = '/';
		} else {
			memmove(path + to, path + from, n);
			to += n;
		}
		from += n;
	}
	memmove(path + to, path + end, strlen(path + end) + 1);
}

int url_resolve(char out[URL_MAX], const struct url *base, const char *reference, size_t len)
{
	const char *scheme = base->secure ? "https:" : "http:";
	size_t path = strcspn(base->target, "?#"), dir = path;
	struct url u;
	int n, r = (int)MIN(len, (size_t)URL_MAX), a = (int)base->authority_len;

	while (dir > 0 && base->target[dir - 1] != '/')
		dir--;
	if (has_scheme(reference, len))
		n = snprintf(out, URL_MAX, "%.*s", r, reference);
	else if (len >= 2 && memcmp(reference, "//", 2) == 0)
		n = snprintf(out, URL_MAX, "%s%.*s", scheme, r, reference);
	else if (len > 0 && *reference == '/')
		n = snprintf(out, URL_MAX, "%s//%.*s%.*s", scheme, a, base->authority, r,
			     reference);
	else if (len == 0 || *reference == '?')
		n = snprintf(out, URL_MAX, "%s//%.*s%.*s%.*s", scheme, a, base->authority,
			     (int)(len > 0 ? path : base->target_len), base->target, r, reference);
	else
		n = snprintf(out, URL_MAX, "%s//%.*s%.*s%s%.*s", scheme, a, base->authority,
			     (int)dir, base->target, dir > 0 ? "" : "/", r, reference);
	if (n < 0 || n >= (int)URL_MAX)
		return -EMSGSIZE;
	out[strcspn(out, "#")] = 0;
	if (url_parse(&u, out) < 0)
		return -EINVAL;
	if (u.target_len > 0 && *u.target == '/')
		remove_dots((char *)u.target);
	return 0;
}
