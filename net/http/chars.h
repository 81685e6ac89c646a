/* SPDX-License-Identifier: MIT */
/* Classes of bytes in HTTP: RFC 9110 §5.5, §5.6.2 and RFC 3986 §2, §3. */
#pragma once

#include <stdint.h>

enum {
	CHAR_TOKEN = 1,                /* tchar: methods and field names */
	CHAR_VALUE = 2,                /* field values: visible, SP, HTAB, obs-text */
	CHAR_TARGET = 4,               /* path, query; browsers leave [ ] { } | ^ ` unencoded */
	CHAR_HOST = 8,                 /* reg-name: unreserved, sub-delims, "%" */
	CHAR_HEX = 16,
	CHAR_DIGIT = 32,
	CHAR_NAME = 64,                /* letters, digits, "_": bare names in JSON templates */
};

extern const uint8_t http_chars[256];

static inline int http_char_is(uint8_t c, unsigned classes)
{
	return http_chars[c] & classes;
}

/* The value of a hexadecimal digit. */
static inline unsigned http_hex(uint8_t c)
{
	return (c & 15) + (c >= 'A' ? 9 : 0);
}
