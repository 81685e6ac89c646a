/* SPDX-License-Identifier: MIT */
/* Status line and fields of an answer: RFC 9112 §4, §5, §6.3. Not accepted, though RFC 9112 leaves
 * a way: a Content-Length said twice, one beside a Transfer-Encoding, any coding but "chunked",
 * obs-fold, lines that end in LF alone. Outside: http_scan() has found the end, so every line ends
 * in CRLF and no byte is NUL. */
#include "net/client/head.h"

#include <errno.h>
#include <string.h>

#include "net/http/chars.h"
#include "net/http/parse.h"

/* "HTTP/1.d ddd[ reason]": the length of the line with its end, or -EPROTO. */
static int status_line(struct client_head *h, const uint8_t *in, size_t len)
{
	static const uint8_t shape[] = "HTTP/1.d ddd";
	size_t n = sizeof(shape) - 1;

	if (len < n + 2)
		return -EPROTO;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == 'd' ? !http_char_is(in[i], CHAR_DIGIT) : in[i] != shape[i])
			return -EPROTO;
	h->minor = in[7] != '0';
	h->status = (uint16_t)((in[9] - '0') * 100 + (in[10] - '0') * 10 + (in[11] - '0'));
	if (h->status < 100 || h->status > 599 || (in[n] != ' ' && in[n] != '\r'))
		return -EPROTO;
	while (http_char_is(in[n], CHAR_VALUE))
		n++;
	return in[n] == '\r' ? (int)n + 2 : -EPROTO;
}

struct line {
	struct http_slice name, value;
};

/* The field line at *at, which moves behind it: 1, 0: the empty line, or -EPROTO. */
static int next_line(const uint8_t *in, size_t *at, struct line *l)
{
	size_t i = *at, from = i;

	if (in[i] == '\r')
		return 0;
	while (http_char_is(in[i], CHAR_TOKEN))
		i++;
	if (i == from || in[i] != ':')
		return -EPROTO;
	l->name = (struct http_slice){ (uint16_t)from, (uint16_t)(i - from) };
	for (i++; in[i] == ' ' || in[i] == '\t'; i++)
		;
	from = i;
	while (http_char_is(in[i], CHAR_VALUE))
		i++;
	if (in[i] != '\r')
		return -EPROTO;
	*at = i + 2;
	while (i > from && (in[i - 1] == ' ' || in[i - 1] == '\t'))
		i--;
	l->value = (struct http_slice){ (uint16_t)from, (uint16_t)(i - from) };
	return 1;
}

static int framing(struct client_head *h, const uint8_t *in, const struct line *l)
{
	if (http_is(in, l->name, "content-length")) {
		if ((h->flags & HTTP_LENGTH) ||
		    !http_digits(in + l->value.at, l->value.len, &h->length))
			return -EPROTO;
		h->flags |= HTTP_LENGTH;
	} else if (http_is(in, l->name, "transfer-encoding")) {
		if ((h->flags & HTTP_CHUNKED) || h->minor == 0 ||
		    !http_is(in, l->value, "chunked"))
			return -EPROTO;
		h->flags |= HTTP_CHUNKED;
	} else if (http_is(in, l->name, "connection")) {
		h->flags |= http_connection(in, l->value);
	}
	return 0;
}

int client_parse(struct client_head *h, const uint8_t *in, size_t len)
{
	struct line l;
	size_t at;
	int n;

	*h = (struct client_head){ 0 };
	n = status_line(h, in, len);
	if (n < 0)
		return n;
	h->fields = (uint16_t)n;
	at = h->fields;
	while ((n = next_line(in, &at, &l)) > 0)
		if (framing(h, in, &l) < 0)
			return -EPROTO;
	if (n < 0 || at + 2 != len)
		return -EPROTO;
	return (h->flags & HTTP_CHUNKED) && (h->flags & HTTP_LENGTH) ? -EPROTO : 0;
}

const char *client_field(const struct client_head *h, const uint8_t *in, const char *lower,
			 size_t *len)
{
	size_t at = h->fields;
	struct line l;

	while (next_line(in, &at, &l) > 0) {
		if (http_is(in, l.name, lower)) {
			*len = l.value.len;
			return (const char *)in + l.value.at;
		}
	}
	return NULL;
}
