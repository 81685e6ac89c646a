/* SPDX-License-Identifier: MIT */
/* Handshakes: one task takes them forward, one at a time, whenever a peer has sent something.
 *
 * A client that has sent nothing yet costs no more than its connection. At most `slots`
 * handshakes hold memory at once; further ones wait, and when some do, the one whose peer has
 * been silent for longest goes, after a grace. Each must be over within
 * https.handshake_timeout. Those that we begin have slots of their own, so that neither kind can
 * take the other's.
 *
 * Outside: a session's state changes here and in session.c only; the task lets others run
 * between and within steps, and `busy` is not freed meanwhile. */
#include <ssl_misc.h>

#include <mbedtls/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/image.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/task.h"
#include "net/net.h"
#include "net/tls.h"
#include "net/tls/impl.h"

#define STALLED MILLIS(500)
#define SERVER_STALLED SECONDS(1)
/* Each of those that we begin keeps a key in one of PSA's slots, of which some are left. */
#define OURS_MAX (MBEDTLS_PSA_KEY_SLOT_COUNT * 3u / 4)
#define SWEEP_EVERY MILLIS(250)
#define ENTROPY_EVERY SECONDS(1)
#define ADDRESS_EVERY MILLIS(20)
#define IDENTITY_MAX 256

const size_t image_deep_stack = BUDGET_TLS_STACK;

struct lobby {
	struct sessions waiting, shaking;          /* the longest silent first */
	unsigned slots, slots_used, turned_away;   /* turned_away: wait for a slot */
	ktime patience;                            /* with one that is silent, when others wait */
};
static struct lobby clients = {
	.waiting = TAILQ_HEAD_INITIALIZER(clients.waiting),
	.shaking = TAILQ_HEAD_INITIALIZER(clients.shaking),
	.patience = STALLED,
};
static struct lobby servers = {
	.waiting = TAILQ_HEAD_INITIALIZER(servers.waiting),
	.shaking = TAILQ_HEAD_INITIALIZER(servers.shaking),
	.patience = SERVER_STALLED,
};
static struct sessions queue = TAILQ_HEAD_INITIALIZER(queue);
static struct session *busy;
static struct event wake;
static ktime sweep_at = FOREVER;
static bool running;                   /* the task is, maybe for sessions of ours alone */
static bool listening;

/* ---- Lists ------------------------------------------------------------------------------- */

/* Where those of its peer's kind are. */
static struct lobby *lobby_of(const struct session *s)
{
	return session_is_client(s) ? &servers : &clients;
}

static void queue_up(struct session *s)
{
	if (s->flags & SESSION_QUEUED)
		return;
	s->flags |= SESSION_QUEUED;
	TAILQ_INSERT_TAIL(&queue, s, in_queue);
	event_signal(&wake);
}

void handshake_enter(struct session *s, ktime now)
{
	s->moved = now;
	s->state = SESSION_WAITING;
	TAILQ_INSERT_TAIL(&lobby_of(s)->waiting, s, in_state);
	if (sweep_at == FOREVER) {
		sweep_at = now + SWEEP_EVERY;
		event_signal(&wake);
	}
	if (session_is_client(s))
		queue_up(s);           /* it speaks first */
}

void handshakes_wake(void)
{
	event_signal(&wake);
}

void handshake_ready(struct session *s)
{
	s->moved = clock_now();
	queue_up(s);
}

/* A slot is free: those that wait for one, the oldest first. */
static void let_in(struct lobby *l)
{
	struct session *s;

	if (l->turned_away == 0)
		return;
	TAILQ_FOREACH(s, &l->waiting, in_state)
		if (session_is_client(s) || stream_available(s->lower) > 0 ||
		    stream_ended(s->lower))
			queue_up(s);
	l->turned_away = 0;
}

void handshake_leave(struct session *s)
{
	struct lobby *l = lobby_of(s);

	if (s->flags & SESSION_QUEUED)
		TAILQ_REMOVE(&queue, s, in_queue);
	s->flags &= (uint8_t)~SESSION_QUEUED;
	if (s->state == SESSION_WAITING) {
		TAILQ_REMOVE(&l->waiting, s, in_state);
		return;
	}
	TAILQ_REMOVE(&l->shaking, s, in_state);
	l->slots_used--;
	if (s->credentials)
		credentials_release(s->credentials);
	s->credentials = NULL;
	let_in(l);
}

bool handshake_lets_go(struct session *s)
{
	if (s == busy) {
		s->flags |= SESSION_DOOMED;
		return false;
	}
	handshake_leave(s);
	return true;
}

