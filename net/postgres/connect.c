/* SPDX-License-Identifier: MIT */
/* From an address to a connection that waits for queries: start-up and authentication
 * ("Start-up", "SASL Authentication" in PostgreSQL's documentation of the protocol). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/postgres/impl.h"

#define VERSION 0x30000u
#define CANCEL 80877102u

enum request {
	AUTH_OK = 0, AUTH_PASSWORD = 3, AUTH_MD5 = 5, AUTH_SASL = 10, AUTH_SASL_GO = 11,
	AUTH_SASL_END = 12,
};

/* A log-on: what has been shown so far. */
struct logon {
	struct pg_scram scram;
	char text[PG_SCRAM_TEXT];
	enum pg_auth by;               /* what the server has asked for */
	bool proven;                   /* it has shown that it knows the password */
	bool in_scram;
};

/* The keys of the last log-on: others under the same salt need no rounds. */
static struct pg_scram_keys keys;
static ktime quiet_until;              /* what was said a second ago is not said again */
static char said[32];

static const char *const auth_names[] = { "no password", "the password itself", "md5", "SCRAM" };
static const char *const auth_values[] = { "none", "password", "md5", "scram" };

static void failed(const char *what, int err)
{
	if (err == -ECANCELED)         /* its client has gone: nothing is wrong here */
		return;
	PG_COUNT(PG_N_CONNECT_FAILED);
	if (clock_now() < quiet_until && strncmp(said, what, sizeof(said) - 1) == 0)
		return;
	quiet_until = clock_now() + SECONDS(1);
	snprintf(said, sizeof(said), "%s", what);
	log_warn("postgres: %s:%u: %s (error %d)", pg_settings.host, (unsigned)pg_settings.port,
		 what, -err);
}

static int send_startup(struct pg *c)
{
	const char *const words[] = {
		"user", pg_settings.user, "database", pg_settings.database,
		"client_encoding", "UTF8", "DateStyle", "ISO", "application_name", "zeitkern",
	};

	pg_out_begin(&c->out, 0);
	pg_out_u32(&c->out, VERSION);
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		pg_out_string(&c->out, words[i]);
	pg_out_bytes(&c->out, "", 1);
	pg_out_end(&c->out);
	return pg_send(c);
}

/* A message of type p, wiped once it was sent. */
static int send_secret(struct pg *c, const void *data, size_t len)
{
	int err;

	pg_out_begin(&c->out, 'p');
	pg_out_bytes(&c->out, data, len);
	pg_out_end(&c->out);
	err = pg_send(c);
	if (c->out.data)
		mem_wipe(c->out.data, c->out.cap);
	return err;
}

/* Whether settings allow what the server asks for. */
static int allow(struct logon *l, enum pg_auth by)
{
	l->by = by;
	if (by >= pg_settings.auth)
		return 0;
	log_warn("postgres: the server asks for %s; postgres.auth=%s would allow that",
		 auth_names[by], auth_values[by]);
	return -EACCES;
}

static int answer_sasl(struct pg *c, struct logon *l, struct pg_in body)
{
	static const char name[] = "SCRAM-SHA-256";
	size_t len;
	int err;

	for (;;) {
		const char *offered = pg_in_string(&body);

		if (!*offered)
			break;
		if (strcmp(offered, name) == 0)
			l->by = PG_AUTH_SCRAM;
	}
	if (body.bad || l->by != PG_AUTH_SCRAM || l->in_scram)
		return -EPROTO;
	err = pg_scram_first(&l->scram, &keys, NULL, l->text);
	if (err < 0)
		return err;
	l->in_scram = true;
	len = strlen(l->text);
	pg_out_begin(&c->out, 'p');
	pg_out_string(&c->out, name);
	pg_out_u32(&c->out, (uint32_t)len);
	pg_out_bytes(&c->out, l->text, len);
	pg_out_end(&c->out);
	return pg_send(c);
}

static int answer_md5(struct pg *c, struct logon *l, struct pg_in body)
{
	const uint8_t *salt = pg_in_bytes(&body, 4);
	int err = allow(l, PG_AUTH_MD5);

	if (!salt)
		return -EPROTO;
	if (err == 0)
		err = pg_md5(l->text, pg_settings.user, pg_settings.password, salt);
	return err < 0 ? err : send_secret(c, l->text, PG_MD5_TEXT);
}

