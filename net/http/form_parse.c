/* SPDX-License-Identifier: MIT */
/* See net/http/form_parse.h. */
#include "net/http/form_parse.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "net/http/chars.h"

/* Takes off what stands before the first of `c`, and that. */
static struct text until(struct text *in, char c)
{
	const char *at = memchr(in->p, c, in->len);
	struct text t = {in->p, at ? (size_t)(at - in->p) : in->len};
	size_t n = t.len + (at ? 1 : 0);

	in->p += n;
	in->len -= n;
	return t;
}

static struct text trimmed(struct text t)
{
	while (t.len > 0 && (*t.p == ' ' || *t.p == '\t')) {
		t.p++;
		t.len--;
	}
	while (t.len > 0 && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	return t;
}

bool form_next(struct text *in, struct text *name, struct text *value)
{
	while (in->len > 0) {
		struct text pair = until(in, '&');

		if (pair.len == 0)
			continue;
		*name = until(&pair, '=');
		*value = pair;
		return true;
	}
	return false;
}

size_t form_decode(char *out, struct text t)
{
	char *o = out;

	for (size_t i = 0; i < t.len; i++) {
		char c = t.p[i];

		if (c == '+')
			c = ' ';
		else if (c == '%' && t.len - i > 2 && http_char_is((uint8_t)t.p[i + 1], CHAR_HEX) &&
			 http_char_is((uint8_t)t.p[i + 2], CHAR_HEX)) {
			c = (char)(http_hex((uint8_t)t.p[i + 1]) << 4 |
				   http_hex((uint8_t)t.p[i + 2]));
			i += 2;
		}
		*o++ = c;
	}
	return (size_t)(o - out);
}

bool cookie_next(struct text *in, struct text *name, struct text *value)
{
	while (in->len > 0) {
		struct text pair = until(in, ';');

		if (!memchr(pair.p, '=', pair.len))
			continue;
		*name = trimmed(until(&pair, '='));
		*value = trimmed(pair);
		if (value->len >= 2 && value->p[0] == '"' && value->p[value->len - 1] == '"') {
			value->p++;
			value->len -= 2;
		}
		if (name->len > 0)
			return true;
	}
	return false;
}

/* The rest of a quoted string, after its quote, and what follows it up to ";". */
static struct text quoted(struct text *in)
{
	struct text t = {in->p, 0};

	while (t.len < in->len && t.p[t.len] != '"')
		t.len += t.p[t.len] == '\\' && in->len - t.len > 1 ? 2 : 1;
	in->p += t.len;
	in->len -= t.len;
	until(in, ';');
	return t;
}

struct text field_parameter(struct text field, const char *name)
{
	size_t len = strlen(name);

	while (field.len > 0) {
		struct text word = trimmed(field), key, value;

		field = word;
		key.p = word.p;
		key.len = 0;
		while (key.len < word.len && word.p[key.len] != '=' && word.p[key.len] != ';')
			key.len++;
		if (key.len == word.len || word.p[key.len] == ';') {
			until(&field, ';');
			continue;
		}
		until(&field, '=');
		if (field.len > 0 && *field.p == '"') {
			field.p++;
			field.len--;
			value = quoted(&field);
		} else {
			value = trimmed(until(&field, ';'));
		}
		if (key.len == len && strncasecmp(key.p, name, len) == 0)
			return value;
	}
	return (struct text){NULL, 0};
}

/* The first of `what` in t, or NULL. */
static const char *find(struct text t, const char *what, size_t len)
{
	const char *end = t.p + t.len;

	for (const char *p = t.p; (size_t)(end - p) >= len; p++) {
		p = memchr(p, *what, (size_t)(end - p) - len + 1);
		if (!p)
			return NULL;
		if (memcmp(p, what, len) == 0)
			return p;
	}
	return NULL;
}

#define BOUNDARY_MAX 70

/* "CRLF--boundary": where it stands, or NULL; its length in *len. */
static const char *delimiter(struct text in, struct text boundary, size_t *len)
{
	char text[BOUNDARY_MAX + 4] = "\r\n--";

	memcpy(text + 4, boundary.p, boundary.len);
	*len = boundary.len + 4;
	return find(in, text, *len);
}

static bool part_head(struct text *in, struct part *part)
{
	part->disposition = part->type = (struct text){"", 0};
	for (;;) {
		struct text line = until(in, '\n'), name;

		if (line.len == 0 || line.p[line.len - 1] != '\r')
			return false;
		line.len--;
		if (line.len == 0)
			return true;
		name = until(&line, ':');
		if (name.len == 19 && strncasecmp(name.p, "content-disposition", 19) == 0)
			part->disposition = trimmed(line);
		if (name.len == 12 && strncasecmp(name.p, "content-type", 12) == 0)
			part->type = trimmed(line);
	}
}

int part_next(struct text *in, struct text boundary, struct part *part)
{
	const char *at;
	size_t len;

	if (boundary.len == 0 || boundary.len > BOUNDARY_MAX || in->len < boundary.len + 4)
		return -EINVAL;
	if (memcmp(in->p, "--", 2) != 0 || memcmp(in->p + 2, boundary.p, boundary.len) != 0)
		return -EINVAL;
	in->p += boundary.len + 2;
	in->len -= boundary.len + 2;
	if (memcmp(in->p, "--", 2) == 0)
		return 0;
	if (trimmed(until(in, '\r')).len != 0 || in->len == 0 || *in->p != '\n')
		return -EINVAL;
	/* From here on the line's end is the head's, and if that is empty, the delimiter's. */
	in->p++;
	in->len--;
	if (!part_head(in, part))
		return -EINVAL;
	in->p -= 2;
	in->len += 2;
	at = delimiter(*in, boundary, &len);
	if (!at)
		return -EINVAL;
	part->data.p = in->p + 2;
	part->data.len = at < part->data.p ? 0 : (size_t)(at - part->data.p);
	in->len -= (size_t)(at + 2 - in->p);
	in->p = at + 2;
	return 1;
}
