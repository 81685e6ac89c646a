/* SPDX-License-Identifier: MIT */
/* Request line and field lines: RFC 9112 §2, §3, §5. One pass; every line ends
 * in CRLF, a bare CR or LF is refused (§2.2 leaves the choice). One empty
 * line before the request line is passed over, as §2.2 asks. */
#include "net/http/chars.h"
#include "net/http/parse.h"

struct cursor {
	const uint8_t *base, *p, *end;
};

/* Passes over bytes of the classes; how many. */
static inline size_t run(struct cursor *c, unsigned classes)
{
	const uint8_t *start = c->p;

	while (c->p < c->end && http_char_is(*c->p, classes))
		c->p++;
	return (size_t)(c->p - start);
}

/* CRLF at the cursor: 1 and passed over; 0: more is needed; -400. */
static inline int line_end(struct cursor *c)
{
	if (c->p == c->end)
		return 0;
	if (c->p[0] != '\r')
		return -400;
	if (c->end - c->p < 2)
		return 0;
	if (c->p[1] != '\n')
		return -400;
	c->p += 2;
	return 1;
}

static struct http_slice slice(const struct cursor *c, const uint8_t *start, size_t len)
{
	return (struct http_slice){(uint16_t)(start - c->base), (uint16_t)len};
}

/* "HTTP/1.1" and its CRLF. */
static int version(struct http_head *h, struct cursor *c)
{
	static const uint8_t shape[] = "HTTP/d.d";
	const uint8_t *p = c->p;

	for (size_t i = 0; i < 8; i++) {
		if (p + i == c->end)
			return 0;
		if (shape[i] == 'd' ? !http_char_is(p[i], CHAR_DIGIT) : p[i] != shape[i])
			return -400;
	}
	c->p += 8;
	int e = line_end(c);

	if (e <= 0)
		return e;
	if (p[5] != '1')
		return -505;
	h->minor = p[7] != '0';
	return 1;
}

/* 1: done, 0: more is needed, -STATUS. */
static int request_line(struct http_head *h, struct cursor *c, const struct http_limits *limits)
{
	if (c->p < c->end && *c->p == '\r') {
		int e = line_end(c);

		if (e <= 0)
			return e;
	}
	const uint8_t *start = c->p;
	size_t n = run(c, CHAR_TOKEN);

	if (c->p == c->end)
		return 0;
	if (n == 0 || *c->p != ' ')
		return -400;
	h->method = slice(c, start, n);
	start = ++c->p;
	n = run(c, CHAR_TARGET);
	if (n > limits->max_uri)
		return -414;
	if (c->p == c->end)
		return 0;
	if (n == 0 || *c->p != ' ')
		return -400;
	c->p++;

	int e = version(h, c);

	if (e <= 0)
		return e;
	e = http_target(h, c->base, slice(c, start, n));
	return e < 0 ? e : 1;
}

static int field_line(struct http_head *h, struct cursor *c)
{
	const uint8_t *start = c->p;
	size_t n = run(c, CHAR_TOKEN);

	if (c->p == c->end)
		return 0;
	if (n == 0 || *c->p != ':')
		return -400;            /* also obs-fold and white space before the colon */
	struct http_field *f = &h->field[h->count];

	f->name = slice(c, start, n);
	c->p++;
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	start = c->p;
	n = run(c, CHAR_VALUE);
	while (n > 0 && (start[n - 1] == ' ' || start[n - 1] == '\t'))
		n--;
	f->value = slice(c, start, n);
	return line_end(c);
}

static int field_lines(struct http_head *h, struct cursor *c, const struct http_limits *limits)
{
	for (;;) {
		if (c->p == c->end)
			return 0;
		if (*c->p == '\r')
			return line_end(c);
		if (h->count == limits->max_fields)
			return -431;
		int e = field_line(h, c);

		if (e <= 0)
			return e;
		h->count++;
	}
}

int http_parse(struct http_head *h, const uint8_t *in, size_t len, const struct http_limits *limits)
{
	bool cut = len > limits->max_head;
	struct cursor c = {in, in, in + (cut ? limits->max_head : len)};

	h->flags = h->count = 0;
	h->length = 0;
	h->authority = h->query = (struct http_slice){0, 0};
	int e = request_line(h, &c, limits);

	if (e == 0)
		return len >= limits->max_head ? -414 : 0;
	if (e < 0)
		return e;
	e = field_lines(h, &c, limits);
	if (e == 0)
		return len >= limits->max_head ? -431 : 0;
	if (e < 0)
		return e;
	h->len = (uint16_t)(c.p - in);
	e = http_framing(h, in);
	return e < 0 ? e : h->len;
}

size_t http_scan(enum http_scan *state, const uint8_t *in, size_t len)
{
	enum http_scan s = *state;
	size_t i = 0;

	while (i < len && s < HTTP_SCAN_END) {
		uint8_t b = in[i++];

		if (b == '\r') {
			s = s == HTTP_SCAN_START ? HTTP_SCAN_START_CR :
			    s == HTTP_SCAN_CRLF ? HTTP_SCAN_LAST_CR :
			    s == HTTP_SCAN_LINE ? HTTP_SCAN_CR : HTTP_SCAN_BAD;
		} else if (b == '\n') {
			if (s == HTTP_SCAN_CR || s == HTTP_SCAN_START_CR)
				s = HTTP_SCAN_CRLF;
			else
				s = s == HTTP_SCAN_LAST_CR ? HTTP_SCAN_END : HTTP_SCAN_BAD;
		} else if (b == 0 || s == HTTP_SCAN_CR || s == HTTP_SCAN_START_CR ||
			   s == HTTP_SCAN_LAST_CR) {
			s = HTTP_SCAN_BAD;
		} else {
			s = HTTP_SCAN_LINE;
		}
	}
	*state = s;
	return i;
}

bool http_is(const uint8_t *in, struct http_slice s, const char *lower)
{
	const uint8_t *p = in + s.at;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (uint8_t)lower[i])
			return false;           /* also at lower's NUL: no slice holds one */
	}
	return lower[s.len] == 0;
}
