/* SPDX-License-Identifier: MIT */
/* sources: net/wsgi/forwarded.c net/http/form_parse.c net/http/parse.c net/http/chars.c
 * net/http/framing.c net/http/target.c net/addr.c net/ip6/text.c */
/* libFuzzer: who asks, by whatever lines of X-Forwarded-* and Forwarded. A peer that is not trusted
 * is never overruled; one that is leads to an address of the list, or stays. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/forwarded.h"
#include "net/http/impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void panic(const char *fmt, ...)
{
	abort();
}

static void *kept[8];
static unsigned kept_count;

void *request_memory(struct request *r, size_t size)
{
	return kept_count < ARRAY_LEN(kept) ? kept[kept_count++] = malloc(size) : NULL;
}

const char *http_header(struct request *r, const char *name)
{
	return NULL;
}

/* Each line a field whose name its first byte chooses. */
static void split(struct http_head *h, uint8_t *bytes, size_t size)
{
	static const char *const names[] = {"x-forwarded-for", "forwarded", "x-forwarded-proto",
					    "x-forwarded-host"};
	size_t at = 0, names_at = size;

	h->count = 0;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++, names_at += 20)
		memcpy(bytes + names_at, names[i], strlen(names[i]));
	while (at < size && h->count < 20) {
		const uint8_t *end = memchr(bytes + at, '\n', size - at);
		size_t len = end ? (size_t)(end - bytes) - at : size - at;
		unsigned n = len ? bytes[at] % 4 : 0;

		if (len > 0)
			h->field[h->count++] = (struct http_field){
				{(uint16_t)(size + n * 20), (uint16_t)strlen(names[n])},
				{(uint16_t)(at + 1), (uint16_t)(len - 1)},
			};
		at += len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request r;
	struct stream s = {.peer = {addr_ip4(0x0100000a), 1}};
	struct conn c = {.s = &s};
	uint8_t *bytes;

	if (size < 1 || size > 8000)
		return 0;
	bytes = malloc(size + 80);
	memcpy(bytes, data, size);
	r.run.conn = &c;
	r.bytes = bytes;
	split(&r.head, bytes, size);
	assert(forwarded_header(data[0] & 1 ? "forwarded" : "x-forwarded-for") == 0);
	assert(forwarded_trust("10.0.0.0/24,2001:db8::/32") == 0);
	request_origin(&r);
	s.peer.addr = addr_ip4(0x0101000a);
	struct origin o = request_origin(&r);

	assert(addr_equal(&o.client.addr, &s.peer.addr) && !o.secure && !o.host);
	while (kept_count > 0)
		free(kept[--kept_count]);
	free(bytes);
	return 0;
}
