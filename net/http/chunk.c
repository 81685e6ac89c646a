/* SPDX-License-Identifier: MIT */
/* Chunked bodies: RFC 9112 §7.1. Extensions and trailers are checked, counted
 * and dropped. White space around a size is refused. */
#include "net/http/chars.h"
#include "net/http/chunk.h"

enum state {
	SIZE, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF,
	LINE, NAME, VALUE, LINE_LF, LAST_LF,
};

/* A size has at most 15 digits, so it cannot overflow. */
static int size_byte(struct http_chunk *c, uint8_t b)
{
	if (http_char_is(b, CHAR_HEX)) {
		if (++c->digits > 15)
			return -400;
		c->left = c->left << 4 | http_hex(b);
		return SIZE;
	}
	if (c->digits == 0)
		return -400;
	return b == ';' ? EXT : b == '\r' ? SIZE_LF : -400;
}

/* The state after byte b outside of data, or -400. */
static int next(struct http_chunk *c, uint8_t b)
{
	switch ((enum state)c->state) {
	case SIZE:
		return size_byte(c, b);
	case EXT:
		c->extra++;
		return b == '\r' ? SIZE_LF : http_char_is(b, CHAR_VALUE) ? EXT : -400;
	case SIZE_LF:
		c->digits = 0;
		return b != '\n' ? -400 : c->left ? DATA : LINE;
	case DATA_CR:
		return b == '\r' ? DATA_LF : -400;
	case DATA_LF:
		return b == '\n' ? SIZE : -400;
	case LINE:
		c->extra++;
		return b == '\r' ? LAST_LF : http_char_is(b, CHAR_TOKEN) ? NAME : -400;
	case NAME:
		c->extra++;
		return b == ':' ? VALUE : http_char_is(b, CHAR_TOKEN) ? NAME : -400;
	case VALUE:
		c->extra++;
		return b == '\r' ? LINE_LF : http_char_is(b, CHAR_VALUE) ? VALUE : -400;
	case LINE_LF:
		return b == '\n' ? LINE : -400;
	case LAST_LF:
	case DATA:
		break;
	}
	return -400;
}

int http_chunk_next(struct http_chunk *c, const uint8_t *in, size_t len, uint32_t max_extra,
		    size_t *used, size_t *data)
{
	size_t i = 0;

	*data = 0;
	while (i < len) {
		if (c->state == DATA) {
			size_t n = len - i < c->left ? len - i : (size_t)c->left;

			c->left -= n;
			if (c->left == 0)
				c->state = DATA_CR;
			*data = n;
			*used = i + n;
			return HTTP_CHUNK_DATA;
		}
		uint8_t b = in[i++];

		if (c->state == LAST_LF && b == '\n') {
			*used = i;
			return HTTP_CHUNK_END;
		}
		int s = next(c, b);

		if (s < 0)
			return s;
		if (c->extra > max_extra)
			return -431;
		c->state = (uint8_t)s;
	}
	*used = i;
	return HTTP_CHUNK_MORE;
}
