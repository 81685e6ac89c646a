/* SPDX-License-Identifier: MIT */
/* TLS 1.3 and 1.2 (RFC 8446, RFC 5246) on net/stream.h: a listener, and connections of ours, whose
 * protocol sees the plain bytes of each session, as a stream. mbedTLS does the protocol.
 *
 * One task takes handshakes a step at a time and lets everybody else run every
 * millisecond; a session that is open is served by the net loop. */
#pragma once

#include <stdint.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"
#include "net/stream.h"

/* Boot, before the settings are applied: declares https.*, tls.*, and counters. */
void tls_declare(void);

/* Boot, after net_init(): sizes what TLS may take and starts its task. */
void tls_init(void);

/* https.port, 0: none. */
uint16_t https_port(void);

/* Accepts TLS on https.port, unless that is 0, as soon as there is a certificate and enough
 * entropy for keys; says so on the console. `ops` is the protocol's side of a session: opened()
 * follows its handshake. Once. */
void tls_start(const struct stream_ops *ops);

/* ---- As a client ------------------------------------------------------------------------- */

/* Begins a session on `lower`, which stream_connect() made and which is established: 0 and *s, to
 * which lower belongs from then on, and which takes its course as one of stream_connect() does:
 * ops->ready(conn) once there is a session, or ops->gone(conn, why), why being said on the console:
 *	-EACCES      the server's certificate is not good for `host`: it must come from an authority
 *	             of tls.ca, be valid now, and name the host (RFC 9525: a name, or an address as
 *	             text, in subjectAltName); there is no way to do without
 *	-EPROTO      it speaks no TLS that is good enough, or refuses us
 *	-ETIMEDOUT   it was silent, also for https.handshake_timeout; -ECONNRESET it left
 *	-ENOMEM
 * `alpn`: the protocol that is offered to it (RFC 7301), kept by reference, of at most three in an
 * image; NULL: none. `host` is copied.
 * Otherwise lower stays the caller's: -EAGAIN the time of day is not known yet; -EACCES tls.ca is
 * not set; -EINVAL host is neither a name nor an address; -ENOMEM; -EPROTONOSUPPORT in an image
 * without TLS for clients. */
int tls_connect(struct stream **s, struct stream *lower, const char *host, const char *alpn,
		const struct stream_ops *ops, void *conn);

/* No more will be written: close_notify and FIN, as stream_shutdown(); of a session of
 * tls_connect(). */
void tls_shutdown(struct stream *s);

/* As stream_expect(), of a session of tls_connect(). */
void tls_expect(struct stream *s);

/* The entries of an app's table: SETTINGS(TLS_SETTINGS), alone or with others. tls.ca: those whom
 * we trust, tls.connect.cert and .key: who we are, to servers that ask. -EINVAL,
 * too, once there has been a session. */
#define TLS_SETTINGS \
	{ .key = "tls.ca", .type = SETTING_CHECKED, .check = tls_set_ca, \
	  .expected = "up to " TEXT_OF(BUDGET_TLS_AUTHORITIES) " certificates in PEM" }, \
	{ .key = "tls.connect.cert", .type = SETTING_CHECKED, .check = tls_set_connect_cert, \
	  .expected = "certificates in PEM, ours first, or base64 of one" }, \
	{ .key = "tls.connect.key", .type = SETTING_CHECKED, .check = tls_set_connect_key, \
	  .secret = true, .expected = "a private key in PEM, or base64 of one" }
int tls_set_ca(const char *value);
int tls_set_connect_cert(const char *value);
int tls_set_connect_key(const char *value);
