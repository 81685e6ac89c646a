/* SPDX-License-Identifier: MIT */
/* app/app.h over the HTTP server, name by name. */
#include "app/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/client.h"
#include "net/http.h"

#define REDIRECT_MAX 400

void json(struct response *res, const char *template, ...)
{
	va_list ap;

	va_start(ap, template);
	response_json(res, template, ap);
	va_end(ap);
}

void status(struct response *res, unsigned code)
{
	response_status(res, code);
}

void failed(struct response *res, const char *whom, int err)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %s", whom, client_error_text(err));
	response_status(res, client_error_status(err));
	json(res, "{ error: %s }", text);
}

void header(struct response *res, const char *name, const char *value)
{
	response_header(res, name, value);
}

void redirect(struct response *res, unsigned code, const char *url)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[REDIRECT_MAX + 4], *p = text;

	for (; *url && p < text + REDIRECT_MAX; url++) {
		unsigned char c = (unsigned char)*url;

		if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	*p = 0;
	status(res, *url ? 500 : code);
	if (!*url)
		header(res, "Location", text);
}

void body(struct response *res, const char *content_type, const void *data, size_t len)
{
	response_body(res, content_type, data, len);
}

const char *request_method(struct request *req)
{
	return http_method(req);
}

const char *request_path(struct request *req)
{
	return http_path(req);
}

const char *request_query(struct request *req)
{
	return http_query(req);
}

const char *request_param(struct request *req, const char *name)
{
	return http_param(req, name);
}

int64_t request_int(struct request *req, const char *name)
{
	const char *text = http_param(req, name);

	return text ? strtoll(text, NULL, 10) : 0;
}

const char *request_header(struct request *req, const char *name)
{
	return http_header(req, name);
}

const void *request_body(struct request *req, size_t *len)
{
	return http_body(req, len);
}

const char *request_client(struct request *req)
{
	return http_client(req);
}
