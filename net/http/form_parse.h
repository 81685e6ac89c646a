/* SPDX-License-Identifier: MIT */
/* Decoders of what net/form.h offers, each over bytes that it does not change and with no memory of
 * its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char *p;
	size_t len;
};

/* application/x-www-form-urlencoded (WHATWG URL §5.1): takes the next pair off *in: false at the
 * end. Empty pairs are passed over. */
bool form_next(struct text *in, struct text *name, struct text *value);

/* Decodes "+" and %XX, at most t.len bytes to out; a "%" without two digits stands for itself. The
 * length. */
size_t form_decode(char *out, struct text t);

/* Cookie (RFC 6265 §5.4, §4.2.1): takes the next pair off *in, without white space and the quotes
 * around its value. */
bool cookie_next(struct text *in, struct text *name, struct text *value);

/* A parameter of a field's value, as in "form-data; name=x; filename=\"a\\\"b\"" (RFC 9110
 * §5.6.6) and in Forwarded: its value, whose quoted pairs stay as they are. NULL text: none. */
struct text field_parameter(struct text field, const char *name);

/* multipart/form-data (RFC 7578, RFC 2046 §5.1): takes the next part off *in, whose delimiter is
 * "--" and the boundary. 1; 0: the last was it; -EINVAL: malformed. */
struct part {
	struct text disposition, type, data;
};
int part_next(struct text *in, struct text boundary, struct part *part);
