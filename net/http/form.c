/* SPDX-License-Identifier: MIT */
/* What a request brings by name: net/form.h over net/http/form_parse.h. Looked up by reading
 * through it: there are few, and most are asked for once. */
#include "net/form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/http/chars.h"
#include "net/http/form_parse.h"
#include "net/http/impl.h"

#define FORM "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data"

/* A copy in the request's memory, decoded; NULL: no memory, or a NUL in it. */
static const char *keep(struct request *r, struct text t,
			size_t (*decode)(char *out, struct text t))
{
	char *out = request_memory(r, t.len + 1);
	size_t n;

	if (!out)
		return NULL;
	n = decode(out, t);
	out[n] = 0;
	return strlen(out) == n ? out : NULL;
}

static size_t plain(char *out, struct text t)
{
	memcpy(out, t.p, t.len);
	return t.len;
}

/* A quoted string's: without the backslashes of its pairs. */
static size_t unquoted(char *out, struct text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] == '\\' && i + 1 < t.len)
			i++;
		out[n++] = t.p[i];
	}
	return n;
}

/* Whether an encoded name, decoded, is the one looked for. */
static bool is(struct text encoded, const char *name)
{
	size_t len = strlen(name);
	char c[3];

	for (size_t i = 0; i < encoded.len; name++, len--) {
		size_t n = encoded.p[i] == '%' ? MIN((size_t)3, encoded.len - i) : 1;

		if (len == 0)
			return false;
		if (form_decode(c, (struct text){encoded.p + i, n}) != 1)
			n = 1;
		if (c[0] != *name)
			return false;
		i += n;
	}
	return len == 0;
}

static struct text query(struct request *r)
{
	const char *q = http_query(r);

	return q ? (struct text){q, strlen(q)} : (struct text){"", 0};
}

/* True when the body is of this type; the field in *type. */
static bool body_is(struct request *r, const char *type, struct text *field)
{
	const char *given = http_header(r, "Content-Type");
	size_t len = strlen(type);

	if (!given || strncasecmp(given, type, len) != 0 || !strchr("; ", given[len]))
		return false;          /* of which the end is one, too */
	*field = (struct text){given, strlen(given)};
	return true;
}

static struct text body(struct request *r)
{
	size_t len;
	const char *p = http_body(r, &len);

	return (struct text){p ? p : "", len};
}

static const char *value_of(struct request *r, struct text in, const char *wanted)
{
	struct text name, value;

	while (form_next(&in, &name, &value)) {
		if (is(name, wanted))
			return keep(r, value, form_decode);
	}
	return NULL;
}

static const char *pair_at(struct request *r, struct text in, size_t i, const char **name)
{
	struct text n, value;

	do {
		if (!form_next(&in, &n, &value))
			return NULL;
	} while (i-- > 0);
	*name = keep(r, n, form_decode);
	return *name ? keep(r, value, form_decode) : NULL;
}

const char *request_arg(struct request *r, const char *name)
{
	return value_of(r, query(r), name);
}

const char *request_arg_at(struct request *r, size_t i, const char **name)
{
	return pair_at(r, query(r), i, name);
}

/* ---- Forms in the body ----------------------------------------------------------- */

/* The i-th part that is a file, or none, in multipart/form-data, of that name unless it is NULL. */
static bool find_part(struct request *r, const char *name, bool file, size_t i, struct part *part)
{
	struct text field, in = body(r), boundary;

	if (!body_is(r, MULTIPART, &field))
		return false;
	boundary = field_parameter(field, "boundary");
	while (boundary.p && part_next(&in, boundary, part) == 1) {
		struct text n = field_parameter(part->disposition, "name");
		bool has_file = field_parameter(part->disposition, "filename").p;

		if (n.p && has_file == file &&
		    (!name || (n.len == strlen(name) && memcmp(n.p, name, n.len) == 0)) && i-- == 0)
			return true;
	}
	return false;
}

const char *request_form(struct request *r, const char *name)
{
	struct text field;
	struct part part;

	if (body_is(r, FORM, &field))
		return value_of(r, body(r), name);
	return find_part(r, name, false, 0, &part) ? keep(r, part.data, plain) : NULL;
}

const char *request_form_at(struct request *r, size_t i, const char **name)
{
	struct text field;
	struct part part;

	if (body_is(r, FORM, &field))
		return pair_at(r, body(r), i, name);
	if (!find_part(r, NULL, false, i, &part))
		return NULL;
	*name = keep(r, field_parameter(part.disposition, "name"), unquoted);
	return *name ? keep(r, part.data, plain) : NULL;
}

const struct form_file *request_file(struct request *r, const char *name)
{
	struct form_file *f;
	struct part part;

	if (!find_part(r, name, true, 0, &part))
		return NULL;
	f = request_memory(r, sizeof(*f));
	if (!f)
		return NULL;
	f->filename = keep(r, field_parameter(part.disposition, "filename"), unquoted);
	f->type = part.type.len ? keep(r, part.type, plain) : "text/plain";
	f->data = part.data.p;
	f->len = part.data.len;
	return f->filename && f->type ? f : NULL;
}

/* ---- Cookies ---------------------------------------------------------------------- */

const char *request_cookie(struct request *r, const char *wanted)
{
	const char *field = http_header(r, "Cookie");
	struct text in = {field, field ? strlen(field) : 0}, name, value;

	while (cookie_next(&in, &name, &value)) {
		if (name.len == strlen(wanted) && memcmp(name.p, wanted, name.len) == 0)
			return keep(r, value, plain);
	}
	return NULL;
}

/* cookie-octet of RFC 6265 §4.1.1; of a path or domain, all but what ends it. */
static bool octets(const char *s, const char *never)
{
	for (; s && *s; s++) {
		if ((uint8_t)*s < 0x20 || (uint8_t)*s >= 0x7f || strchr(never, *s))
			return false;
	}
	return true;
}

int response_cookie(struct response *res, const struct cookie *c)
{
	char text[RESPONSE_EXTRA_MAX], age[48] = "";
	int n;

	for (const char *p = c->name; *p; p++) {
		if (!http_char_is((uint8_t)*p, CHAR_TOKEN))
			return -EINVAL;
	}
	if (!*c->name || !c->value || !octets(c->value, " \",;\\") || !octets(c->path, ";") ||
	    !octets(c->domain, ";") || !octets(c->same_site, ";"))
		return -EINVAL;
	if (c->max_age < 0)
		snprintf(age, sizeof(age), "; Max-Age=0");
	else if (c->max_age > 0)
		snprintf(age, sizeof(age), "; Max-Age=%lld", (long long)c->max_age);
	n = snprintf(text, sizeof(text), "%s=%s%s%s%s%s%s%s%s%s%s", c->name, c->value, age,
		     c->domain ? "; Domain=" : "", c->domain ? c->domain : "",
		     c->path ? "; Path=" : "", c->path ? c->path : "",
		     c->same_site ? "; SameSite=" : "", c->same_site ? c->same_site : "",
		     c->secure ? "; Secure" : "", c->http_only ? "; HttpOnly" : "");
	if (n < 0 || (size_t)n + sizeof("Set-Cookie: \r\n") + res->extra_len > RESPONSE_EXTRA_MAX)
		return -ENOSPC;
	response_header(res, "Set-Cookie", text);
	return 0;
}
