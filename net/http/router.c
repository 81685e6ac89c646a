/* SPDX-License-Identifier: MIT */
/* Routes: a table sorted so that the first that matches is the most specific:
 * where two routes first differ in kind, a literal segment comes before ":name". */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/http/chars.h"
#include "net/router.h"

#define ADMIN_ROUTES_MAX 2

static struct route app_routes[ROUTES_MAX] SEALED, admin_routes[ADMIN_ROUTES_MAX] SEALED;
static unsigned counts[2] SEALED;
static const struct table {
	struct route *routes;
	unsigned max, *count;
} tables[] = {
	{ app_routes, ROUTES_MAX, &counts[false] },
	{ admin_routes, ADMIN_ROUTES_MAX, &counts[true] },
};

/* One segment: from after its "/" up to the next "/" or the end. */
struct segment {
	const char *p, *end;           /* end of the segment; *end is '/' or past the path */
};

static bool segment_first(struct segment *s, const char *path, const char *end)
{
	if (path == end || *path != '/')
		return false;
	s->p = path + 1;
	s->end = memchr(s->p, '/', (size_t)(end - s->p));
	if (!s->end)
		s->end = end;
	return true;
}

static bool is_param(struct segment s)
{
	return s.p < s.end && *s.p == ':';
}

/* True when a percent-encoded segment says the literal. */
static bool literal_is(struct segment lit, struct segment got)
{
	const char *g = got.p;

	for (const char *l = lit.p; l < lit.end; l++, g++) {
		char c;

		if (g == got.end)
			return false;
		c = *g;
		if (c == '%') {
			c = (char)(http_hex((uint8_t)g[1]) << 4 | http_hex((uint8_t)g[2]));
			g += 2;
		}
		if (c != *l)
			return false;
	}
	return g == got.end;
}

bool (*route_types)(const char *type, const char *value, const char **end,
		    const char *last) SEALED;

/* Its type, ":int" of ":name:int", or NULL. */
static const char *type_of(struct segment s)
{
	return memchr(s.p + 1, ':', (size_t)(s.end - s.p - 1));
}

static bool match(const struct route *r, const char *path, size_t len, struct http_slice *param)
{
	const char *end = path + len, *route_end = r->path + strlen(r->path);
	struct segment want, got = {path, path};
	const char *at = r->path;
	unsigned n = 0;

	while (segment_first(&want, at, route_end)) {
		if (!segment_first(&got, got.end, end))
			return false;
		if (is_param(want)) {
			if (got.p == got.end ||
			    (route_types && !route_types(type_of(want), got.p, &got.end, end)))
				return false;
			if (param)
				param[n] = (struct http_slice){(uint16_t)(got.p - path),
							       (uint16_t)(got.end - got.p)};
			n++;
		} else if (!literal_is(want, got)) {
			return false;
		}
		at = want.end;
	}
	return got.end == end;
}

static bool method_is(const struct route *r, const char *method, size_t len)
{
	return strlen(r->method) == len && memcmp(r->method, method, len) == 0;
}

static bool same_text(struct segment a, struct segment b)
{
	return a.end - a.p == b.end - b.p && memcmp(a.p, b.p, (size_t)(a.end - a.p)) == 0;
}

/* In the table's order: 0, a literal; ":name:type", by its first letter; ":name"; ":name:path". */
static int kind(struct segment s)
{
	const char *type;

	if (!is_param(s))
		return 0;
	type = type_of(s);
	return !type ? 0x80 : type[1] == 'p' ? 0xff : type[1];
}

/* The order of the table: by the kinds of the segments, a path before those that go on after it.
 * *same becomes true when a and b match the same paths. */
static int compare(const char *a, const char *b, bool *same)
{
	struct segment sa = {a, a}, sb = {b, b};

	*same = true;
	for (;;) {
		bool more_a = segment_first(&sa, sa.end, a + strlen(a));
		bool more_b = segment_first(&sb, sb.end, b + strlen(b));

		if (!more_a || !more_b) {
			*same = *same && more_a == more_b;
			return more_a - more_b;
		}
		if (kind(sa) != kind(sb)) {
			*same = false;
			return kind(sa) - kind(sb);
		}
		*same = *same && (is_param(sa) || same_text(sa, sb));
	}
}

/* Counts the parameters of a well-formed path; panics on any other. */
static uint8_t check(const char *method, const char *path)
{
	const char *end = path + strlen(path), *at = path;
	struct segment s;
	unsigned params = 0;

	if (*method == 0 || strlen(method) > ROUTE_METHOD_MAX || end - path > ROUTE_PATH_MAX ||
	    *path != '/')
		panic("route: malformed: %s %s", method, path);
	for (const char *m = method; *m; m++) {
		if (*m < 'A' || *m > 'Z')
			panic("route: not a method: %s %s", method, path);
	}
	for (; segment_first(&s, at, end); at = s.end) {
		bool named = is_param(s);

		params += named;
		if ((s.p == s.end && s.end != end) || (named && s.end - s.p == 1) ||
		    params > ROUTE_PARAMS || (named && type_of(s) && !route_types))
			panic("route: malformed: %s %s", method, path);
		for (const char *c = s.p; c < s.end; c++) {
			if (!http_char_is((uint8_t)*c, CHAR_TARGET) || *c == '?' || *c == '%')
				panic("route: malformed: %s %s", method, path);
		}
	}
	return (uint8_t)params;
}

