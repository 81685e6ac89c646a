/* SPDX-License-Identifier: MIT */
/* Values of SQL as they travel (net/postgres.h has the types): binary where the type is known,
 * else text. Pure. The binary forms are those of the types' send and receive functions in
 * PostgreSQL's source. */
#pragma once

#include "net/postgres.h"
#include "net/postgres/message.h"

/* The OID a parameter is declared with; 0: the server finds out. */
uint32_t pg_arg_type(const struct pg_arg *a);
/* The format it is sent in, and writes it with its length. */
bool pg_arg_binary(const struct pg_arg *a);
void pg_arg_write(struct pg_out *out, const struct pg_arg *a);

/* Whether values of this type are asked for in binary. */
bool pg_type_binary(uint32_t type);

/* Puts the field of a row whose length is at in->p where it belongs, and moves behind it. Text is
 * moved to the front by a byte, for a NUL: a row is read once. 0, -EPROTO, -ENODATA: it is NULL,
 * -EDOM: it is of another type, -ERANGE. */
int pg_field_read(struct pg_in *in, uint32_t type, bool binary, const struct pg_into *into);

/* numeric: from binary to text, with a NUL: 0, -EPROTO, -ERANGE: it does not fit. */
int pg_numeric_text(struct pg_in in, char *buf, size_t size);
