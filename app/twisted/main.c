/* SPDX-License-Identifier: MIT */
/* Requests that hold no stack: the counterpart of tests/apps/twisted_app.py. Each waits for a
 * deferred, whose last link answers and gives the request's record back to its pool. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "kernel/mem.h"
#include "net/reactor.h"
#include "net/resource.h"

#define LATER_MS 10

static char addr[ADDR_TEXT] = "127.0.0.1";
static uint32_t port = 7, timeout_ms = 1000;
SETTINGS(TEXT_SETTING("backend.addr", addr, "an address"),
	 NUMBER_SETTING("backend.port", port, 1, 65535, "a port, 1 to 65535"),
	 NUMBER_SETTING("backend.timeout", timeout_ms, 1, 600000, "milliseconds, 1 to 600000"));

struct asked {                         /* begins what each kind of request keeps */
	struct pool *pool;
	struct later *later;
	struct deferred *d;
	struct deferred_link last;
	void (*answer)(struct asked *a, struct response *res);
	int n;
};
struct waiting { struct asked asked; struct delay delay; };
struct chain { struct asked asked; struct deferred d; struct delay delay;
	       struct deferred_link links[3]; };
struct line { struct asked asked; struct deferred d; struct timeout timeout;
	      struct connection conn; char text[64]; size_t len; };
static struct pool waits, chains, lines;
static unsigned cancelled;

static int done(void *arg, void **value)
{
	struct asked *a = arg;
	struct response *res = later_answer(a->later);

	if (res) {
		a->answer(a, res);
		later_send(a->later);
	}
	pool_put(a->pool, a);
	return DEFERRED_GONE;
}

static int undone(void *arg, int error, void **value)
{
	struct asked *a = arg;
	struct response *res = error == -ECANCELED ? NULL : later_answer(a->later);

	if (res) {
		status(res, error == -ETIMEDOUT ? 504 : 502);
		later_send(a->later);
	} else if (error == -ECANCELED) {
		cancelled++;
		later_drop(a->later);
	}
	pool_put(a->pool, a);
	return DEFERRED_GONE;
}

static void gone(void *arg)
{
	deferred_cancel(((struct asked *)arg)->d);
}

/* A record for a request, or NULL, and it is answered. */
static void *ask(struct pool *pool, struct request *req, struct response *res,
		 void (*answer)(struct asked *a, struct response *res))
{
	struct asked *a = pool_get(pool);

	if (!a)
		status(res, 503);
	else
		*a = (struct asked){ pool, request_later(req, gone, a), .answer = answer };
	if (!a || a->later)
		return a;
	pool_put(pool, a);
	return NULL;
}

static void finish(struct asked *a, struct deferred *d)
{
	a->d = d;
	deferred_add(d, &a->last, done, undone, a);
}

/* ---- /wait/MS: a timer ----------------------------------------------------------- */

static void say_waited(struct asked *a, struct response *res) { json(res, "{ waited: %d }", a->n); }

static void get_wait(struct resource *r, struct request *req, struct response *res)
{
	struct waiting *w = ask(&waits, req, res, say_waited);

	if (!w)
		return;
	w->asked.n = atoi(resource_segment(req, 1));
	delay_start(&w->delay, clock_after_ms(w->asked.n));
	finish(&w->asked, &w->delay.d);
}

/* ---- /chain/N: an error on the way, a deferred as a result -------------------------- */

static void say_value(struct asked *a, struct response *res) { json(res, "{ value: %d }", a->n); }

static int halve(void *arg, void **value)
{
	struct asked *a = arg;

	if (a->n % 2)
		return -EDOM;
	a->n /= 2;
	return 0;
}

static int recover(void *arg, int error, void **value)
{
	((struct asked *)arg)->n = -1;
	return error == -EDOM ? 0 : error;
}

static int add_later(void *arg, void **value)
{
	struct chain *c = arg;

	c->asked.n++;
	delay_start(&c->delay, clock_after_ms(LATER_MS));
	*value = &c->delay.d;
	return DEFERRED_WAIT;
}

