/* SPDX-License-Identifier: MIT */
/* What the files of net/tls/client share and nobody else sees. */
#pragma once

#include "net/tls/impl.h"

struct profile;

struct outgoing {
	struct session session;        /* first; its identity is the host, without a last dot */
	const struct stream_ops *ops;
	struct profile *profile;
	bool by_address;               /* the host is `address` */
	bool self_signed;              /* the server's certificate is, and nobody of tls.ca */
	struct addr address;
};

/* ---- Whom we trust and who we are: trust.c ------------------------------------------- */

/* tls.ca names somebody. */
bool trust_is_set(void);

/* What a client offers that speaks `alpn` (NULL: it does not say), the same for all. */
struct profile *profile_of(const char *alpn);

/* Its configuration, made when it is first asked for: 0 or an error of mbedTLS. */
int profile_config(struct profile *p, const mbedtls_ssl_config **config);

/* ---- Verification: verify.c ------------------------------------------------------------ */

/* mbedTLS's callback for each certificate of a chain, for a struct outgoing: adds what it does not
 * check itself. */
int verify_certificate(void *client, mbedtls_x509_crt *cert, int depth, uint32_t *flags);

/* The worst of the flags, in words. */
const char *verify_words(const struct outgoing *c, uint32_t flags);