/* The first that is not being worked at. */
static struct session *first_of(struct sessions *list)
{
	struct session *s = TAILQ_FIRST(list);

	return s && s == busy ? TAILQ_NEXT(s, in_state) : s;
}

/* Its peer has been silent, and nobody here keeps it waiting. */
static bool is_stalled(const struct session *s)
{
	if (!s || s->flags & SESSION_QUEUED)
		return false;
	if (s->state == SESSION_WAITING && stream_available(s->lower) > 0)
		return false;
	return clock_now() - s->moved >= lobby_of(s)->patience;
}

bool handshake_drop_stalled(void)
{
	struct session *s = first_of(&clients.shaking), *idle = first_of(&clients.waiting);

	if (!is_stalled(s) || (is_stalled(idle) && idle->moved < s->moved))
		s = idle;
	if (!is_stalled(s))
		return false;
	tls_counters[TLS_STALLED].n++;
	session_abort(s);
	return true;
}

/* ---- One handshake -------------------------------------------------------------------------- */

/* Its peer takes too long. */
static void drop(struct session *s, unsigned counter)
{
	if (session_is_client(s))
		tls_client->lost(s, -ETIMEDOUT);
	else
		tls_counters[counter].n++;
	session_lose(s, -ETIMEDOUT);
	session_abort(s);
}

static bool take_slot(struct session *s)
{
	struct lobby *l = lobby_of(s);

	if (l->slots_used == l->slots) {
		struct session *stalled = first_of(&l->shaking);

		if (!is_stalled(stalled)) {
			l->turned_away++;
			return false;
		}
		drop(stalled, TLS_STALLED);
	}
	TAILQ_REMOVE(&l->waiting, s, in_state);
	s->state = SESSION_SHAKING;
	TAILQ_INSERT_TAIL(&l->shaking, s, in_state);
	l->slots_used++;
	if (!session_is_client(s))
		s->credentials = credentials_hold();
	return true;
}

/* Who the client is, as its certificate says: 0; -EACCES: it gave one that is not good. */
static int identify(struct session *s)
{
	const mbedtls_x509_crt *peer = mbedtls_ssl_get_peer_cert(&s->ssl);
	char name[IDENTITY_MAX];
	int len;

	if (session_is_client(s))
		return tls_client->check(s);
	if (!peer)
		return 0;
	if (mbedtls_ssl_get_verify_result(&s->ssl) != 0)
		return -EACCES;
	len = mbedtls_x509_dn_gets(name, sizeof(name), &peer->subject);
	if (len < 0 || !(s->identity = malloc((size_t)len + 1)))
		return -ENOMEM;
	memcpy(s->identity, name, (size_t)len + 1);
	return 0;
}

static void fail(struct session *s, int err)
{
	char text[80];

	if (session_is_client(s)) {
		session_lose(s, tls_client->failed(s, err));
	} else {
		tls_counters[TLS_FAILED].n++;
		mbedtls_strerror(err, text, sizeof(text));
		log_debug("tls: handshake failed: -0x%04x %s", (unsigned)-err, text);
	}
	session_close(s);
}

static int set_up(struct session *s)
{
	int err;

	if (session_is_client(s))
		return tls_client->set_up(s);
	err = mbedtls_ssl_setup(&s->ssl, server_config(s->stream.admin));
	mbedtls_ssl_set_user_data_p(&s->ssl, s->credentials);
	return err;
}

/* From where it is to where it needs the peer, or is over, tickets included: 0, or an error of
 * mbedTLS. */
static int shake(struct session *s)
{
	int err = 0;

	if (!(s->flags & SESSION_SET_UP)) {
		s->flags |= SESSION_SET_UP;
		err = set_up(s);
	}
	while (err == 0 && s->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER && s->lower) {
		err = mbedtls_ssl_handshake_step(&s->ssl);
		tls_breathe();
	}
	return err;
}

