/* SPDX-License-Identifier: MIT */
/* See net/document.h. A document lies in one piece of the request's memory, as large as yyjson says
 * that it can need: it asks malloc() for nothing, and is gone with the request. yyjson's reader and
 * writer do not recurse. */
#include "net/document.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <yyjson/src/yyjson.h>

#include "net/http/impl.h"

#define TYPE "application/json"

/* A value is yyjson's own. */
static yyjson_val *yy(const struct value *v)
{
	return (yyjson_val *)v;
}

static const struct value *ours(yyjson_val *v)
{
	return (const struct value *)v;
}

static bool is_json(const char *type)
{
	size_t len = sizeof(TYPE) - 1;

	return type && strncasecmp(type, TYPE, len) == 0 && strchr("; ", type[len]);
}

/* Whether arrays and objects are nested no deeper than DOCUMENT_DEPTH, wherever that is JSON. */
static bool is_flat(const char *text, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{') && ++depth > DOCUMENT_DEPTH)
			return false;
		else if (!quoted && (c == ']' || c == '}') && depth > 0)
			depth--;
	}
	return true;
}

static void refuse(struct response *res, unsigned code, const char *text)
{
	response_reset(res);
	response_error(res, code, text, strlen(text));
}

/* The document, in the request's memory; NULL and why. */
static yyjson_doc *parse(struct request *req, const char *text, size_t len, yyjson_read_err *err)
{
	size_t room = yyjson_read_max_memory_usage(len, 0) + 64;
	void *memory = request_memory(req, room);
	yyjson_alc alc;

	if (memory && yyjson_alc_pool_init(&alc, memory, room))
		return yyjson_read_opts((char *)text, len, 0, &alc, err);
	*err = (yyjson_read_err){ YYJSON_READ_ERROR_MEMORY_ALLOCATION, "no memory", 0 };
	return NULL;
}

const struct value *request_json(struct request *req, struct response *res)
{
	yyjson_read_err err;
	yyjson_doc *doc;
	const char *text;
	char why[120];
	size_t len;

	if (!is_json(http_header(req, "Content-Type"))) {
		refuse(res, 415, "expected Content-Type: " TYPE);
		return NULL;
	}
	text = http_body(req, &len);
	if (!text || !is_flat(text, len)) {
		refuse(res, 400, text ? "nested deeper than " TEXT_OF(DOCUMENT_DEPTH) :
		       "no JSON: the body is empty");
		return NULL;
	}
	doc = parse(req, text, len, &err);
	if (doc)
		return ours(yyjson_doc_get_root(doc));
	snprintf(why, sizeof(why), "not JSON at byte %zu: %s", err.pos, err.msg);
	refuse(res, err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? 503 : 400, why);
	return NULL;
}

const struct value *json_read(struct request *req, const char *text, size_t len)
{
	yyjson_read_err err;
	yyjson_doc *doc = is_flat(text, len) ? parse(req, text, len, &err) : NULL;

	return doc ? ours(yyjson_doc_get_root(doc)) : NULL;
}

enum value_kind value_kind(const struct value *v)
{
	switch (yyjson_get_type(yy(v))) {
	case YYJSON_TYPE_NULL:
		return VALUE_NULL;
	case YYJSON_TYPE_BOOL:
		return VALUE_BOOL;
	case YYJSON_TYPE_NUM:
		return VALUE_NUMBER;
	case YYJSON_TYPE_STR:
		return VALUE_TEXT;
	case YYJSON_TYPE_ARR:
		return VALUE_ARRAY;
	case YYJSON_TYPE_OBJ:
		return VALUE_OBJECT;
	default:
		return VALUE_NONE;
	}
}

const struct value *value_member(const struct value *v, const char *name)
{
	return ours(yyjson_obj_get(yy(v), name));
}

size_t value_count(const struct value *v)
{
	return yyjson_is_ctn(yy(v)) ? yyjson_get_len(yy(v)) : 0;
}

const struct value *value_at(const struct value *v, size_t i, const char **name)
{
	yyjson_obj_iter iter;
	yyjson_val *key = NULL;

	if (yyjson_is_arr(yy(v)))
		return ours(yyjson_arr_get(yy(v), i));
	yyjson_obj_iter_init(yy(v), &iter);
	for (size_t k = 0; k <= i; k++) {
		key = yyjson_obj_iter_next(&iter);
		if (!key)
			return NULL;
	}
	if (name)
		*name = yyjson_get_str(key);
	return ours(yyjson_obj_iter_get_val(key));
}

const char *value_text(const struct value *v)
{
	const char *text = yyjson_get_str(yy(v));

	return text && strlen(text) == yyjson_get_len(yy(v)) ? text : NULL;
}

bool value_number(const struct value *v, double *n)
{
	if (!yyjson_is_num(yy(v)))
		return false;
	*n = yyjson_get_num(yy(v));
	return true;
}

bool value_integer(const struct value *v, int64_t least, int64_t most, int64_t *n)
{
	if (!yyjson_is_int(yy(v)) ||
	    (yyjson_is_uint(yy(v)) && yyjson_get_uint(yy(v)) > (uint64_t)INT64_MAX))
		return false;
	*n = yyjson_get_sint(yy(v));
	return *n >= least && *n <= most;
}

bool value_bool(const struct value *v, bool *b)
{
	if (!yyjson_is_bool(yy(v)))
		return false;
	*b = yyjson_get_bool(yy(v));
	return true;
}

static void answer(struct response *res, char *text, size_t len, bool ours)
{
	if (text)
		response_body(res, http_json_type, text, len);
	else
		response_status(res, ours ? 500 : 503);
	free(text);
}

void json_value(struct response *res, const struct value *v)
{
	size_t len;
	char *text = yyjson_val_write_opts(yy(v), 0, NULL, &len, NULL);

	answer(res, text, len, !v);
}

static bool put_members(yyjson_mut_doc *doc, yyjson_mut_val *to, yyjson_val *from)
{
	yyjson_obj_iter iter;
	yyjson_val *key;

	yyjson_obj_iter_init(from, &iter);
	while ((key = yyjson_obj_iter_next(&iter)))
		if (!yyjson_mut_obj_put(to, yyjson_val_mut_copy(doc, key),
					yyjson_val_mut_copy(doc, yyjson_obj_iter_get_val(key))))
			return false;
	return true;
}

void json_merged(struct response *res, const struct value *const objects[], size_t n)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *all = yyjson_mut_obj(doc);
	char *text = NULL;
	size_t len = 0, i = 0;

	while (i < n && all && put_members(doc, all, yy(objects[i])))
		i++;
	if (i == n)
		text = yyjson_mut_val_write_opts(all, 0, NULL, &len, NULL);
	yyjson_mut_doc_free(doc);
	answer(res, text, len, false);
}
