/* SPDX-License-Identifier: MIT */
/* Strings to JSON: RFC 8259 §7, UTF-8 checked by Unicode's table 3-7. */
#include <string.h>

#include "net/json.h"

void json_put(struct json_out *o, const char *s, size_t len)
{
	if (len > (size_t)(o->end - o->p)) {
		o->full = true;
		return;
	}
	memcpy(o->p, s, len);
	o->p += len;
}

static bool tail(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

/* Length of the well-formed sequence of two or more bytes at p, or 0. */
static size_t sequence(const uint8_t *p, size_t left)
{
	uint8_t a = p[0];
	size_t n = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;

	if (a < 0xc2 || a > 0xf4 || left < n || !tail(p + 1, n - 1))
		return 0;
	if ((a == 0xe0 && p[1] < 0xa0) || (a == 0xed && p[1] > 0x9f))
		return 0;
	if ((a == 0xf0 && p[1] < 0x90) || (a == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void control(struct json_out *o, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char names[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	for (size_t i = 0; i + 1 < sizeof(names); i += 2) {
		if ((uint8_t)names[i] == c) {
			text[1] = names[i + 1];
			json_put(o, text, 2);
			return;
		}
	}
	json_put(o, text, 6);
}

void json_string(struct json_out *o, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0;

	json_put(o, "\"", 1);
	while (i < len && !o->full) {
		size_t from = i;

		while (i < len && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
			i++;
		if (i > from) {
			json_put(o, s + from, i - from);
		} else if (p[i] < 0x80) {
			control(o, p[i++]);
		} else {
			size_t n = sequence(p + i, len - i);

			json_put(o, n ? s + i : "\xef\xbf\xbd", n ? n : 3);
			i += n ? n : 1;
		}
	}
	json_put(o, "\"", 1);
}
