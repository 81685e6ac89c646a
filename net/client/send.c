/* SPDX-License-Identifier: MIT */
/* Requests as they are sent: RFC 9112 §3, RFC 9110 §7.2, §8.6, §9.2.2, §15.4. */
#include "net/client/impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/http/chars.h"

#define WITH_HEAD_MAX 1024u            /* a body up to this goes into the head's segment */

static bool all(const char *text, unsigned classes)
{
	while (http_char_is((uint8_t)*text, classes))
		text++;
	return *text == 0;
}

static bool one_of(const char *word, const char *const list[], unsigned n, bool any_case)
{
	for (unsigned i = 0; i < n; i++)
		if (any_case ? strcasecmp(word, list[i]) == 0 : strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* Fields that say where the head or the body ends, or for whom it is: ours to say. */
static bool reserved(const char *name)
{
	static const char *const names[] = {
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade",
	};

	return one_of(name, names, ARRAY_LEN(names), true);
}

static bool is_credential(const char *name)
{
	static const char *const names[] = { "Authorization", "Cookie", "Proxy-Authorization" };

	return one_of(name, names, ARRAY_LEN(names), true);
}

static void set_method(struct client_ask *a, const char *method)
{
	static const char *const with_body[] = { "POST", "PUT", "PATCH" };
	static const char *const idempotent[] = {
		"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE",
	};

	a->method = method;
	a->has_body = a->body || one_of(method, with_body, ARRAY_LEN(with_body), false);
	a->idempotent = one_of(method, idempotent, ARRAY_LEN(idempotent), false);
	a->head_only = strcmp(method, "HEAD") == 0;
}

int client_ask_first(struct client_ask *a, const struct client_request *q)
{
	*a = (struct client_ask){
		.fields = q->fields, .body = q->body, .body_len = q->body ? q->body_len : 0,
	};
	set_method(a, q->method ? q->method : "GET");
	if (!*a->method || !all(a->method, CHAR_TOKEN))
		return -EINVAL;
	for (const char *const *f = q->fields; f && f[0]; f += 2)
		if (!*f[0] || !all(f[0], CHAR_TOKEN) || !all(f[1], CHAR_VALUE) || reserved(f[0]))
			return -EINVAL;
	return 0;
}

void client_ask_again(struct client_ask *a, unsigned status)
{
	bool post = strcmp(a->method, "POST") == 0;

	if ((status == 303 && !a->head_only) || ((status == 301 || status == 302) && post)) {
		a->body = NULL;
		a->body_len = 0;
		set_method(a, "GET");
	}
}

struct text {
	char *p;
	size_t len, cap;
};

static void add(struct text *t, const char *bytes, size_t n)
{
	if (n > 0 && t->len + n <= t->cap)
		memcpy(t->p + t->len, bytes, n);
	t->len += n;
}

static void add_field(struct text *t, const char *name, const char *value, size_t len)
{
	add(t, name, strlen(name));
	add(t, ": ", 2);
	add(t, value, len);
	add(t, "\r\n", 2);
}

static bool given(const struct client_ask *a, const char *name)
{
	for (const char *const *f = a->fields; f && f[0]; f += 2)
		if (strcasecmp(f[0], name) == 0)
			return true;
	return false;
}

static void add_head(struct text *t, const struct client_ask *a)
{
	const struct url *u = a->url;
	char number[24];
	int n = snprintf(number, sizeof(number), "%zu", a->body_len);

	add(t, a->method, strlen(a->method));
	add(t, " /", u->target_len > 0 && *u->target == '/' ? 1 : 2);
	add(t, u->target, u->target_len);
	add(t, " HTTP/1.1\r\n", 11);
	add_field(t, "Host", u->authority, u->authority_len);
	if (!given(a, "User-Agent"))
		add_field(t, "User-Agent", "zeitkern", 8);
	if (!given(a, "Accept"))
		add_field(t, "Accept", "*/*", 3);
	if (a->has_body)
		add_field(t, "Content-Length", number, (size_t)n);
	for (const char *const *f = a->fields; f && f[0]; f += 2)
		if (!(a->foreign && is_credential(f[0])) &&
		    (a->has_body || strcasecmp(f[0], "Content-Type") != 0))
			add_field(t, f[0], f[1], strlen(f[1]));
	add(t, "\r\n", 2);
}

int client_send(struct sock *s, const struct client_ask *a, ktime deadline)
{
	struct text t = { 0 };
	size_t with = a->body_len <= WITH_HEAD_MAX ? a->body_len : 0;
	int err;

	add_head(&t, a);               /* measures */
	t.cap = t.len + with;
	t.len = 0;
	t.p = malloc(t.cap);
	if (!t.p)
		return -ENOMEM;
	add_head(&t, a);
	add(&t, a->body, with);
	err = sock_write(s, t.p, t.len, deadline);
	mem_wipe(t.p, t.len);          /* there may be a password in it */
	free(t.p);
	if (err < 0 || with == a->body_len)
		return err;
	return sock_write(s, a->body, a->body_len, deadline);
}
