/* SPDX-License-Identifier: MIT */
/* Middleware for net/wsgi.h: each a callable around another, knowing of it nothing but that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/random.h"
#include "net/http/chars.h"
#include "net/wsgi.h"

#define ID_MAX 64
#define SHOWN_MAX 80
#define CREDENTIALS_MAX 256

/* What goes around a start_response: adds a field, or looks at the status. */
struct around {
	struct start start;            /* first */
	struct start *outer;
	struct field field;
};

static void start_with_field(struct start *self, const char *status, const struct field *fields)
{
	struct around *a = (struct around *)self;

	a->field.next = fields;
	start_response(a->outer, status, &a->field);
}

/* ---- Access log --------------------------------------------------------------------- */

struct log {
	struct start start;            /* first */
	struct body body;
	struct start *outer;
	struct body *inner;
	struct environ *env;
	unsigned status;
	size_t bytes;
	ktime began;
};

static void log_start(struct start *self, const char *status, const struct field *fields)
{
	struct log *l = (struct log *)self;

	l->status = (unsigned)strtoul(status, NULL, 10);
	start_response(l->outer, status, fields);
}

static int log_next(struct body *self, const void **data, size_t *len)
{
	struct log *l = container_of(self, struct log, body);
	int more = l->inner ? l->inner->next(l->inner, data, len) : 0;

	if (more == 1)
		l->bytes += *len;
	return more;
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* What a client says, so that it can look like nothing but one word between quotes, or between
 * spaces: log_line() keeps what is not printable away. */
static void shown(char out[SHOWN_MAX + 1], const char *in, const char *never)
{
	size_t n = 0;

	for (; in[n] && n < SHOWN_MAX; n++)
		out[n] = strchr(never, in[n]) ? '?' : in[n];
	out[n] = 0;
}

static void log_close(struct body *self)
{
	struct log *l = container_of(self, struct log, body);
	ktime took = clock_now() - l->began;
	char user[SHOWN_MAX + 1], path[SHOWN_MAX + 1];

	if (l->inner && l->inner->close)
		l->inner->close(l->inner);
	shown(user, or_dash(environ_get(l->env, "REMOTE_USER")), " \"");
	shown(path, l->env->path_info, "\"");
	log_info("%s %s \"%.16s %.80s%s %s\" %u %zu %d.%06d %s", l->env->remote_addr, user,
		 l->env->method, l->env->script_name, path, l->env->protocol, l->status, l->bytes,
		 (int)(took / 1000000000), (int)(took / 1000 % 1000000),
		 or_dash(environ_get(l->env, "REQUEST_ID")));
}

struct body *wsgi_access_log(const struct wsgi *self, struct environ *env, struct start *start)
{
	struct log *l = environ_memory(env, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct log){.start = {log_start}, .body = {log_next, log_close, 0}, .outer = start,
			  .env = env, .began = clock_now()};
	l->inner = wsgi_call(self->inner, env, &l->start);
	if (l->inner)
		l->body.count = l->inner->count;
	return &l->body;
}

/* ---- Request id, timing ------------------------------------------------------------- */

static bool id_ok(const char *id)
{
	size_t len = id ? strlen(id) : 0;

	for (size_t i = 0; i < len; i++) {
		if (!http_char_is((uint8_t)id[i], CHAR_NAME) && !strchr("-.", id[i]))
			return false;
	}
	return len > 0 && len <= ID_MAX;
}

struct body *wsgi_request_id(const struct wsgi *self, struct environ *env, struct start *start)
{
	struct around *a = environ_memory(env, sizeof(*a));
	const char *given = environ_get(env, "HTTP_X_REQUEST_ID");
	char *id = environ_memory(env, ID_MAX + 1);

	if (!a || !id)
		return NULL;
	if (id_ok(given))
		snprintf(id, ID_MAX + 1, "%s", given);
	else
		snprintf(id, ID_MAX + 1, "%08x%08x%08x%08x", (unsigned)random_u32(),
			 (unsigned)random_u32(), (unsigned)random_u32(), (unsigned)random_u32());
	*a = (struct around){{start_with_field}, start, {"X-Request-ID", id, NULL}};
	if (environ_set(env, "REQUEST_ID", id) < 0)
		return NULL;
	return wsgi_call(self->inner, env, &a->start);
}

struct timing {
	struct around around;          /* first */
	ktime began;
	char text[40];
};

static void timing_start(struct start *self, const char *status, const struct field *fields)
{
	struct timing *t = (struct timing *)self;
	ktime took = clock_now() - t->began;

	snprintf(t->text, sizeof(t->text), "app;dur=%d.%03d", (int)(took / 1000000),
		 (int)(took / 1000 % 1000));
	start_with_field(self, status, fields);
}

struct body *wsgi_timing(const struct wsgi *self, struct environ *env, struct start *start)
{
	struct timing *t = environ_memory(env, sizeof(*t));

	if (!t)
		return NULL;
	t->around = (struct around){{timing_start}, start, {"Server-Timing", t->text, NULL}};
	t->began = clock_now();
	return wsgi_call(self->inner, env, &t->around.start);
}

/* ---- Basic authentication ------------------------------------------------------------ */

static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648 §4, strictly: false for anything else, or when it does not fit. */
static bool decode(char *out, size_t room, const char *in)
{
	size_t len = strlen(in), n = 0;
	unsigned bits = 0, have = 0;

	if (len % 4 != 0)
		return false;
	while (len > 0 && in[len - 1] == '=' && strlen(in) - len < 2)
		len--;
	for (size_t i = 0; i < len; i++) {
		int d = digit(in[i]);

		if (d < 0 || n + 1 >= room)
			return false;
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have);
		}
	}
	out[n] = 0;
	return (bits & ((1u << have) - 1)) == 0 && strlen(out) == n;
}

/* "user:password" of the request, taken apart: false without. */
static bool credentials(struct environ *env, char **user, char **password)
{
	const char *field = environ_get(env, "HTTP_AUTHORIZATION");
	char *text = environ_memory(env, CREDENTIALS_MAX), *colon;

	if (!text || !field || strncasecmp(field, "basic ", 6) != 0)
		return false;
	field += 6;
	while (*field == ' ')
		field++;
	if (!decode(text, CREDENTIALS_MAX, field))
		return false;
	colon = strchr(text, ':');
	if (!colon)
		return false;
	*colon = 0;
	for (const char *p = text; *p; p++) {
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			return false;
	}
	*user = text;
	*password = colon + 1;
	return true;
}

struct body *wsgi_basic_auth(const struct wsgi *self, struct environ *env, struct start *start)
{
	const struct wsgi_auth *auth = self->arg;
	char realm[160], *user, *password;

	if (credentials(env, &user, &password) && auth->check(user, password))
		return environ_set(env, "REMOTE_USER", user) < 0 ? NULL :
		       wsgi_call(self->inner, env, start);
	snprintf(realm, sizeof(realm), "Basic realm=\"%s\", charset=\"UTF-8\"", auth->realm);
	start_response(start, "401 Unauthorized",
		       &(struct field){"WWW-Authenticate", realm,
		       &(struct field){"Content-Type", "text/plain", NULL}});
	return wsgi_text(env, "Who are you?\n");
}