static void get_chain(struct resource *r, struct request *req, struct response *res)
{
	struct chain *c = ask(&chains, req, res, say_value);

	if (!c)
		return;
	c->asked.n = atoi(resource_segment(req, 1));
	deferred_init(&c->d, NULL);
	deferred_add(&c->d, &c->links[0], halve, NULL, c);
	deferred_add(&c->d, &c->links[1], NULL, recover, c);
	deferred_add(&c->d, &c->links[2], add_later, NULL, c);
	finish(&c->asked, &c->d);
	deferred_fire(&c->d, NULL);
}

/* ---- /line/WORD: a connection, and a timeout ------------------------------------------ */

static void say_line(struct asked *a, struct response *res)
{
	json(res, "{ line: %s }", ((struct line *)a)->text);
}

static void line_made(struct connection *conn)
{
	struct line *l = container_of(conn, struct line, conn);

	connection_write(conn, l->text, l->len);        /* there is room: it is the first */
	l->len = 0;
}

static void line_received(struct connection *conn, const void *data, size_t len)
{
	struct line *l = container_of(conn, struct line, conn);
	const char *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end - (const char *)data) : len;

	if (n >= sizeof(l->text) - l->len) {
		connection_abort(conn);
		deferred_fail(&l->d, -EMSGSIZE);
		return;
	}
	memcpy(l->text + l->len, data, n);
	l->text[l->len += n] = '\0';
	if (end) {
		connection_close(conn);
		deferred_fire(&l->d, NULL);
	}
}

static void line_lost(struct connection *conn, int why)
{
	deferred_fail(&container_of(conn, struct line, conn)->d, why ? why : -ECONNRESET);
}

static const struct protocol line_protocol = { line_made, line_received, .lost = line_lost };

static void line_cancel(struct deferred *d)
{
	connection_abort(&container_of(d, struct line, d)->conn);
}

static void get_line(struct resource *r, struct request *req, struct response *res)
{
	struct endpoint to = { .port = (uint16_t)port };
	const char *text = addr;
	struct line *l = ask(&lines, req, res, say_line);
	int err;

	if (!l)
		return;
	l->len = (size_t)snprintf(l->text, sizeof(l->text), "%s\r\n", resource_segment(req, 1));
	deferred_init(&l->d, line_cancel);
	timeout_start(&l->timeout, &l->d, clock_after_ms(timeout_ms));
	finish(&l->asked, &l->d);
	if ((err = addr_parse(&text, &to.addr)) == 0)
		err = connection_open(&l->conn, &to, &line_protocol);
	if (err < 0)
		deferred_fail(&l->d, err);
}

/* ---- The tree ------------------------------------------------------------------------- */

static void get_root(struct resource *r, struct request *req, struct response *res)
{
	unsigned waiting = waits.used + chains.used + lines.used;

	json(res, "{ waiting: %u, cancelled: %u }", waiting, cancelled);
}

static struct resource a_wait = { .get = get_wait }, a_chain = { .get = get_chain };
static struct resource a_line = { .get = get_line };

static struct resource *child(struct resource *r, struct request *req, const char *name)
{
	bool digits = strspn(name, "0123456789") == strlen(name) && strlen(name) < 6;

	if (r->name[0] == 'l')
		return strlen(name) < 60 ? &a_line : NULL;
	return !digits ? NULL : r->name[0] == 'w' ? &a_wait : &a_chain;
}

static struct resource root = { .get = get_root };
static struct resource tree[] = { { .name = "wait", .child = child },
				  { .name = "chain", .child = child },
				  { .name = "line", .child = child } };

void app_main(void)
{
	reactor_init();
	pool_init(&waits, "app_waits", sizeof(struct waiting), stream_max());
	pool_init(&chains, "app_chains", sizeof(struct chain), stream_max());
	pool_init(&lines, "app_lines", sizeof(struct line), stream_max());
	for (unsigned i = 0; i < ARRAY_LEN(tree); i++)
		resource_add(&root, &tree[i]);
	resource_serve(&root);
}
