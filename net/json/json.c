/* SPDX-License-Identifier: MIT */
/* JSON templates: a recursive descent over the template that writes as it goes.
 * RFC 8259, with bare names for members and printf conversions for values. Each
 * step takes the place in the template and returns the place after it: what is
 * written through char pointers would make the compiler reload it from memory. */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/chars.h"
#include "net/json.h"

struct writer {
	struct json_out out;
	const char *template;
	const char *name;              /* of the member being written */
	size_t name_len;
	unsigned depth;
	bool unknown;                  /* a number was not finite; name is its */
	va_list ap;
};

static const char *value(struct writer *w, const char *p);

static _Noreturn void malformed(struct writer *w, const char *p)
{
	panic("json: malformed at byte %d of template: %s", (int)(p - w->template), w->template);
}

static inline void put(struct writer *w, char c)
{
	if (w->out.p < w->out.end)
		*w->out.p++ = c;
	else
		w->out.full = true;
}

/* A separator and the space after it. */
static inline void put_pair(struct writer *w, const char *two)
{
	if (w->out.end - w->out.p >= 2) {
		memcpy(w->out.p, two, 2);
		w->out.p += 2;
	} else {
		w->out.full = true;
	}
}

static inline const char *skip_space(const char *p)
{
	while ((unsigned char)*p <= ' ' && *p)
		p++;
	return p;
}

/* A string in the template, copied with its quotes; its escapes are the author's. */
static const char *quoted(struct writer *w, const char *p)
{
	const char *start = p++;

	while (*p != '"') {
		if (*p == '\\')
			p++;
		if ((unsigned char)*p < 0x20 || *p == '%')
			malformed(w, p);
		p++;
	}
	p++;
	json_put(&w->out, start, (size_t)(p - start));
	return p;
}

static void string(struct writer *w, const char *s)
{
	if (s)
		json_string(&w->out, s, strlen(s));
	else
		json_put(&w->out, "null", 4);
}

/* When room is short, a number is made elsewhere first. */
static __attribute__((noinline)) void number_short(struct writer *w, double v, unsigned decimals)
{
	char text[JSON_NUMBER_MAX + 1];

	json_put(&w->out, text, json_double(text, v, decimals));
}

static void number(struct writer *w, double v, unsigned decimals)
{
	if (!__builtin_isfinite(v))
		w->unknown = true;
	else if (w->out.end - w->out.p > JSON_NUMBER_MAX)
		w->out.p += json_double(w->out.p, v, decimals);
	else
		number_short(w, v, decimals);
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

/* What follows "%" or "%.N". */
static const char *plain_conversion(struct writer *w, const char *p)
{
	int size = 0;                  /* number of l; size_t is as long as long (LP64, ILP32) */
	char one;

	while (*p == 'l' && size < 2) {
		size++;
		p++;
	}
	if (*p == 'z' && size == 0) {
		size = 1;
		p++;
	}
	if (*p == 'd') {
		signed_arg(w, size);
	} else if (*p == 'u') {
		unsigned_arg(w, size);
	} else if (*p == 's' && size == 0) {
		string(w, va_arg(w->ap, const char *));
	} else if (*p == 'c' && size == 0) {
		one = (char)va_arg(w->ap, int);
		json_string(&w->out, &one, 1);
	} else {
		malformed(w, p);
	}
	return p + 1;
}

static const char *conversion(struct writer *w, const char *p)
{
	unsigned decimals = 6;

	p++;
	if (*p == '.') {
		decimals = (unsigned)(p[1] - '0');
		if (decimals > 9 || p[2] != 'f')
			malformed(w, p);
		p += 2;
	}
	if (*p != 'f')
		return plain_conversion(w, p);
	number(w, va_arg(w->ap, double), decimals);
	return p + 1;
}

/* true, false, null or a number written in the template. */
static const char *word(struct writer *w, const char *p)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *start = p;

	while (http_char_is((uint8_t)*p, CHAR_NAME) || *p == '-' || *p == '+' || *p == '.')
		p++;
	size_t len = (size_t)(p - start);
	bool good = *start == '-' || (*start >= '0' && *start <= '9');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		good = good || (len == strlen(words[i]) && memcmp(start, words[i], len) == 0);
	if (!good)
		malformed(w, p);
	json_put(&w->out, start, len);
	return p;
}

static const char *bare_name(struct writer *w, const char *p)
{
	const char *start = p;

	while (http_char_is((uint8_t)*p, CHAR_NAME))
		p++;
	size_t len = (size_t)(p - start);
	char *o = w->out.p;

	if (len == 0)
		malformed(w, p);
	w->name = start;
	w->name_len = len;
	if ((size_t)(w->out.end - o) < len + 2) {
		w->out.full = true;
		return p;
	}
	*o++ = '"';
	do
		*o++ = *start++;
	while (start < p);
	*o++ = '"';
	w->out.p = o;
	return p;
}

static const char *member_name(struct writer *w, const char *p)
{
	p = skip_space(p);
	if (*p == '"') {
		w->name = p + 1;
		p = quoted(w, p);
		w->name_len = (size_t)(p - 1 - w->name);
	} else if (*p == '%' && p[1] == 's') {
		w->name = p;
		w->name_len = 0;
		p = conversion(w, p);
	} else {
		p = bare_name(w, p);
	}
	p = skip_space(p);
	if (*p != ':')
		malformed(w, p);
	put_pair(w, ": ");
	return p + 1;
}

/* An object or array, from its opening bracket to `close`. */
static const char *list(struct writer *w, const char *p, char close)
{
	put(w, *p);
	if (++w->depth > JSON_DEPTH)
		malformed(w, p);
	p = skip_space(p + 1);
	if (*p != close) {
		for (;;) {
			if (close == '}')
				p = member_name(w, p);
			p = skip_space(value(w, p));
			if (w->unknown || *p != ',')
				break;
			p++;
			put_pair(w, ", ");
		}
	}
	if (*p != close && !w->unknown)
		malformed(w, p);
	w->depth--;
	put(w, close);
	return p + 1;
}

static const char *value(struct writer *w, const char *p)
{
	p = skip_space(p);
	switch (*p) {
	case '{':
		return list(w, p, '}');
	case '[':
		return list(w, p, ']');
	case '"':
		return quoted(w, p);
	case '%':
		return conversion(w, p);
	default:
		return word(w, p);
	}
}

int json_format(char *buf, size_t cap, const char *template, va_list ap,
		const char **name, size_t *name_len)
{
	struct writer w = {.out = {buf, buf + cap, false}, .template = template};

	va_copy(w.ap, ap);
	const char *p = value(&w, template);

	va_end(w.ap);
	if (w.unknown) {
		*name = w.name;
		*name_len = w.name_len;
		return -ENODATA;
	}
	p = skip_space(p);
	if (*p)
		malformed(&w, p);
	return w.out.full ? -ENOSPC : (int)(w.out.p - buf);
}
