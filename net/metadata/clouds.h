/* SPDX-License-Identifier: MIT */
/* The table of clouds: how each is recognised and what it is asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string of SMBIOS (DSP0134 3.4 §7.2, §7.4): of a structure, the byte that has its number. */
enum { SMBIOS_MAKER = 1 << 8 | 4, SMBIOS_PRODUCT = 1 << 8 | 5, SMBIOS_ASSET = 3 << 8 | 8 };

struct cloud {
	const char *name;              /* of metadata= */
	uint16_t mark;                 /* a string of SMBIOS begins with `is`; 0: there is none */
	const char *is;
	const char *host6;             /* in brackets, for a machine without IPv4; or NULL */
	/* A PUT, with the token's life in seconds, gives the token that the others carry; NULL. */
	const char *token, *life_field, *life, *token_field;
	const char *field, *value;     /* what each request carries beside it, or NULL */
	const char *user_data;
	bool base64;                   /* so is that encoded (RFC 4648 §4) */
	const char *hostname;
	const char *member;            /* of the JSON that this answers; NULL: it is the name */
};

/* The cloud of that name, NULL: there is none. */
const struct cloud *cloud_named(const char *name);

/* The cloud that a table of SMBIOS names, or NULL. */
const struct cloud *cloud_recognised(const void *table, size_t len);

/* Decodes in place; white space is passed over: how many bytes it is, or -EINVAL. */
long base64_decode(char *text, size_t len);
