/* SPDX-License-Identifier: MIT */
/* Connections of the HTTP client that wait to be used again (RFC 9112 §9.3): at most so many, so
 * many for one host, for less than the five seconds after which the usual servers close them.
 *
 * While there are any, a task watches them: what has become old is closed, and at once what the
 * peer has closed, or sent something on that nobody asked for. */
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/client/impl.h"

#define KEPT_MAX 256u
#define KEPT_HOST_MAX 64u
#define KEPT SECONDS(4)
#define FRESH SECONDS(1)

struct kept {
	struct kept *next;             /* an older one */
	struct sock *s;
	ktime since;
	struct client_host host;
};

static struct pool pool;
static struct kept *newest;
static struct event changed;
static bool watched;

bool client_same_host(const struct client_host *h, const struct url *u)
{
	return h->port == u->port && h->secure == u->secure && h->len == u->host_len &&
	       strncasecmp(h->name, u->host, h->len) == 0;
}

/* Takes *at out of the list. */
static struct sock *take_out(struct kept **at)
{
	struct kept *k = *at;
	struct sock *s = k->s;

	*at = k->next;
	pool_put(&pool, k);
	sock_watch(s, NULL);
	return s;
}

/* Closes those that are of no use any more. Returns when the next one grows old. */
static ktime look(ktime now)
{
	ktime due = FOREVER;

	for (struct kept **at = &newest; *at;) {
		if (now - (*at)->since >= KEPT || sock_ready((*at)->s, SOCK_READ)) {
			sock_close(take_out(at));
		} else {
			due = (*at)->since + KEPT;     /* older ones come later */
			at = &(*at)->next;
		}
	}
	return due;
}

static void watch(void *unused)
{
	ktime due;

	task_limit(FOREVER);
	task_state("kept connections");
	while ((due = look(clock_now())) != FOREVER)
		event_wait(&changed, due);
	watched = false;
}

bool client_keep_less(void)
{
	struct kept **at = &newest;

	if (!*at)
		return false;
	while ((*at)->next)
		at = &(*at)->next;
	sock_close(take_out(at));
	return true;
}

struct sock *client_kept(const struct url *u, bool fresh)
{
	ktime now = clock_now();

	for (struct kept **at = &newest; *at; at = &(*at)->next)
		if (client_same_host(&(*at)->host, u) && !sock_ready((*at)->s, SOCK_READ))
			return fresh && now - (*at)->since > FRESH ? NULL : take_out(at);
	return NULL;
}

void client_keep(struct sock *s, const struct client_host *h)
{
	unsigned same = 0;
	struct kept *k = NULL;

	if (!pool.size)
		pool_init(&pool, "http_client_kept", sizeof(struct kept), KEPT_MAX);
	for (k = newest; k; k = k->next)
		same += k->host.port == h->port && strcasecmp(k->host.name, h->name) == 0;
	if (same < KEPT_HOST_MAX && !sock_ready(s, SOCK_READ) &&
	    (watched || task_spawn("http client", watch, NULL) == 0)) {
		watched = true;
		k = pool_get(&pool);
	}
	if (!k) {
		sock_close(s);
		return;
	}
	*k = (struct kept){ .next = newest, .s = s, .since = clock_now(), .host = *h };
	newest = k;
	sock_watch(s, &changed);
}
