/* SPDX-License-Identifier: MIT */
/* A gateway application with middleware; tests/apps/wsgi_app.py is the same in Python. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static struct body *number(struct environ *env, long n)
{
	char *text = environ_memory(env, 24);

	if (!text)
		return NULL;
	snprintf(text, 24, "%ld\n", n);
	return wsgi_text(env, text);
}

/* How long the request's body is, read to its end before the answer begins. */
static struct body *length(struct environ *env, struct start *start)
{
	char piece[2000];
	long n, sum = 0;

	while ((n = environ_read(env, piece, sizeof(piece))) > 0)
		sum += n;
	start_response(start, n < 0 ? "400 Bad Request" : "200 OK", FIELDS("text/plain"));
	return number(env, sum);
}

/* As many lines as the query says, then, with a "!" after that, an error. */
struct lines {
	struct body body;
	const char *words;
	long at;
	char piece[24];
};
static long closed;

static int next_line(struct body *self, const void **data, size_t *len)
{
	struct lines *l = (struct lines *)self;

	if (l->at == atol(l->words))
		return strchr(l->words, '!') ? -EIO : 0;
	*len = (size_t)snprintf(l->piece, sizeof(l->piece), "%ld\n", l->at++);
	*data = l->piece;
	return 1;
}

static void close_lines(struct body *self)
{
	closed++;
}

static struct body *lines(struct environ *env, struct start *start)
{
	struct lines *l = environ_memory(env, sizeof(*l));

	start_response(start, "200 OK", FIELDS("text/plain"));
	if (!l)
		return NULL;
	l->body = (struct body){ .next = next_line, .close = close_lines };
	l->words = env->query_string;
	l->at = 0;
	return &l->body;
}

/* How many of these have been closed. */
static struct body *show_closed(struct environ *env, struct start *start)
{
	start_response(start, "200 OK", FIELDS("text/plain"));
	return number(env, closed);
}

static struct body *application(const struct wsgi *self, struct environ *env, struct start *start)
{
	if (strcmp(env->path_info, "/environ") == 0)
		return show(env, start);
	if (strcmp(env->path_info, "/upper") == 0 && strcmp(env->method, "POST") == 0)
		return upper(env, start);
	if (strcmp(env->path_info, "/length") == 0)
		return length(env, start);
	if (strcmp(env->path_info, "/lines") == 0)
		return lines(env, start);
	if (strcmp(env->path_info, "/closed") == 0)
		return show_closed(env, start);
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
