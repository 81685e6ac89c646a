/* SPDX-License-Identifier: MIT */
/* What a server offers: TLS 1.3 (RFC 8446) and, where mbedTLS has it here, 1.2 (RFC 5246) with
 * ephemeral keys and AEAD ciphers alone (RFC 9325 §4.2); tickets whose keys rotate (RFC 5077,
 * RFC 8446 §4.6.1); `http/1.1` (RFC 7301). No renegotiation, no compression, no early data. */
#include <errno.h>

#include <mbedtls/ssl_ticket.h>
#include <psa/crypto.h>

#include "net/tls/impl.h"

#define TICKET_LIFETIME_S 3600         /* of its key; tickets live as long */

static mbedtls_ssl_config config;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_x509_crt client_ca;

static const int suites[] = {
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

int server_set_client_ca(const char *text)
{
	mbedtls_x509_crt_free(&client_ca);
	mbedtls_x509_crt_init(&client_ca);
	return parse_chain(&client_ca, text) == 0 ? 0 : -EINVAL;
}

static int choose(mbedtls_ssl_context *ssl)
{
	return credentials_choose(ssl, mbedtls_ssl_get_user_data_p(ssl));
}

/* A session resumed from a ticket tells of no certificate, so that where clients show one there
 * are no tickets. */
static int offer_tickets(void)
{
	int err;

	if (tls_settings.client_auth != CLIENT_NONE)
		return 0;
	mbedtls_ssl_ticket_init(&tickets);
	err = mbedtls_ssl_ticket_setup(&tickets, tls_random, NULL, MBEDTLS_CIPHER_AES_256_GCM,
				       TICKET_LIFETIME_S);
	if (err == 0)
		mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write,
						    mbedtls_ssl_ticket_parse, &tickets);
	return err;
}

int server_start(void)
{
	static const char *const protocols[] = { "http/1.1", NULL };
	static const int auth[] = {
		MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL, MBEDTLS_SSL_VERIFY_REQUIRED,
	};
	int err = psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;

	mbedtls_ssl_config_init(&config);
	if (err == 0)
		err = mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER,
						  MBEDTLS_SSL_TRANSPORT_STREAM,
						  MBEDTLS_SSL_PRESET_DEFAULT);
	if (err == 0)
		err = mbedtls_ssl_conf_alpn_protocols(&config, (const char **)(uintptr_t)protocols);
	if (err == 0)
		err = offer_tickets();
	mbedtls_ssl_conf_rng(&config, tls_random, NULL);
	mbedtls_ssl_conf_ciphersuites(&config, suites);
	mbedtls_ssl_conf_groups(&config, groups);
	mbedtls_ssl_conf_cert_cb(&config, choose);
	if (tls_settings.client_auth != CLIENT_NONE && client_ca.raw.len == 0) {
		log_error("https: tls.client needs tls.client_ca, nobody can be let in without");
		return -EINVAL;
	}
	mbedtls_ssl_conf_authmode(&config, auth[tls_settings.client_auth]);
	if (client_ca.raw.len > 0)
		mbedtls_ssl_conf_ca_chain(&config, &client_ca, NULL);
	return err;
}

const mbedtls_ssl_config *server_config(void)
{
	return &config;
}