static void step(struct session *s)
{
	struct lobby *l = lobby_of(s);
	int err;

	if (s->state == SESSION_WAITING && !take_slot(s))
		return;
	busy = s;
	err = shake(s);
	busy = NULL;
	TAILQ_REMOVE(&l->shaking, s, in_state);
	TAILQ_INSERT_TAIL(&l->shaking, s, in_state);
	if (s->flags & SESSION_DOOMED) {
		session_abort(s);
	} else if (err == MBEDTLS_ERR_SSL_WANT_READ || err == MBEDTLS_ERR_SSL_WANT_WRITE) {
		s->moved = clock_now();
		if (session_is_client(s))
			tls_client->expect(s);
	} else if (err != 0) {
		fail(s, err);
	} else if (identify(s) < 0) {
		fail(s, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
	} else {
		if (!session_is_client(s))
			tls_counters[TLS_HANDSHAKES].n++;
		handshake_leave(s);
		session_open(s);
	}
}

/* ---- The task -------------------------------------------------------------------------------- */

/* Ends those whose time is up. */
static void sweep_list(struct sessions *list, ktime born_by)
{
	struct session *s = TAILQ_FIRST(list), *next;

	for (; s; s = next) {
		next = TAILQ_NEXT(s, in_state);
		if (s == busy || s->born > born_by)
			continue;
		drop(s, TLS_TIMEOUTS);
	}
}

/* True when nobody is left in it. */
static bool sweep_lobby(struct lobby *l, ktime born_by)
{
	sweep_list(&l->waiting, born_by);
	sweep_list(&l->shaking, born_by);
	let_in(l);
	return TAILQ_EMPTY(&l->waiting) && TAILQ_EMPTY(&l->shaking);
}

static void sweep(ktime now)
{
	ktime born_by = now - SECONDS(tls_settings.handshake_timeout);
	bool empty;

	if (now < sweep_at)
		return;
	empty = sweep_lobby(&clients, born_by);
	if (BUDGET_TLS_CLIENT && tls_client)
		empty &= sweep_lobby(&servers, born_by);
	sweep_at = empty ? FOREVER : now + SWEEP_EVERY;
}

/* Serves a port, unless err says why it cannot be. */
static void listen_on(const char *what, uint32_t port, int err)
{
	if (err == 0)
		err = stream_listen((uint16_t)port, &session_ops);
	if (err < 0)
		log_error("%s: port %u is not served, error %d", what, (unsigned)port, -err);
	else
		log_info("%s: port %u", what, (unsigned)port);
}

static void listen(void)
{
	int err = server_start();

	listening = true;
	if (err == 0)
		err = credentials_start();
	if (tls_settings.port)
		listen_on("https", tls_settings.port, err);
	if (tls_settings.admin_port)
		listen_on("admin", tls_settings.admin_port, err ? err : server_start_admin());
}

static void wait_for_entropy(void)
{
	if (random_ready())
		return;
	log_warn("https: not served until there is enough entropy for keys");
	task_state("entropy");
	while (!random_ready())
		task_sleep(clock_now() + ENTROPY_EVERY);
}

/* Keys are made when there is somebody to reach: the first address comes sooner. */
static void wait_for_address(void)
{
	task_state("address");
	while (!net_up())
		task_sleep(clock_now() + ADDRESS_EVERY);
}

static bool is_on(void)
{
	return tls_settings.port || tls_settings.admin_port;
}

static void run(void *unused)
{
	wait_for_address();
	wait_for_entropy();
	tls_breathe_here();
	task_state("handshakes");
	for (;;) {
		struct session *s = TAILQ_FIRST(&queue);

		if (session_protocol && !listening) {
			listen();
		} else if (credentials_gone()) {
			task_wipe_stack();
		} else if (s) {
			TAILQ_REMOVE(&queue, s, in_queue);
			s->flags &= (uint8_t)~SESSION_QUEUED;
			step(s);
			net_kick();
			tls_breathe();
		} else {
			event_wait(&wake, sweep_at);
		}
		sweep(clock_now());
	}
}

static bool was_on;                    /* when memory was given out */

void tls_init(void)
{
	was_on = is_on();
	if (!was_on)
		return;
	sessions_init();
	if (tls_settings.admin_port)
		admin_init();
}

void tls_start(const struct stream_ops *ops)
{
	if (is_on() && !was_on) {
		log_error("https: was off at boot, and stays so");
		tls_settings.port = 0;
	}
	if (!is_on())
		return;
	session_protocol = ops;
	event_signal(&wake);
	if (handshakes_start() < 0)
		panic("no task for TLS");
}

int handshakes_start(void)
{
	if (running)
		return 0;
	tls_memory_limit(MAX(mem_heap().size / 2, (size_t)BUDGET_TLS_MEMORY_MIN));
	clients.slots = BUDGET_TLS_HANDSHAKES(mem_total());
	if (BUDGET_TLS_CLIENT)
		servers.slots = MIN(clients.slots, OURS_MAX);
	running = task_spawn_deep("tls", run, NULL) == 0;
	return running ? 0 : -ENOMEM;
}