static void add(const struct table *t, struct route r)
{
	unsigned i = *t->count;
	bool same;

	for (unsigned k = 0; k < *t->count; k++) {
		compare(r.path, t->routes[k].path, &same);
		if (same && strcmp(t->routes[k].method, r.method) == 0)
			panic("route: %s %s is already answered by %s", r.method, r.path,
			      t->routes[k].path);
	}
	if (*t->count == t->max)
		panic("route: more than %u", t->max);
	for (; i > 0 && compare(r.path, t->routes[i - 1].path, &same) < 0; i--)
		t->routes[i] = t->routes[i - 1];
	t->routes[i] = r;
	++*t->count;
}

void router_add(const char *method, const char *path, http_handler *fn)
{
	add(&tables[false], (struct route){method, path, fn, check(method, path), false});
}

void router_add_stream(const char *method, const char *path, http_handler *fn)
{
	add(&tables[false], (struct route){method, path, fn, check(method, path), true});
}

void router_add_admin(const char *method, const char *path, http_handler *fn)
{
	add(&tables[true], (struct route){method, path, fn, check(method, path), false});
}

static const struct route *find(const struct table *t, const char *method, size_t method_len,
				const char *path, size_t len, struct http_slice *param)
{
	for (unsigned i = 0; i < *t->count; i++) {
		if (method_is(&t->routes[i], method, method_len) &&
		    match(&t->routes[i], path, len, param))
			return &t->routes[i];
	}
	return NULL;
}

/* CONNECT and TRACE are known to HTTP but to nobody here, unless routed. */
static bool method_known(const struct table *t, const char *method, size_t len)
{
	static const char *const names[] = {"GET",   "HEAD",   "POST",   "PUT",
					    "PATCH", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strlen(names[i]) == len && memcmp(names[i], method, len) == 0)
			return true;
	}
	for (unsigned i = 0; i < *t->count; i++) {
		if (method_is(&t->routes[i], method, len))
			return true;
	}
	return false;
}

const struct route *router_find(bool admin, const char *method, size_t method_len, const char *path,
				size_t len, struct http_slice param[ROUTE_PARAMS],
				unsigned *status)
{
	const struct table *t = &tables[admin];
	const struct route *r = find(t, method, method_len, path, len, param);

	if (!r && method_len == 4 && memcmp(method, "HEAD", 4) == 0)
		r = find(t, "GET", 3, path, len, param);
	if (r)
		return r;
	*status = 404;
	if (!method_known(t, method, method_len))
		*status = 501;
	for (unsigned i = 0; *status == 404 && i < *t->count; i++) {
		if (match(&t->routes[i], path, len, NULL))
			*status = 405;
	}
	return NULL;
}

/* Adds a method to a list unless it is there or does not fit. */
static size_t allow_add(char *out, size_t n, const char *method)
{
	size_t len = strlen(method);

	for (size_t i = 0; i + len <= n; i++) {
		bool starts = i == 0 || out[i - 1] == ' ',
		     ends = i + len == n || out[i + len] == ',';

		if (starts && ends && memcmp(out + i, method, len) == 0)
			return n;
	}
	if (n + len + 2 > ROUTER_ALLOW_MAX)
		return n;
	if (n) {
		memcpy(out + n, ", ", 2);
		n += 2;
	}
	memcpy(out + n, method, len);
	return n + len;
}

size_t router_allow(bool admin, const char *path, size_t len, char out[ROUTER_ALLOW_MAX])
{
	const struct table *t = &tables[admin];
	size_t n = 0;

	for (unsigned i = 0; i < *t->count; i++) {
		if (path && !match(&t->routes[i], path, len, NULL))
			continue;
		n = allow_add(out, n, t->routes[i].method);
		if (strcmp(t->routes[i].method, "GET") == 0)
			n = allow_add(out, n, "HEAD");
	}
	return n || !path ? allow_add(out, n, "OPTIONS") : 0;
}

int route_param(const struct route *r, const char *name)
{
	const char *end = r->path + strlen(r->path), *at = r->path;
	struct segment s;
	int n = 0;

	for (; segment_first(&s, at, end); at = s.end) {
		if (!is_param(s))
			continue;
		const char *type = type_of(s), *name_end = type ? type : s.end;

		if (strlen(name) == (size_t)(name_end - s.p - 1) &&
		    memcmp(s.p + 1, name, strlen(name)) == 0)
			return n;
		n++;
	}
	return -ENOENT;
}

void router_clear(void)
{
	counts[false] = counts[true] = 0;
}
