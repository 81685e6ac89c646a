/* SPDX-License-Identifier: MIT */
/* What the files of net/tls share and nobody else sees. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <mbedtls/ssl.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "net/stream.h"

/* ---- Settings and counts: settings.c ------------------------------------------ */

enum client_auth { CLIENT_NONE, CLIENT_OPTIONAL, CLIENT_REQUIRED };

struct tls_settings {
	uint32_t port;                 /* 0: none */
	uint32_t admin_port;           /* the same */
	uint32_t handshake_timeout;    /* seconds */
	uint32_t client_auth;
};
extern struct tls_settings tls_settings;

enum {
	TLS_HANDSHAKES, TLS_RESUMED, TLS_FAILED, TLS_TIMEOUTS, TLS_STALLED, TLS_REFUSED,
	TLS_EVICTED, TLS_BROKEN, TLS_NO_MEMORY, TLS_COUNTS,
};
extern struct counter tls_counters[TLS_COUNTS];

/* ---- Memory: memory.c ----------------------------------------------------------- */

/* From here on mbedTLS may have `bytes` of the heap; what it gets beyond is NULL. */
void tls_memory_limit(size_t bytes);

/* ---- Random bytes: drbg.c ------------------------------------------------------- */

/* The generator of all of TLS, CTR-DRBG (SP 800-90A §10.2.1); mbedTLS's signature. Seeds itself
 * at first, and anew as drbg.c says. */
int tls_random(void *unused, unsigned char *out, size_t len);

/* ---- Yielding: breathe.c -------------------------------------------------------- */

/* Begins a slice of the task that calls tls_breathe(); there, and inside arithmetic on curves,
 * all others get a turn once it has run for a millisecond. */
void tls_breathe_here(void);
void tls_breathe(void);

/* ---- Certificates and keys: credentials.c, self_signed.c ------------------------ */

/* Pairs of a certificate chain and its key, never changed once they are in use. */
struct credentials;

/* Those that new handshakes use. Each hold needs a release; the last one of those no longer in
 * use wipes the keys. */
struct credentials *credentials_hold(void);
void credentials_release(struct credentials *c);
/* Some keys have been wiped since this was asked last: what a stack may still hold of them
 * should be, too. */
bool credentials_gone(void);

/* Chooses, for a handshake, the pairs that have the name that the client asks for, or all. */
int credentials_choose(mbedtls_ssl_context *ssl, const struct credentials *c);

/* Puts new pairs in the place of those in use: `text` holds one or more certificates and one
 * key, in PEM, NUL-terminated at len. 0, -EINVAL, -ENOMEM: *why says what is wrong, or is NULL. */
int credentials_replace(const char *text, size_t len, const char **why);

/* Boot: the settings have been read. Makes a self-signed pair where there is none; 0 or
 * -EINVAL. */
int credentials_start(void);

/* The first certificate of those in use, for people. */
const mbedtls_x509_crt *credentials_shown(void);

/* The settings' values: 0 or -EINVAL. */
int credentials_set_cert(unsigned n, const char *text);
int credentials_set_key(unsigned n, const char *text);

/* A P-256 key and a certificate for `name` made of it, DER at the end of der[]: its length. */
#define SELF_SIGNED_MAX 768
int self_signed(mbedtls_pk_context *key, const char *name, uint8_t der[SELF_SIGNED_MAX]);

/* Parses PEM, or base64 of DER, into a chain or a key: 0 or an error of mbedTLS. */
int parse_chain(mbedtls_x509_crt *chain, const char *text);
int parse_key(mbedtls_pk_context *key, const char *text);

/* ---- The server's configuration: server.c ---------------------------------------- */

/* tls.client_ca, admin.ca: 0 or -EINVAL. */
int server_set_client_ca(const char *text);
int server_set_admin_ca(const char *text);
/* Of https.port and of admin.port: 0, -EINVAL: it has been said why; or an error of mbedTLS. */
int server_start(void);
int server_start_admin(void);
const mbedtls_ssl_config *server_config(bool for_admin);
/* What a client offers, too: cipher suites and, beside P-384, groups. */
extern const int tls_suites[];

