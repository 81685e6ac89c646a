/* SPDX-License-Identifier: MIT */
/* Answers: what handlers say, and the head that goes before it (RFC 9110 §6.6.1,
 * §8.3, §8.6, §15; RFC 9112 §4). The body is written with a gap in front of it that
 * the head is put into, so that both are sent as one. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/http/chars.h"
#include "net/http/date.h"
#include "net/http/impl.h"

const char http_json_type[] = "application/json";

void response_reset(struct response *res)
{
	res->status = 200;
	res->extra_len = 0;
	res->has_body = res->failed = false;
	res->type = NULL;
	res->body = res->room + RESPONSE_HEAD_MAX;
	res->len = 0;
	res->cap = RESPONSE_INLINE;
}

void response_status(struct response *res, unsigned code)
{
	if (code < 200 || code > 599)
		panic("status: %u is not the status of an answer", code);
	res->status = (uint16_t)code;
}

/* A body of our own making instead of all that was said. */
static void fail(struct response *res, unsigned status)
{
	res->extra_len = 0;
	res->failed = true;
	response_error(res, status, http_reason(status), strlen(http_reason(status)));
}

static bool text_ok(const char *s)
{
	for (; *s; s++) {
		if ((uint8_t)*s < 0x20 || (uint8_t)*s == 0x7f)
			return false;
	}
	return true;
}

void response_header(struct response *res, const char *name, const char *value)
{
	static const char *const ours[] = {"content-length", "content-type", "transfer-encoding",
					   "connection", "date"};
	size_t n = strlen(name), v = strlen(value);

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcasecmp(name, ours[i]) == 0)
			panic("header: %s is written by the server", name);
	}
	for (size_t i = 0; i < n; i++) {
		if (!http_char_is((uint8_t)name[i], CHAR_TOKEN))
			panic("header: not a name: %s", name);
	}
	if (n == 0 || !text_ok(value))
		panic("header: %s: control characters in its value", name);
	if (res->failed)
		return;
	if (n + v + 4 > RESPONSE_EXTRA_MAX - (size_t)res->extra_len) {
		fail(res, 500);
		return;
	}
	struct json_out o = {res->extra + res->extra_len, res->extra + RESPONSE_EXTRA_MAX, false};

	json_put(&o, name, n);
	json_put(&o, ": ", 2);
	json_put(&o, value, v);
	json_put(&o, "\r\n", 2);
	res->extra_len = (uint16_t)(o.p - res->extra);
}

/* Makes room for `cap` bytes of body: true, or false. */
static bool grow(struct response *res, size_t cap)
{
	bool fresh = !res->big;
	struct work *w = res->big;

	if (cap > RESPONSE_MAX)
		return false;
	if (!fresh)
		cap = MIN(cap + cap / 4, (size_t)RESPONSE_MAX);
	if (!work_grow(&w, RESPONSE_HEAD_MAX + cap, NULL))
		return false;
	res->big = w;
	res->cap = cap;
	if (fresh)
		memcpy(w->data + RESPONSE_HEAD_MAX, res->body, res->len);
	res->body = (char *)w->data + RESPONSE_HEAD_MAX;
	return true;
}

void response_begin(struct response *res, const char *type)
{
	size_t len = strlen(type);

	if (res->failed)
		return;
	res->len = 0;
	res->has_body = true;
	res->type = res->custom_type;
	if (len > RESPONSE_TYPE_MAX || !text_ok(type))
		fail(res, 500);
	else
		memcpy(res->custom_type, type, len + 1);
}

void response_expect(struct response *res, size_t len)
{
	if (!res->failed && len > res->cap)
		grow(res, len);
}

void response_add(struct response *res, const void *data, size_t len)
{
	if (res->failed)
		return;
	if (len > res->cap - res->len && (len > RESPONSE_MAX || !grow(res, res->len + len))) {
		fail(res, 500);
		return;
	}
	memcpy(res->body + res->len, data, len);
	res->len += len;
}

void response_body(struct response *res, const char *type, const void *data, size_t len)
{
	response_begin(res, type);
	response_add(res, data, len);
}

void response_error(struct response *res, unsigned status, const char *text, size_t len)
{
	struct json_out o = {res->body, res->body + res->cap, false};

	res->status = (uint16_t)status;
	res->type = http_json_type;
	res->has_body = true;
	json_put(&o, "{\"error\": ", 10);
	json_string(&o, text, len);
	json_put(&o, "}", 1);
	res->len = (size_t)(o.p - res->body);
}

/* 503: a number is not known yet. */
static void unknown(struct response *res, const char *name, size_t len)
{
	char text[96];
	struct json_out o = {text, text + sizeof(text), false};

	if (len)
		json_put(&o, name, MIN(len, (size_t)64));
	else
		json_put(&o, "the answer", 10);
	json_put(&o, " is not known yet", 17);
	response_error(res, 503, text, (size_t)(o.p - text));
}

void response_json(struct response *res, const char *template, va_list ap)
{
	const char *name;
	size_t name_len;
	int n;

	if (res->failed)
		return;
	res->len = 0;
	for (;;) {
		n = json_format(res->body, res->cap, template, ap, &name, &name_len);
		if (n != -ENOSPC || !grow(res, res->cap + 1))
			break;
	}
	if (n == -ENODATA) {
		unknown(res, name, name_len);
	} else if (n < 0) {
		fail(res, 500);
	} else {
		res->type = http_json_type;
		res->has_body = true;
		res->len = (size_t)n;
	}
}
