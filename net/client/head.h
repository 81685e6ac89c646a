/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.1 answer: bytes in, how its body is framed out. No I/O, no memory of its
 * own. As strict as http/parse.h: what two parsers could read differently is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_head {
	uint16_t status;               /* 100..599 */
	uint16_t fields;               /* offset of the first field line */
	uint8_t minor;                 /* HTTP/1.minor, as 0 or 1 */
	uint8_t flags;                 /* HTTP_CHUNKED, HTTP_LENGTH, HTTP_CLOSE, HTTP_KEEP */
	uint64_t length;               /* Content-Length, 0 without */
};

/* Parses a whole head, whose end http_scan() has found at in[len]: 0, or -EPROTO. */
int client_parse(struct client_head *h, const uint8_t *in, size_t len);

/* The value of the first field of that name (in lower case), without white space around it, and
 * its length; NULL when there is none. `in` is what was parsed. */
const char *client_field(const struct client_head *h, const uint8_t *in, const char *lower,
			 size_t *len);