static int answer(struct pg *c, struct logon *l, struct pg_in body)
{
	uint32_t request = pg_in_u32(&body);
	const char *text = (const char *)body.p;
	size_t len = (size_t)(body.end - body.p);
	int err;

	if (body.bad)
		return -EPROTO;
	switch (request) {
	case AUTH_OK:
		return l->by == PG_AUTH_SCRAM && !l->proven ? -EACCES : allow(l, l->by);
	case AUTH_PASSWORD:
		err = allow(l, PG_AUTH_PASSWORD);
		return err < 0 ? err : send_secret(c, pg_settings.password,
						   strlen(pg_settings.password) + 1);
	case AUTH_MD5:
		return answer_md5(c, l, body);
	case AUTH_SASL:
		return answer_sasl(c, l, body);
	case AUTH_SASL_GO:
		if (!l->in_scram)
			return -EPROTO;
		err = pg_scram_final(&l->scram, text, len, pg_settings.password, l->text,
				     c->deadline);
		return err < 0 ? err : send_secret(c, l->text, strlen(l->text));
	case AUTH_SASL_END:
		err = l->in_scram ? pg_scram_verify(&l->scram, text, len) : -EPROTO;
		l->proven = err == 0;
		return err;
	default:
		log_warn("postgres: the server asks for authentication %u: expected SCRAM",
			 (unsigned)request);
		return -EACCES;
	}
}

/* Start-up until the first ReadyForQuery: 0 or -errno. */
static int log_on(struct pg *c, struct logon *l)
{
	bool granted = false;
	struct pg_in body;
	int type, err = send_startup(c);

	while (err == 0) {
		type = pg_read(c, &body);
		if (type < 0)
			return type;
		if (type == PG_ERROR)
			return pg_failed(c, body);
		if (type == PG_AUTHENTICATION && !granted) {
			granted = body.end - body.p == 4 && memcmp(body.p, "\0\0\0", 4) == 0;
			err = answer(c, l, body);
		} else if (type == PG_BACKEND_KEY && granted) {
			c->pid = pg_in_u32(&body);
			c->key = pg_in_u32(&body);
		} else if (type == PG_READY && granted) {
			return pg_ready(c, body);
		} else {
			err = -EPROTO;
		}
	}
	return err;
}

int pg_open(struct pg *c, ktime deadline)
{
	struct logon *l;
	int err;

	*c = (struct pg){ .deadline = deadline, .state = PG_BUSY };
	c->out.max = pg_settings.message;
	c->notices_end = &c->notices;
	err = sock_connect(&c->sock, pg_settings.host, (uint16_t)pg_settings.port, deadline);
	if (err == 0 && (err = pg_secure(c->sock, deadline)) < 0)
		sock_abort(c->sock);
	if (err < 0) {
		failed("cannot connect", err);
		return err;
	}
	l = calloc(1, sizeof(*l));
	err = l ? log_on(c, l) : -ENOMEM;
	if (l)
		mem_wipe(l, sizeof(*l));
	free(l);
	if (err == 0) {
		PG_COUNT(PG_N_CONNECTED);
		return 0;
	}
	failed(c->error.message[0] ? c->error.message : "cannot log on", err);
	if (err == -EACCES)
		keys.rounds = 0;                /* of a password that another may have replaced */
	pg_dead(c, err);
	pg_close(c);
	return err;
}

void pg_close(struct pg *c)
{
	static const uint8_t terminate[] = { 'X', 0, 0, 0, 4 };

	if (c->state == PG_IDLE) {
		sock_write_some(c->sock, terminate, sizeof(terminate));
		sock_close(c->sock);
	} else {
		sock_abort(c->sock);
	}
	pg_statements_free(c);
	pg_notices_free(c);
	free(c->columns);
	free(c->in);
	free(c->out.data);
}

int pg_cancel_running(const struct pg *c, ktime deadline)
{
	uint32_t words[] = { 16, CANCEL, c->pid, c->key };
	char host[ADDR_TEXT];
	const struct endpoint *peer = sock_peer(c->sock);
	struct sock *s;
	uint8_t end;
	int err = sock_connect(&s, addr_text(host, &peer->addr), peer->port, deadline);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		words[i] = __builtin_bswap32(words[i]);
	err = pg_secure(s, deadline);
	if (err == 0)
		err = sock_write(s, words, sizeof(words), deadline);
	if (err == 0)
		err = (int)MIN(sock_read(s, &end, 1, deadline), 0);     /* the server closes */
	sock_close(s);
	PG_COUNT(PG_N_CANCELLED);
	return err;
}
