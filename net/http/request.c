/* SPDX-License-Identifier: MIT */
/* What a handler may ask of its request. The head's bytes belong to the request
 * while it is served, and every part of them is followed by a delimiter, so a part
 * becomes a C string by writing NUL over that; request_put() undoes it. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/http/chars.h"
#include "net/http/impl.h"

static const char *string_at(struct request *r, struct http_slice s)
{
	uint8_t *end = r->bytes + s.at + s.len;

	if (*end) {
		if (r->patches < REQUEST_PATCHES) {
			r->patch[r->patches].at = (uint16_t)(s.at + s.len);
			r->patch[r->patches].was = *end;
			r->patches++;
		} else {
			r->cached_len = 0;
		}
		*end = 0;
	}
	return (const char *)r->bytes + s.at;
}

const char *http_method(struct request *req)
{
	return string_at(req, req->head.method);
}

const char *http_path(struct request *req)
{
	return req->head.path.len ? string_at(req, req->head.path) : "/";
}

const char *http_query(struct request *req)
{
	return req->head.flags & HTTP_QUERY ? string_at(req, req->head.query) : NULL;
}

/* The host of an absolute form replaces the Host field (RFC 9112 §3.2.2). What
 * follows it is the path, so it moves to the left, over a "/" of "://". */
static const char *absolute_host(struct request *r)
{
	uint8_t *p = r->bytes + r->head.authority.at;
	size_t len = r->head.authority.len;

	if (!r->host_moved) {
		r->host_moved = true;
		r->cached_len = 0;
		memmove(p - 1, p, len);
		p[len - 1] = 0;
	}
	return (const char *)p - 1;
}

const char *http_header(struct request *req, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < req->head.count; i++) {
		const struct http_field *f = &req->head.field[i];

		if (f->name.len != len ||
		    strncasecmp((const char *)req->bytes + f->name.at, name, len) != 0)
			continue;
		if (req->head.authority.len && strcasecmp(name, "host") == 0)
			return absolute_host(req);
		return string_at(req, f->value);
	}
	return NULL;
}

/* Percent-decodes a part; http_target() has seen to it that it is well formed. */
static char *decode(char *out, const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = in[i];

		if (c == '%') {
			c = (uint8_t)(http_hex(in[i + 1]) << 4 | http_hex(in[i + 2]));
			i += 2;
		}
		*out++ = (char)c;
	}
	*out++ = 0;
	return out;
}

const char *http_param(struct request *req, const char *name)
{
	int n = route_param(req->route, name);

	if (n < 0)
		return NULL;
	if (!req->decoded) {
		const uint8_t *path = req->bytes + req->head.path.at;
		char *out = req->strings;

		for (unsigned i = 0; i < req->route->params; i++) {
			req->param_text[i] = out;
			out = decode(out, path + req->param[i].at, req->param[i].len);
		}
		req->decoded = true;
	}
	return req->param_text[n];
}

const void *http_body(struct request *req, size_t *len)
{
	*len = req->work ? req->body_len : 0;
	return *len ? req->body : NULL;
}

const char *http_client(struct request *req)
{
	return req->run.conn ? stream_identity(req->run.conn->s) : NULL;
}
