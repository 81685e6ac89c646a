/* SPDX-License-Identifier: MIT */
/* JSON templates: a recursive descent over the template that writes as it goes.
 * RFC 8259, with bare names for members and printf conversions for values. */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/json.h"

struct writer {
	struct json_out out;
	const char *p;                 /* in the template */
	const char *template;
	const char *name;              /* of the member being written */
	size_t name_len;
	unsigned depth;
	bool unknown;                  /* a number was not finite; name is its */
	va_list ap;
};

static void value(struct writer *w);

static _Noreturn void malformed(struct writer *w)
{
	panic("json: malformed at byte %d of template: %s", (int)(w->p - w->template), w->template);
}

static inline void put(struct writer *w, char c)
{
	if (w->out.p < w->out.end)
		*w->out.p++ = c;
	else
		w->out.full = true;
}

static inline char skip_space(struct writer *w)
{
	while (*w->p == ' ' || *w->p == '\t' || *w->p == '\n')
		w->p++;
	return *w->p;
}

static inline bool name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* A string in the template, copied with its quotes; its escapes are the author's. */
static void quoted(struct writer *w)
{
	const char *start = w->p++;

	while (*w->p != '"') {
		if (*w->p == '\\')
			w->p++;
		if ((unsigned char)*w->p < 0x20 || *w->p == '%')
			malformed(w);
		w->p++;
	}
	w->p++;
	json_put(&w->out, start, (size_t)(w->p - start));
}

static void string(struct writer *w, const char *s)
{
	if (s)
		json_string(&w->out, s, strlen(s));
	else
		json_put(&w->out, "null", 4);
}

static void number(struct writer *w, double v, unsigned decimals)
{
	char text[JSON_NUMBER_MAX + 1];

	if (!__builtin_isfinite(v)) {
		w->unknown = true;
		return;
	}
	json_put(&w->out, text, json_double(text, v, decimals));
}

static void integer(struct writer *w, bool negative, uint64_t n)
{
	char text[21] = "-";

	json_put(&w->out, text, json_u64(text + negative, n) + negative);
}

static void signed_arg(struct writer *w, int size)
{
	long long n = size == 2 ? va_arg(w->ap, long long) : size == 1 ? va_arg(w->ap, long) :
		      va_arg(w->ap, int);

	integer(w, n < 0, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void unsigned_arg(struct writer *w, int size)
{
	integer(w, false, size == 2 ? va_arg(w->ap, unsigned long long) :
			  size == 1 ? va_arg(w->ap, unsigned long) : va_arg(w->ap, unsigned));
}

static void conversion(struct writer *w)
{
	unsigned decimals = 6;
	int size = 0;                  /* number of l; size_t is as long as long (LP64, ILP32) */
	char c = *++w->p;

	if (c == '.') {
		decimals = (unsigned)(w->p[1] - '0');
		c = *(w->p += 2);
		if (decimals > 9 || c != 'f')
			malformed(w);
	}
	while (c == 'l' && size < 2) {
		size++;
		c = *++w->p;
	}
	if (c == 'z' && size == 0) {
		size = 1;
		c = *++w->p;
	}
	w->p++;
	if (c == 'd') {
		signed_arg(w, size);
	} else if (c == 'u') {
		unsigned_arg(w, size);
	} else if (size) {
		malformed(w);
	} else if (c == 'f') {
		number(w, va_arg(w->ap, double), decimals);
	} else if (c == 's') {
		string(w, va_arg(w->ap, const char *));
	} else if (c == 'c') {
		char one = (char)va_arg(w->ap, int);

		json_string(&w->out, &one, 1);
	} else {
		malformed(w);
	}
}

/* true, false, null or a number written in the template. */
static void word(struct writer *w)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *start = w->p;

	while (name_byte(*w->p) || *w->p == '-' || *w->p == '+' || *w->p == '.')
		w->p++;
	size_t len = (size_t)(w->p - start);
	bool good = *start == '-' || (*start >= '0' && *start <= '9');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		good = good || (len == strlen(words[i]) && memcmp(start, words[i], len) == 0);
	if (!good)
		malformed(w);
	json_put(&w->out, start, len);
}

static void member_name(struct writer *w)
{
	char c = skip_space(w);

	if (c == '"') {
		w->name = w->p + 1;
		quoted(w);
		w->name_len = (size_t)(w->p - 1 - w->name);
	} else if (c == '%' && w->p[1] == 's') {
		w->name = w->p;
		w->name_len = 0;
		conversion(w);
	} else {
		w->name = w->p;
		while (name_byte(*w->p))
			w->p++;
		w->name_len = (size_t)(w->p - w->name);
		if (w->name_len == 0)
			malformed(w);
		put(w, '"');
		json_put(&w->out, w->name, w->name_len);
		put(w, '"');
	}
	if (skip_space(w) != ':')
		malformed(w);
	w->p++;
	json_put(&w->out, ": ", 2);
}

/* An object or array, from its opening bracket to `close`. */
static void list(struct writer *w, char close)
{
	put(w, *w->p++);
	if (++w->depth > JSON_DEPTH)
		malformed(w);
	if (skip_space(w) != close) {
		for (;;) {
			if (close == '}')
				member_name(w);
			value(w);
			if (w->unknown)
				return;
			if (skip_space(w) != ',')
				break;
			w->p++;
			json_put(&w->out, ", ", 2);
		}
	}
	if (*w->p != close)
		malformed(w);
	w->p++;
	w->depth--;
	put(w, close);
}

static void value(struct writer *w)
{
	switch (skip_space(w)) {
	case '{':
		list(w, '}');
		break;
	case '[':
		list(w, ']');
		break;
	case '"':
		quoted(w);
		break;
	case '%':
		conversion(w);
		break;
	default:
		word(w);
	}
}

int json_format(char *buf, size_t cap, const char *template, va_list ap,
		const char **name, size_t *name_len)
{
	struct writer w = {.out = {buf, buf + cap, false}, .p = template, .template = template};

	va_copy(w.ap, ap);
	value(&w);
	va_end(w.ap);
	if (w.unknown) {
		*name = w.name;
		*name_len = w.name_len;
		return -ENODATA;
	}
	if (skip_space(&w) != 0)
		malformed(&w);
	return w.out.full ? -ENOSPC : (int)(w.out.p - buf);
}
