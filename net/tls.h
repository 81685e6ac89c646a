/* SPDX-License-Identifier: MIT */
/* TLS 1.3 and 1.2 (RFC 8446, RFC 5246) on net/stream.h: a listener whose protocol
 * sees the plain bytes of each session, as a stream. mbedTLS does the protocol.
 *
 * One task takes handshakes a step at a time and lets everybody else run every
 * millisecond; a session that is open is served by the net loop. */
#pragma once

#include <stdint.h>

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
