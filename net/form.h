/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: names and values that a request brings in its query, in a form, in
 * cookies. What is returned is decoded, NUL-terminated (one that holds a NUL counts as absent),
 * UTF-8 only if the client meant it so, and lives until the handler returns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct response;

/* The first value of that name in the query; in the body of a POST as
 * application/x-www-form-urlencoded or multipart/form-data, if it is no file. "" for a name without
 * "="; NULL: none, or no memory. Never wait. */
const char *request_arg(struct request *req, const char *name);
const char *request_form(struct request *req, const char *name);

/* The i-th pair of the query, as it was sent: its value, and its name in *name; NULL beyond the
 * last. */
const char *request_arg_at(struct request *req, size_t i, const char **name);
const char *request_form_at(struct request *req, size_t i, const char **name);

/* A file of a multipart/form-data body (RFC 7578): its bytes, which lie in the body; NULL: none. */
struct form_file {
	const char *filename, *type;   /* as the client says: never trust them */
	const void *data;
	size_t len;
};
const struct form_file *request_file(struct request *req, const char *name);

/* A cookie's value, without quotes around it; NULL: none (RFC 6265 §4.2). */
const char *request_cookie(struct request *req, const char *name);

/* Sets a cookie (RFC 6265 §4.1): 0; -EINVAL: no value, or a name, value, path or domain with bytes
 * that may not stand there; -ENOSPC: the answer's fields are full. */
struct cookie {
	const char *name, *value;
	const char *path, *domain;     /* NULL: the browser's default */
	const char *same_site;         /* "Lax", "Strict", "None" or NULL */
	int64_t max_age;               /* seconds; 0: while the browser runs; negative: delete */
	bool secure, http_only;
};
int response_cookie(struct response *res, const struct cookie *c);
