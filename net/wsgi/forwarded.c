/* SPDX-License-Identifier: MIT */
/* See net/forwarded.h. Fields of one name are one list (RFC 9110 §5.3): of all of them, or a client
 * could put its own before the proxy's. */
#include "net/forwarded.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/http/chars.h"
#include "net/http/form_parse.h"
#include "net/http/impl.h"

#define HOPS_MAX 16                    /* the last ones count */

static struct network {
	struct addr addr;
	unsigned bits;                 /* of all that struct addr has */
} trusted[FORWARDED_TRUST_MAX] SEALED;
static unsigned trusted_count SEALED;
static bool standard SEALED;           /* Forwarded, and not X-Forwarded-For */

static int add_network(const char **at)
{
	struct network *n = &trusted[trusted_count];
	unsigned all = ADDR_WORDS * 32, family = 128;
	int bits;

	if (trusted_count == FORWARDED_TRUST_MAX || addr_parse(at, &n->addr) < 0)
		return -EINVAL;
	if (addr_is_ip4(&n->addr))
		family = 32;
	bits = (int)family;
	if (**at == '/') {
		++*at;
		bits = addr_number(at, (int)family);
	}
	if (bits < 0)
		return -EINVAL;
	n->bits = all - family + (unsigned)bits;
	trusted_count++;
	return 0;
}

int forwarded_trust(const char *value)
{
	trusted_count = 0;
	for (;;) {
		int err = add_network(&value);

		if (err == 0 && *value == 0)
			return 0;
		if (err < 0 || *value++ != ',') {
			trusted_count = 0;
			return -EINVAL;
		}
	}
}

int forwarded_header(const char *value)
{
	standard = strcmp(value, "forwarded") == 0;
	return standard || strcmp(value, "x-forwarded-for") == 0 ? 0 : -EINVAL;
}

static bool is_in(const struct addr *a, const struct network *n)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)&n->addr;
	unsigned bytes = n->bits / 8, rest = n->bits % 8;

	return memcmp(x, y, bytes) == 0 &&
	       (rest == 0 || (x[bytes] ^ y[bytes]) >> (8 - rest) == 0);
}

static bool is_trusted(const struct addr *a)
{
	for (unsigned i = 0; i < trusted_count; i++) {
		if (is_in(a, &trusted[i]))
			return true;
	}
	return false;
}

/* ---- The list --------------------------------------------------------------------- */

struct list {
	unsigned count;                /* element i is at i % HOPS_MAX */
	struct text element[HOPS_MAX];
};

/* Whether each quote has its other: else a client has opened one, to hide what its proxy has
 * appended. */
static bool quotes_close(const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end; p++) {
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return !quoted;
}

static struct text trimmed(struct text t)
{
	while (t.len > 0 && strchr(" \t", t.p[0])) {
		t.p++;
		t.len--;
	}
	while (t.len > 0 && strchr(" \t", t.p[t.len - 1]))
		t.len--;
	return t;
}

/* Empty elements are passed over (RFC 9110 §5.6.1). */
static void split(struct list *l, const char *p, const char *end)
{
	bool quotes = standard && quotes_close(p, end);

	while (p < end) {
		const char *start = p;
		bool quoted = false;
		struct text t;

		for (; p < end && (quoted || *p != ','); p++) {
			if (quoted && *p == '\\' && p + 1 < end)
				p++;
			else if (quotes && *p == '"')
				quoted = !quoted;
		}
		t = trimmed((struct text){start, (size_t)(p - start)});
		if (t.len > 0)
			l->element[l->count++ % HOPS_MAX] = t;
		p++;
	}
}

static void collect(struct request *r, const char *name, struct list *l)
{
	l->count = 0;
	for (unsigned i = 0; i < r->head.count; i++) {
		const struct http_field *f = &r->head.field[i];
		const char *value = (const char *)r->bytes + f->value.at;

		if (http_is(r->bytes, f->name, name))
			split(l, value, value + f->value.len);
	}
}

/* Past a port that has been made unreadable (RFC 7239 §6.3), if it is one. */
static const char *hidden_port(const char *at)
{
	if (standard && *at == '_' && at[1]) {
		while (http_char_is((uint8_t)*at, CHAR_NAME) || (*at && strchr("-.", *at)))
			at++;
	}
	return at;
}

/* An address, "[v6]" or either with a port: false for anything else, as "unknown". */
static bool node(struct text t, struct endpoint *e)
{
	char text[ADDR_TEXT + 8];
	const char *at = text;
	bool bracket;
	int port = 0;

	t = trimmed(t);
	if (t.len == 0 || t.len >= sizeof(text))
		return false;
	memcpy(text, t.p, t.len);
	text[t.len] = 0;
	bracket = *at == '[';
	at += bracket;
	if (strlen(at) != t.len - bracket || addr_parse(&at, &e->addr) < 0 ||
	    (bracket && *at++ != ']'))
		return false;
	if (*at == ':' && (bracket || addr_is_ip4(&e->addr))) {
		const char *hidden = hidden_port(++at);

		if (hidden != at)
			at = hidden;
		else
			port = addr_number(&at, UINT16_MAX);
	}
	e->port = (uint16_t)port;
	return *at == 0 && port >= 0;
}

/* A copy that lives as long as the request; NULL: none. */
static const char *kept(struct request *r, struct text t)
{
	char *copy = t.p ? request_memory(r, t.len + 1) : NULL;

	if (copy) {
		memcpy(copy, t.p, t.len);
		copy[t.len] = 0;
	}
	return copy;
}

static void hop_forwarded(struct request *r, struct text element, struct origin *o)
{
	struct text proto = field_parameter(element, "proto"), host;

	if (proto.p)
		o->secure = proto.len == 5 && strncasecmp(proto.p, "https", 5) == 0;
	host = field_parameter(element, "host");
	if (host.p)
		o->host = kept(r, host);
}

/* What the nearest proxy says, of a field that has one value, or of which the last counts. */
static struct text said(struct request *r, const char *name)
{
	struct list l;

	collect(r, name, &l);
	return l.count ? l.element[(l.count - 1) % HOPS_MAX] : (struct text){NULL, 0};
}

static void hop_x(struct request *r, struct origin *o)
{
	struct text proto = said(r, "x-forwarded-proto"), host = said(r, "x-forwarded-host");

	if (proto.p)
		o->secure = proto.len == 5 && strncasecmp(proto.p, "https", 5) == 0;
	if (host.p)
		o->host = kept(r, host);
}

struct origin request_origin(struct request *r)
{
	struct conn *c = r->run.conn;
	struct origin o = {.host = http_header(r, "Host")};
	struct list l;

	if (!c)
		return o;
	o.client = c->s->peer;
	o.secure = c->s->secure;
	if (!is_trusted(&o.client.addr))
		return o;
	if (!standard)
		hop_x(r, &o);
	collect(r, standard ? "forwarded" : "x-forwarded-for", &l);
	for (unsigned i = l.count; i > 0 && i + HOPS_MAX > l.count; i--) {
		struct text element = l.element[(i - 1) % HOPS_MAX];
		struct endpoint next;

		if (!is_trusted(&o.client.addr))
			break;
		if (standard)
			hop_forwarded(r, element, &o);
		if (!node(standard ? field_parameter(element, "for") : element, &next))
			break;
		o.client = next;
	}
	return o;
}
