/* SPDX-License-Identifier: MIT */
/* Whether a path lies below a prefix, compared as routes are: decoded. */
#include "net/http/chars.h"
#include "net/http/impl.h"

int path_below(const char *path, size_t len, const char *prefix, size_t prefix_len)
{
	size_t at = 0, i = 0;

	for (; at < len; i++) {
		bool coded = path[at] == '%';
		char c = path[at];

		if (coded)
			c = (char)(http_hex((uint8_t)path[at + 1]) << 4 |
				   http_hex((uint8_t)path[at + 2]));
		if (i == prefix_len)
			return c == '/' ? (int)at : -1;
		if (c != prefix[i])
			return -1;
		at += coded ? 3 : 1;
	}
	return i == prefix_len ? (int)at : -1;
}
