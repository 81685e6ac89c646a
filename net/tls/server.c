/* SPDX-License-Identifier: MIT */
/* What a server offers: TLS 1.3 (RFC 8446) and, where mbedTLS has it here, 1.2 (RFC 5246) with
 * ephemeral keys and AEAD ciphers alone (RFC 9325 §4.2); tickets whose keys rotate (RFC 5077,
 * RFC 8446 §4.6.1); `http/1.1` (RFC 7301). No renegotiation, no compression, no early data. */
#include <errno.h>

#include <mbedtls/ssl_ticket.h>
#include <psa/crypto.h>

#include "net/tls/impl.h"

#define TICKET_LIFETIME_S 3600         /* of its key; tickets live as long */

static struct server {
	mbedtls_ssl_config config;
	mbedtls_x509_crt ca;           /* of its clients; empty: none is set */
} public, admin;
static mbedtls_ssl_ticket_context tickets;

const int tls_suites[] = {
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	0,
};

static const uint16_t groups[] = {
	MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

static int set_ca(struct server *s, const char *text)
{
	mbedtls_x509_crt_free(&s->ca);
	mbedtls_x509_crt_init(&s->ca);
	if (parse_chain(&s->ca, text) == 0)
		return 0;
	mbedtls_x509_crt_free(&s->ca);         /* those of a damaged bundle that were read */
	mbedtls_x509_crt_init(&s->ca);
	return -EINVAL;
}

int server_set_client_ca(const char *text)
{
	return set_ca(&public, text);
}

int server_set_admin_ca(const char *text)
{
	return set_ca(&admin, text);
}

static int choose(mbedtls_ssl_context *ssl)
{
	return credentials_choose(ssl, mbedtls_ssl_get_user_data_p(ssl));
}

static int take_ticket(void *context, mbedtls_ssl_session *session, unsigned char *ticket,
		       size_t len)
{
	int err = mbedtls_ssl_ticket_parse(context, session, ticket, len);

	if (err == 0)
		tls_counters[TLS_RESUMED].n++;
	return err;
}

/* A session resumed from a ticket tells of no certificate, so that where clients show one there
 * are no tickets. */
static int offer_tickets(void)
{
	int err;

	mbedtls_ssl_ticket_init(&tickets);
	err = mbedtls_ssl_ticket_setup(&tickets, tls_random, NULL, MBEDTLS_CIPHER_AES_256_GCM,
				       TICKET_LIFETIME_S);
	if (err == 0)
		mbedtls_ssl_conf_session_tickets_cb(&public.config, mbedtls_ssl_ticket_write,
						    take_ticket, &tickets);
	return err;
}

static int configure(struct server *s, enum client_auth clients)
{
	static const char *const protocols[] = { "http/1.1", NULL };
	static const int auth[] = {
		MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL, MBEDTLS_SSL_VERIFY_REQUIRED,
	};
	mbedtls_ssl_config *config = &s->config;
	int err;

	mbedtls_ssl_config_init(config);
	err = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER,
					  MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (err == 0)
		err = mbedtls_ssl_conf_alpn_protocols(config, (const char **)(uintptr_t)protocols);
	mbedtls_ssl_conf_rng(config, tls_random, NULL);
	mbedtls_ssl_conf_ciphersuites(config, tls_suites);
	mbedtls_ssl_conf_groups(config, groups);
	mbedtls_ssl_conf_cert_cb(config, choose);
	mbedtls_ssl_conf_authmode(config, auth[clients]);
	if (clients != CLIENT_NONE)
		mbedtls_ssl_conf_ca_chain(config, &s->ca, NULL);
	return err;
}

int server_start(void)
{
	enum client_auth clients = tls_settings.client_auth;
	int err = psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;

	if (clients != CLIENT_NONE && public.ca.raw.len == 0) {
		log_error("https: tls.client needs tls.client_ca, nobody could be let in");
		return -EINVAL;
	}
	if (err == 0)
		err = configure(&public, clients);
	if (err == 0 && clients == CLIENT_NONE)
		err = offer_tickets();
	return err;
}

int server_start_admin(void)
{
	if (admin.ca.raw.len == 0) {
		log_error("admin: admin.port needs admin.ca, nobody could be let in");
		return -EINVAL;
	}
	return configure(&admin, CLIENT_REQUIRED);
}

const mbedtls_ssl_config *server_config(bool for_admin)
{
	return for_admin ? &admin.config : &public.config;
}
