/* SPDX-License-Identifier: MIT */
/* Types of path parameters: net/router.h. A file of its own, linked only for routes that have
 * some. */
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/chars.h"
#include "net/router.h"

#define DIGITS_MAX 18                  /* of an int: it fits int64_t */
#define UUID_LEN 36
#define VALUE_MAX 64                   /* of any type but a path, decoded */

static bool is_digits(const char *p, const char *end)
{
	for (const char *q = p; q < end; q++) {
		if (*q < '0' || *q > '9')
			return false;
	}
	return end > p;
}

static bool is_int(const char *p, const char *end)
{
	return end - p <= DIGITS_MAX && is_digits(p, end);
}

static bool is_float(const char *p, const char *end)
{
	const char *point = memchr(p, '.', (size_t)(end - p));

	return point && is_digits(p, point) && is_digits(point + 1, end);
}

static bool is_uuid(const char *p, const char *end)
{
	if (end - p != UUID_LEN)
		return false;
	for (int i = 0; i < UUID_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23 ? p[i] != '-' :
		    !http_char_is((uint8_t)p[i], CHAR_HEX))
			return false;
	}
	return true;
}

static const struct type {
	const char *name;
	bool (*is)(const char *p, const char *end);    /* NULL: all that is left */
} types[] = { { "int", is_int }, { "float", is_float }, { "uuid", is_uuid }, { "path", NULL } };

/* That of ":name", followed by "/" or the end. */
static const struct type *type_named(const char *colon)
{
	size_t len = strcspn(colon + 1, "/");

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strlen(types[i].name) == len && memcmp(types[i].name, colon + 1, len) == 0)
			return &types[i];
	}
	return NULL;
}

static bool check(const char *colon, const char *value, const char **end, const char *last)
{
	const struct type *t = colon ? type_named(colon) : NULL;
	char text[VALUE_MAX];
	size_t n = 0;

	if (t && !t->is)
		*end = last;
	if (!t || !t->is)
		return true;
	for (const char *p = value; p < *end; p++) {
		if (n == sizeof(text))
			return false;
		text[n++] = *p == '%' ? (char)(http_hex((uint8_t)p[1]) << 4 |
					       http_hex((uint8_t)p[2])) : *p;
		p += *p == '%' ? 2 : 0;
	}
	return t->is(text, text + n);
}

void router_types(const char *method, const char *path)
{
	route_types = check;
	for (const char *p = strstr(path, "/:"); p; p = strstr(p + 1, "/:")) {
		size_t len = strcspn(p + 2, ":/");
		const char *colon = p + 2 + len;

		if (*colon != ':')
			continue;
		if (!type_named(colon) || len == 0)
			panic("route: %s %s: there are no types but int, float, uuid, path",
			      method, path);
		if (!type_named(colon)->is && strchr(colon, '/'))
			panic("route: %s %s: a path must be last", method, path);
	}
}
