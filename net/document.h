/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: JSON that a request brings (RFC 8259), by yyjson: an app that uses this
 * names it in its library.mk. Strict: one value, UTF-8, no comments, no NaN.
 *
 * Whatever a value is, each question has an answer, so that only what is wanted is asked for:
 *	const struct value *v = request_json(req, res);
 *	const char *name = value_text(value_member(v, "name"));
 *	if (!name)
 *		... 422 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct response;
struct value;

#define DOCUMENT_DEPTH 32              /* nested arrays and objects */

/* The request's body: its value, until the handler returns; NULL, and the answer says why: 415 not
 * application/json, 400 not JSON (where, and what was expected) or nested deeper than
 * DOCUMENT_DEPTH, 503 no memory. Never waits. */
const struct value *request_json(struct request *req, struct response *res);

/* The value of a text of `len` bytes, of a backend's answer maybe, in the request's memory until
 * the handler returns, and no longer than the text; NULL: it is not JSON, nested deeper than
 * DOCUMENT_DEPTH, or there is no memory. Never waits. */
const struct value *json_read(struct request *req, const char *text, size_t len);

enum value_kind { VALUE_NONE, VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_TEXT, VALUE_ARRAY,
		  VALUE_OBJECT };

/* VALUE_NONE for NULL, which every function here takes. */
enum value_kind value_kind(const struct value *v);

/* An object's member: the first of that name; NULL: none, or v is no object. */
const struct value *value_member(const struct value *v, const char *name);

/* How many elements or members; and the i-th, with a member's name in *name unless that is NULL.
 * NULL beyond the end. In turn, each is found at once. */
size_t value_count(const struct value *v);
const struct value *value_at(const struct value *v, size_t i, const char **name);

/* A text, in UTF-8, NUL-terminated; NULL: none, or one that holds a NUL. */
const char *value_text(const struct value *v);

/* A number as a double; as an integer: false if it is none or not within; true or false. */
bool value_number(const struct value *v, double *n);
bool value_integer(const struct value *v, int64_t least, int64_t most, int64_t *n);
bool value_bool(const struct value *v, bool *b);

/* Answers with a value as JSON. */
void json_value(struct response *res, const struct value *v);

/* Answers with one object that has the members of n objects; of those with one name, the last. */
void json_merged(struct response *res, const struct value *const objects[], size_t n);
