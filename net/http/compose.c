/* SPDX-License-Identifier: MIT */
/* The head of an answer on the wire (RFC 9112 §4, RFC 9110 §6.6.1, §15). The usual
 * one, 200 with JSON, is kept ready and changes once a second, with its Date. */
#include <string.h>

#include "net/http/date.h"
#include "net/http/impl.h"

#define DATE_AT 23
#define USUAL "HTTP/1.1 200 OK\r\nDate: www, dd mmm yyyy hh:mm:ss GMT\r\n" \
	      "Content-Type: application/json\r\nContent-Length: "
#define USUAL_LEN (sizeof(USUAL) - 1)

static char usual[] = USUAL;
static ktime date_until = INT64_MIN;    /* `usual` is right before this time */

static __attribute__((noinline)) bool new_date(ktime now)
{
	int64_t ns;

	date_until = INT64_MIN;
	if (clock_unix_ns(&ns) < 0 || ns < 0)
		return false;
	http_date(usual + DATE_AT, ns / 1000000000);
	date_until = now + SECONDS(1) - ns % 1000000000;
	return true;
}

/* Brings the Date up to date; false while the time of day is not known, when an
 * answer must not have one (RFC 9110 §6.6.1). */
static inline bool date(ktime now)
{
	return now < date_until || new_date(now);
}

/* Digits and words, one after the other: half the bytes of a table. */
const char *http_reason(unsigned status)
{
	static const char reasons[] =
		"200OK\0" "201Created\0" "202Accepted\0" "204No Content\0" "205Reset Content\0"
		"206Partial Content\0" "301Moved Permanently\0" "302Found\0" "303See Other\0"
		"304Not Modified\0" "307Temporary Redirect\0" "308Permanent Redirect\0"
		"400Bad Request\0" "401Unauthorized\0" "403Forbidden\0" "404Not Found\0"
		"405Method Not Allowed\0" "406Not Acceptable\0" "408Request Timeout\0"
		"409Conflict\0" "410Gone\0" "411Length Required\0" "412Precondition Failed\0"
		"413Content Too Large\0" "414URI Too Long\0" "415Unsupported Media Type\0"
		"416Range Not Satisfiable\0" "417Expectation Failed\0"
		"422Unprocessable Content\0" "428Precondition Required\0"
		"429Too Many Requests\0" "431Request Header Fields Too Large\0"
		"500Internal Server Error\0" "501Not Implemented\0" "502Bad Gateway\0"
		"503Service Unavailable\0" "504Gateway Timeout\0"
		"505HTTP Version Not Supported\0";
	static const char *const kinds[] = {"Success", "Redirection", "Client Error",
					    "Server Error"};

	for (const char *p = reasons; *p; p += strlen(p) + 1) {
		if ((unsigned)(p[0] * 100 + p[1] * 10 + p[2] - '0' * 111) == status)
			return p + 3;
	}
	return kinds[status / 100 - 2];
}

static void put(struct json_out *o, const char *s)
{
	json_put(o, s, strlen(s));
}

static void put_number(struct json_out *o, size_t n)
{
	char text[20];

	json_put(o, text, json_u64(text, n));
}

/* Status line, Date, Content-Type, Content-Length and Connection. */
static void put_head(struct json_out *o, unsigned status, const char *type, bool length, size_t len,
		     enum persist persist, ktime now)
{
	put(o, "HTTP/1.1 ");
	put_number(o, status);
	put(o, " ");
	put(o, http_reason(status));
	if (date(now)) {
		put(o, "\r\nDate: ");
		json_put(o, usual + DATE_AT, HTTP_DATE_LEN);
	}
	if (type) {
		put(o, "\r\nContent-Type: ");
		put(o, type);
	}
	if (length) {
		put(o, "\r\nContent-Length: ");
		put_number(o, len);
	}
	if (persist != PERSIST)
		put(o, persist == PERSIST_CLOSE ? "\r\nConnection: close"
						: "\r\nConnection: keep-alive");
	put(o, "\r\n");
}

/* The usual head, written backwards from the body. */
static char *compose_usual(struct response *res, size_t *len)
{
	char *p = res->body - 4;
	size_t n = res->len;

	memcpy(p, "\r\n\r\n", 4);
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	p -= USUAL_LEN;
	memcpy(p, usual, USUAL_LEN);
	*len = (size_t)(res->body - p) + res->len;
	return p;
}

char *response_compose(struct response *res, enum persist persist, bool head_only, ktime now,
		       size_t *len)
{
	char head[RESPONSE_HEAD_MAX];
	struct json_out o = {head, head + sizeof(head), false};
	bool bare = res->status == 204 || res->status == 304;

	if (!res->has_body && res->status >= 400)
		response_error(res, res->status, http_reason(res->status),
			       strlen(http_reason(res->status)));
	if (res->status == 200 && res->type == http_json_type && res->extra_len == 0 &&
	    persist == PERSIST && !head_only && date(now))
		return compose_usual(res, len);

	put_head(&o, res->status, bare ? NULL : res->type, !bare, res->len, persist, now);
	json_put(&o, res->extra, res->extra_len);
	put(&o, "\r\n");
	ASSERT(!o.full);
	*len = (size_t)(o.p - head);
	char *start = res->body - *len;

	memcpy(start, head, *len);
	if (!bare && !head_only)
		*len += res->len;
	return start;
}

size_t response_stream_head(char *out, struct response *res, enum persist persist, bool chunked,
			    ktime now)
{
	struct json_out o = {out, out + RESPONSE_HEAD_MAX, false};

	put_head(&o, res->status, res->type, false, 0, persist, now);
	if (chunked)
		put(&o, "Transfer-Encoding: chunked\r\n");
	json_put(&o, res->extra, res->extra_len);
	put(&o, "\r\n");
	ASSERT(!o.full);
	return (size_t)(o.p - out);
}

size_t response_refusal(char *out, unsigned status, bool head_only, ktime now)
{
	struct json_out o = {out, out + RESPONSE_REFUSAL_MAX, false};
	const char *reason = http_reason(status);

	put_head(&o, status, http_json_type, true, strlen(reason) + 13, PERSIST_CLOSE, now);
	put(&o, "\r\n");
	if (!head_only) {
		put(&o, "{\"error\": \"");
		put(&o, reason);
		put(&o, "\"}");
	}
	ASSERT(!o.full);
	return (size_t)(o.p - out);
}
