/* SPDX-License-Identifier: MIT */
/* DNS messages: RFC 1035 §4, RFC 2181 §5, §8, RFC 2308 §5, RFC 3596, RFC 5452 §9.
 *
 * The question must come back as it was sent, byte by byte but for its letters' case. Of the
 * records, only those count whose owner is the name asked for, or what its CNAMEs before it have
 * led to. Names are compared where they lie; a compression pointer leads backwards, and a name
 * ends after 255 bytes, so there is no loop. */
#include "net/dns/message.h"

#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/port/bytes.h"

#define HEADER 12u
#define NAME_MAX_BYTES 255u
#define LABEL_MAX 63u
#define TTL_MAX 86400u                 /* a day is long enough for what may have been a lie */
#define TTL_NONE_MAX 300u              /* RFC 2308 §5: of what is not there */

enum { FLAG_ANSWER = 0x8000, OPCODE = 0x7800, FLAG_CUT = 0x0200, RCODE = 0x000f, NO_NAME = 3 };
enum { TYPE_CNAME = 5, TYPE_SOA = 6, CLASS_IN = 1 };

size_t dns_write_query(uint8_t out[DNS_QUERY_MAX], const char *host, uint16_t id,
		       enum dns_type type)
{
	size_t at = HEADER, len = strlen(host);

	if (len >= BUDGET_DNS_NAME)
		return 0;
	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAX_BYTES - 2)
		return 0;
	memset(out, 0, HEADER);
	store16(out, __builtin_bswap16(id));
	out[2] = 1;                    /* recursion desired */
	out[5] = 1;                    /* one question */
	for (const char *p = host, *end = host + len; p <= end;) {
		const char *dot = memchr(p, '.', (size_t)(end - p));
		size_t n = (size_t)((dot ? dot : end) - p);

		if (n == 0 || n > LABEL_MAX)
			return 0;
		out[at++] = (uint8_t)n;
		memcpy(out + at, p, n);
		at += n;
		p += n + 1;
	}
	out[at++] = 0;
	store16(out + at, __builtin_bswap16((uint16_t)type));
	store16(out + at + 2, __builtin_bswap16(CLASS_IN));
	return at + 4;
}

struct message {
	const uint8_t *p;
	size_t len, at;                /* where the next record begins */
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* Where the label at `at` lies, pointers followed; 0: nowhere. */
static size_t label(const struct message *m, size_t at)
{
	while (at + 1 < m->len && m->p[at] > LABEL_MAX) {
		size_t to = be16(m->p + at) & 0x3fffu;

		if (m->p[at] < 0xc0 || to >= at)
			return 0;
		at = to;
	}
	return at < m->len && m->p[at] <= LABEL_MAX && at + m->p[at] < m->len ? at : 0;
}

static bool same_name(const struct message *m, size_t a, size_t b)
{
	for (size_t n, total = 0; total < NAME_MAX_BYTES; total += n + 1) {
		a = label(m, a);
		b = label(m, b);
		if (a == 0 || b == 0 || m->p[a] != m->p[b])
			return false;
		n = m->p[a];
		if (n == 0)
			return true;
		if (!same_bytes(m->p + a + 1, m->p + b + 1, n))
			return false;
		a += n + 1;
		b += n + 1;
	}
	return false;
}

/* Behind the name at `at`, or 0. */
static size_t after_name(const struct message *m, size_t at)
{
	while (at < m->len && m->p[at] > 0 && m->p[at] <= LABEL_MAX)
		at += m->p[at] + 1u;
	if (at >= m->len)
		return 0;
	return at + (m->p[at] == 0 ? 1 : 2);
}

struct record {
	size_t owner, data;
	unsigned type, len;
	uint32_t ttl;
};

/* The next record of class IN or any other; false: malformed. */
static bool next_record(struct message *m, struct record *r)
{
	size_t at = after_name(m, m->at);

	if (at == 0 || at + 10 > m->len)
		return false;
	r->owner = m->at;
	r->type = be16(m->p + at + 2) == CLASS_IN ? be16(m->p + at) : 0;
	r->ttl = be32(m->p + at + 4);
	if (r->ttl > INT32_MAX)
		r->ttl = 0;
	r->len = be16(m->p + at + 8);
	r->data = at + 10;
	m->at = r->data + r->len;
	return m->at <= m->len;
}

static void add_address(struct dns_found *found, const uint8_t *data, enum dns_type type)
{
	struct addr a = addr_ip4(load32(data));

	if (type == DNS_AAAA)
		memcpy(&a, data, sizeof(a));
	if (!addr_is_none(&a) && found->count < BUDGET_DNS_ADDRS)
		found->addr[found->count++] = a;
}

/* How long it may be believed that there is nothing: as the SOA says, if there is one. */
static uint32_t ttl_of_none(struct message *m, unsigned records)
{
	struct record r;

	while (records-- > 0 && next_record(m, &r)) {
		size_t at = r.type == TYPE_SOA ? after_name(m, r.data) : 0;

		if (at > 0 && (at = after_name(m, at)) > 0 && at + 20 == m->at)
			return MIN(MIN(r.ttl, be32(m->p + at + 16)), TTL_NONE_MAX);
	}
	return 0;
}

int dns_read_answer(const uint8_t *p, size_t len, const char *host, uint16_t id,
		    enum dns_type type, struct dns_found *found)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t asked = dns_write_query(query, host, id, type), owner = HEADER;
	struct message m = { p, len, asked };
	unsigned flags, width = type == DNS_AAAA ? 16 : 4;

	if (len < asked || be16(p) != id || be16(p + 4) != 1 ||
	    !same_bytes(p + HEADER, query + HEADER, asked - HEADER))
		return -EAGAIN;
	flags = be16(p + 2);
	if ((flags & (FLAG_ANSWER | OPCODE)) != FLAG_ANSWER)
		return -EAGAIN;
	if ((flags & RCODE) != 0 && (flags & RCODE) != NO_NAME)
		return -EIO;
	*found = (struct dns_found){ .ttl = TTL_MAX, .no_name = (flags & RCODE) == NO_NAME };
	for (unsigned n = be16(p + 6); n > 0; n--) {
		struct record r;

		if (!next_record(&m, &r)) {
			if ((flags & FLAG_CUT) && found->count > 0)
				return 0;
			return flags & FLAG_CUT ? -EIO : -EAGAIN;
		}
		if (!same_name(&m, r.owner, owner))
			continue;
		if (r.type == TYPE_CNAME)
			owner = r.data;
		else if (r.type == type && r.len == width)
			add_address(found, p + r.data, type);
		else
			continue;
		found->ttl = MIN(found->ttl, r.ttl);
	}
	if (found->count == 0 && (flags & FLAG_CUT))
		return -EIO;
	if (found->count == 0) {
		uint32_t none = ttl_of_none(&m, be16(p + 8));

		found->ttl = MIN(found->ttl, none);
	}
	return 0;
}
