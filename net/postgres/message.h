/* SPDX-License-Identifier: MIT */
/* Messages of PostgreSQL's protocol 3.0 (PostgreSQL documentation, chapter "Frontend/Backend
 * Protocol"), to and from bytes. Pure: no input, no output, no wait. Whatever the server sends,
 * nothing outside of a message is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/postgres.h"

/* ---- From the server ---- */

#define PG_HEAD 5u                     /* bytes of type and length */

enum pg_type_byte {
	PG_AUTHENTICATION = 'R', PG_BACKEND_KEY = 'K', PG_BIND_COMPLETE = '2',
	PG_CLOSE_COMPLETE = '3', PG_COMMAND_COMPLETE = 'C', PG_COPY_DATA = 'd', PG_COPY_DONE = 'c',
	PG_COPY_IN = 'G', PG_COPY_OUT = 'H', PG_COPY_BOTH = 'W', PG_DATA_ROW = 'D',
	PG_EMPTY_QUERY = 'I', PG_ERROR = 'E', PG_NEGOTIATE = 'v', PG_NO_DATA = 'n',
	PG_NOTICE = 'N', PG_NOTIFICATION = 'A', PG_PARAMETERS = 't', PG_PARAMETER_STATUS = 'S',
	PG_PARSE_COMPLETE = '1', PG_PORTAL_SUSPENDED = 's', PG_READY = 'Z',
	PG_ROW_DESCRIPTION = 'T',
};

/* Being read from the front; `bad` once more was asked for than there is, and all further
 * reads give 0 or "". */
struct pg_in {
	const uint8_t *p, *end;
	bool bad;
};

/* Looks for a message of at most `max` bytes in all at data[0..len): its size, and its type and
 * body in *type and *body. 0: it is not whole yet, *want bytes will be. -EPROTO: no such message;
 * -EMSGSIZE: it is larger. */
long pg_message_find(const uint8_t *data, size_t len, size_t max, uint8_t *type,
		     struct pg_in *body, size_t *want);

uint8_t pg_in_u8(struct pg_in *in);
uint16_t pg_in_u16(struct pg_in *in);
uint32_t pg_in_u32(struct pg_in *in);
uint64_t pg_in_u64(struct pg_in *in);
const uint8_t *pg_in_bytes(struct pg_in *in, size_t len);
/* A string that ends with a NUL; "" when none does. */
const char *pg_in_string(struct pg_in *in);
/* Nothing bad, and nothing left. */
bool pg_in_done(const struct pg_in *in);

/* What a result's columns are, in one block of malloc(). */
struct pg_column {
	const char *name;
	uint32_t type;                 /* OID */
	bool binary;                   /* how its values come */
};
struct pg_columns {
	unsigned n;
	struct pg_column column[];
};

/* Reads a RowDescription: 0, -EPROTO, -ENOMEM. The caller frees *columns. */
int pg_columns_read(struct pg_in body, struct pg_columns **columns);

/* Reads an ErrorResponse or NoticeResponse: 0 or -EPROTO. */
int pg_error_read(struct pg_in body, struct pg_error *error);

/* One of its fields, "" when there is none. */
const char *pg_error_field(struct pg_in body, uint8_t field);

/* The last number of a command's tag, "INSERT 0 3", 0 when there is none; or -EPROTO. */
int64_t pg_tag_rows(struct pg_in body);

/* ---- To the server ---- */

/* Messages being written to a buffer of malloc(), which grows up to `max` bytes and is the
 * caller's to free; `full` once there was no room, and then nothing of it is to be sent. */
struct pg_out {
	uint8_t *data;
	size_t len, cap, max;
	size_t begun;                  /* where the message's length will stand */
	bool full;
};

/* Begins a message; type 0: one without a type byte. pg_out_end() writes its length. */
void pg_out_begin(struct pg_out *out, char type);
void pg_out_end(struct pg_out *out);
void pg_out_u16(struct pg_out *out, uint16_t n);
void pg_out_u32(struct pg_out *out, uint32_t n);
void pg_out_u64(struct pg_out *out, uint64_t n);
void pg_out_bytes(struct pg_out *out, const void *data, size_t len);
void pg_out_string(struct pg_out *out, const char *text);
/* Room for a length, and the length of what was written since. */
size_t pg_out_hole(struct pg_out *out);
void pg_out_fill(struct pg_out *out, size_t hole);
