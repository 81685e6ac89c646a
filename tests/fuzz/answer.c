/* SPDX-License-Identifier: MIT */
/* sources: net/client/head.c net/url.c net/http/chars.c net/http/chunk.c net/http/parse.c
 * net/http/framing.c net/http/target.c */
/* libFuzzer: heads of HTTP answers, their fields, where they redirect to, and chunked bodies. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/client/head.h"
#include "net/http/chunk.h"
#include "net/http/parse.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is resolved is a URL, and resolving it again changes nothing. */
static void resolve(const char *where, size_t len)
{
	char out[URL_MAX], again[URL_MAX];
	struct url base, u;
	int r = url_parse(&base, "http://a.example:81/b/c?d");

	assert(r == 0);
	r = url_resolve(out, &base, where, len);
	assert(r == 0 || r == -EINVAL || r == -EMSGSIZE);
	if (r < 0)
		return;
	r = url_parse(&u, out);
	assert(r == 0 && u.host_len > 0 && u.port > 0 && strlen(out) < URL_MAX);
	r = url_resolve(again, &u, out, strlen(out));
	assert(r == 0 && strcmp(out, again) == 0);
}

/* The whole at once and byte by byte: the same body. */
static void chunked(const uint8_t *data, size_t size)
{
	struct http_chunk whole = { 0 }, bytes = { 0 };
	size_t used, n, body[2] = { 0, 0 };
	int end[2] = { HTTP_CHUNK_MORE, HTTP_CHUNK_MORE };

	for (size_t at = 0; at < size && end[0] >= 0 && end[0] != HTTP_CHUNK_END; at += used) {
		end[0] = http_chunk_next(&whole, data + at, size - at, 100, &used, &n);
		if (end[0] < 0)
			break;
		body[0] += n;
	}
	for (size_t at = 0; at < size && end[1] >= 0 && end[1] != HTTP_CHUNK_END; at++) {
		end[1] = http_chunk_next(&bytes, data + at, 1, 100, &used, &n);
		if (end[1] < 0)
			break;
		body[1] += n;
	}
	assert(body[0] == body[1]);
	assert((end[0] < 0) == (end[1] < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum http_scan scan = HTTP_SCAN_START;
	size_t len = http_scan(&scan, data, size > 60000 ? 60000 : size), n;
	struct client_head h;
	const char *where;
	uint8_t *head;

	if (scan != HTTP_SCAN_END)
		return 0;
	head = malloc(len);
	memcpy(head, data, len);
	if (client_parse(&h, head, len) == 0) {
		assert(h.status >= 100 && h.status <= 599 && h.fields <= len);
		where = client_field(&h, head, "location", &n);
		if (where) {
			assert(where + n <= (const char *)head + len);
			resolve(where, n);
		}
		if (h.flags & HTTP_CHUNKED)
			chunked(data + len, size - len);
	}
	free(head);
	return 0;
}
