/* SPDX-License-Identifier: MIT */
/* http: and https: URLs (RFC 3986 §3, RFC 9110 §4.2): parsed into parts of the text itself, and
 * references resolved against one (RFC 3986 §5.2). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_HOST_MAX 255u              /* bytes: RFC 1035 §2.3.4 */
#define URL_MAX 2048u                  /* bytes of one that url_resolve() makes, with the NUL */

struct url {
	bool secure;                   /* https: */
	uint16_t port;                 /* as given, or 80, 443 */
	uint16_t host_len;             /* of an IPv6 address without its brackets */
	const char *host;
	const char *authority;         /* host and port as they stand there, for Host: */
	size_t authority_len;
	const char *target;            /* path and query; empty, or begins with "/" or "?" */
	size_t target_len;             /* without a fragment */
};

/* 0, or -EINVAL: not such a URL, or it has user information (RFC 9110 §4.2.4), an empty host, or
 * bytes that no URL has. u points into text. */
int url_parse(struct url *u, const char *text);

/* The URL that `reference` (a Location) means where `base` was asked: 0, -EINVAL, or -EMSGSIZE
 * when it does not fit. "." and ".." are removed from its path, and a fragment. */
int url_resolve(char out[URL_MAX], const struct url *base, const char *reference, size_t len);