/* ---- The administrative port: admin.c --------------------------------------------- */

/* Boot: its routes. */
void admin_init(void);

/* ---- Sessions: session.c, handshake.c, buffers.c ---------------------------------- */

enum session_state {
	SESSION_WAITING,               /* for its client's first bytes, or for its turn */
	SESSION_SHAKING,               /* in the handshake */
	SESSION_OPEN,
};

enum {
	SESSION_QUEUED = 1,            /* for the handshakes' task */
	SESSION_DOOMED = 2,            /* freed as soon as that task lets go of it */
	SESSION_ENDED = 4,             /* the peer will send no more */
	SESSION_BROKEN = 8,            /* the peer broke the protocol: to be closed */
	SESSION_SET_UP = 16,           /* ssl is */
	SESSION_TOLD = 32,             /* opened() was called */
	SESSION_CLIENT = 64,           /* ours is the client's side */
};

struct session {
	struct stream stream;          /* what the protocol sees; first */
	struct stream *lower;          /* the connection; NULL once it is no more */
	void *conn;                    /* the protocol's, from opened() */
	TAILQ_ENTRY(session) in_state, in_queue;
	ktime born, moved;             /* accepted; last progress */
	struct credentials *credentials;   /* while it shakes */
	char *identity;                /* from malloc(), or NULL */
	uint32_t pending;              /* bytes of a record that is not all sent yet */
	uint8_t state, flags;
	uint8_t sequence[8];           /* of records received, while there are no buffers */
	int16_t why;                   /* SESSION_BROKEN: -errno for gone() */
	unsigned write_flags;
	mbedtls_ssl_context ssl;
};

TAILQ_HEAD(sessions, session);

/* session.c. Ends the connection, in order or by a reset; tells nobody; frees it. */
void session_close(struct session *s);
void session_abort(struct session *s);
/* Tells the protocol, if it was told of s, that it has died. */
void session_lose(struct session *s, int why);
/* The bytes below are a session's from now on: of `lower`, as seen by whoever holds the stream. */
void session_begin(struct session *s, struct stream *lower);
/* The handshake is over: opened() follows, from the loop. */
void session_open(struct session *s);
extern const struct stream_ops session_ops;
extern const struct stream_ops *session_protocol;
void sessions_init(void);

/* handshake.c. Starts its task, unless it runs: 0 or -ENOMEM. Has it look at what is new;
 * something came for a session; its state's list is left or entered; it is about to be freed:
 * false, later. */
int handshakes_start(void);
void handshakes_wake(void);
void handshake_ready(struct session *s);
void handshake_enter(struct session *s, ktime now);
void handshake_leave(struct session *s);
bool handshake_lets_go(struct session *s);
/* Drops the handshake that has been silent for longest, if there is one: true. */
bool handshake_drop_stalled(void);

/* ---- Sessions that we open: client/ ------------------------------------------------ */

/* What the files above ask of them. */
struct client_side {
	/* s has a slot: its ssl gets a configuration. 0 or an error of mbedTLS. */
	int (*set_up)(struct session *s);
	/* The handshake is over: 0, or -EACCES: nobody has verified the peer. */
	int (*check)(const struct session *s);
	/* It has failed, in or after the handshake, by an error of mbedTLS: says why on the
	 * console, and returns the -errno for the protocol. */
	int (*failed)(struct session *s, int err);
	/* The same in the handshake by what became of the connection: -errno. */
	void (*lost)(struct session *s, int why);
	const struct stream_ops *(*protocol)(const struct session *s);
	void (*release)(struct session *s);
	/* The server's turn: as stream_expect(). */
	void (*expect)(struct session *s);
};

/* NULL until something connects: in an image where nothing does, the compiler sees that this never
 * changes, and leaves out all that follows from it. */
extern const struct client_side *tls_client;

static inline bool session_is_client(const struct session *s)
{
	return BUDGET_TLS_CLIENT && tls_client && s->flags & SESSION_CLIENT;
}

/* buffers.c. An idle session has no record buffers: they are given back when nothing is in them
 * and taken again before the next use: false without memory. */
void buffers_release(struct session *s);
bool buffers_take(struct session *s);
