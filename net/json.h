/* SPDX-License-Identifier: MIT */
/* JSON from a template (app/app.h says what a template is). */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 16                  /* nested objects and arrays in a template */
#define JSON_NUMBER_MAX 328            /* longest "%.9f": sign, 309 digits, point, decimals */

/* Text being written to a buffer; past its end `full` is set and bytes are dropped. */
struct json_out {
	char *p, *end;
	bool full;
};

/* Writes the template with the arguments to buf, without a NUL. Returns the
 * length; -ENOSPC when it does not fit cap; -ENODATA when a number is NaN or
 * infinite, with the name of its member in *name, *name_len (the template's
 * own bytes; 0 outside of an object). Output is spaced as Python's json.dumps
 * does it. A malformed template is the author's bug: panic. */
int json_format(char *buf, size_t cap, const char *template, va_list ap,
		const char **name, size_t *name_len);

/* Writes `len` bytes as they are. */
void json_put(struct json_out *o, const char *s, size_t len);

/* Writes a quoted string, escaped (RFC 8259 §7); a byte that is not valid UTF-8
 * becomes U+FFFD. */
void json_string(struct json_out *o, const char *s, size_t len);

/* Writes an integer to out, which has room for 20 bytes: how many. */
size_t json_u64(char *out, uint64_t n);

/* Writes a finite number with `decimals` (0..9) digits after the point, rounded
 * as printf("%.*f") does: exactly, half to even. Room for JSON_NUMBER_MAX bytes
 * and a NUL. Returns the length. */
size_t json_double(char *out, double v, unsigned decimals);
