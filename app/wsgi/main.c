/* SPDX-License-Identifier: MIT */
/* A gateway application with middleware; tests/apps/wsgi_app.py is the same in Python. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "net/wsgi.h"

#define FIELDS(type) (&(struct field){ "Content-Type", type, NULL })

SETTINGS(FORWARDED_SETTINGS, DEADLINE_SETTING);

/* What the environment says, a line for each that was asked for: ?HTTP_HOST&PATH_INFO */
static struct body *show(struct environ *env, struct start *start)
{
	char *text = environ_memory(env, 2048);
	size_t n = 0;

	start_response(start, "200 OK", FIELDS("text/plain"));
	for (const char *key = env->query_string; text && *key; key += strspn(key, "&")) {
		char name[64];
		const char *value;

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(key, "&"), key);
		value = environ_get(env, name);
		n += (size_t)snprintf(text + n, 2048 - n, "%s=%s\n", name, value ? value : "");
		if (n >= 2048)
			return wsgi_text(env, "too long\n");
		key += strcspn(key, "&");
	}
	return text ? wsgi_bytes(env, text, n) : NULL;
}

/* The request's body in capitals, as it comes. */
struct upper {
	struct body body;
	struct environ *env;
	char piece[2000];
};

static int next_upper(struct body *self, const void **data, size_t *len)
{
	struct upper *u = (struct upper *)self;
	long n = environ_read(u->env, u->piece, sizeof(u->piece));

	for (long i = 0; i < n; i++)
		u->piece[i] = (char)toupper((unsigned char)u->piece[i]);
	*data = u->piece;
	*len = n > 0 ? (size_t)n : 0;
	return n < 0 ? (int)n : n > 0;
}

static struct body *upper(struct environ *env, struct start *start)
{
	struct upper *u = environ_memory(env, sizeof(*u));

	start_response(start, "200 OK", FIELDS("text/plain"));
	if (!u)
		return NULL;
	u->body = (struct body){ .next = next_upper };
	u->env = env;
	return &u->body;
}

/* How long the request's body is, read to its end before the answer begins. */
static struct body *length(struct environ *env, struct start *start)
{
	char piece[2000], *text = environ_memory(env, 24);
	long n, sum = 0;

	while ((n = environ_read(env, piece, sizeof(piece))) > 0)
		sum += n;
	start_response(start, n < 0 ? "400 Bad Request" : "200 OK", FIELDS("text/plain"));
	if (!text)
		return NULL;
	snprintf(text, 24, "%ld\n", sum);
	return wsgi_text(env, text);
}

static struct body *application(const struct wsgi *self, struct environ *env, struct start *start)
{
	if (strcmp(env->path_info, "/environ") == 0)
		return show(env, start);
	if (strcmp(env->path_info, "/upper") == 0 && strcmp(env->method, "POST") == 0)
		return upper(env, start);
	if (strcmp(env->path_info, "/length") == 0)
		return length(env, start);
	if (strcmp(env->path_info, "/") != 0) {
		start_response(start, "404 Not Found", FIELDS("text/plain"));
		return wsgi_text(env, "Nothing here\n");
	}
	start_response(start, "200 OK", FIELDS("text/plain"));
	return wsgi_text(env, "Hello, world!\n");
}

/* Middleware of our own: counts the requests. */
static unsigned count;

static struct body *counted(const struct wsgi *self, struct environ *env, struct start *start)
{
	char *text = environ_memory(env, 12);

	if (!text)
		return NULL;
	snprintf(text, 12, "%u", ++count);
	environ_set(env, "zeitkern.count", text);
	return wsgi_call(self->inner, env, start);
}

static bool is_user(const char *user, const char *password)
{
	return strcmp(user, "ann") == 0 && strcmp(password, "open sesame") == 0;
}

static const struct wsgi_auth auth = { "the vault", is_user };
static const struct wsgi app = { .call = application },
	count_app = { .call = counted, .inner = &app },
	timed = { .call = wsgi_timing, .inner = &count_app },
	named = { .call = wsgi_request_id, .inner = &timed },
	logged = { .call = wsgi_access_log, .inner = &named };
static const struct wsgi vault = { .call = wsgi_basic_auth, .inner = &app, .arg = &auth },
	named_vault = { .call = wsgi_request_id, .inner = &vault },
	logged_vault = { .call = wsgi_access_log, .inner = &named_vault };

void app_main(void)
{
	wsgi_mount("/", &logged);
	wsgi_mount("/vault", &logged_vault);
}
