/* SPDX-License-Identifier: MIT */
/* What a client offers, and to whom: the suites of the server's side, every chain verified up to an
 * authority of tls.ca, and a certificate of ours for those that ask for one. All sessions that
 * offer the same protocol share a configuration. */
#include <errno.h>
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <psa/crypto.h>

#include "kernel/budget.h"
#include "net/tls.h"
#include "net/tls/client/impl.h"

#define PROFILES 3
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct profile {
	const char *alpn[2];
	bool taken, made;
	mbedtls_ssl_config config;
};

static struct profile profiles[PROFILES];
static mbedtls_x509_crt ca, own;
static mbedtls_pk_context own_key;
static bool in_use;                    /* all of these are, from the first session on */

static const uint16_t groups[] = {
	MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
	MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

/* ---- Settings --------------------------------------------------------------------------- */

static void forget(mbedtls_x509_crt *chain)
{
	mbedtls_x509_crt_free(chain);
	mbedtls_x509_crt_init(chain);
}

/* In an authority's certificate, sha1WithRSAEncryption becomes sha256WithRSAEncryption: mbedTLS
 * knows no SHA-1 here, as it should not, and nobody looks at the signature of an authority whose
 * name and key are trusted as they stand (RFC 5280 §6.1.1 (d)). */
static void pass_over_sha1(uint8_t *der, size_t len)
{
	static const uint8_t oid[] = MBEDTLS_OID_PKCS1_SHA1;

	for (size_t i = 0; i + sizeof(oid) - 1 <= len; i++)
		if (memcmp(der + i, oid, sizeof(oid) - 1) == 0)
			der[i + sizeof(oid) - 2] = 0x0b;
}

/* The first in PEM at *text, which is moved behind it: 0 or an error of mbedTLS. */
static int add_authority(const char **text)
{
	mbedtls_pem_context pem;
	size_t used = 0;
	int err;

	mbedtls_pem_init(&pem);
	err = mbedtls_pem_read_buffer(&pem, BEGIN, END, (const uint8_t *)*text, NULL, 0,
				      &used);
	*text += used > 0 ? used : sizeof(BEGIN) - 1;
	if (err == 0) {
		pass_over_sha1(pem.MBEDTLS_PRIVATE(buf), pem.MBEDTLS_PRIVATE(buflen));
		err = mbedtls_x509_crt_parse_der(&ca, pem.MBEDTLS_PRIVATE(buf),
						 pem.MBEDTLS_PRIVATE(buflen));
	}
	mbedtls_pem_free(&pem);
	return err;
}

/* Those that mbedTLS does not understand trust nobody. */
int tls_set_ca(const char *text)
{
	unsigned n = 0, bad = 0;

	if (in_use)
		return -EINVAL;
	forget(&ca);
	if (!strstr(text, BEGIN))
		n = parse_chain(&ca, text) == 0;
	while (n <= BUDGET_TLS_AUTHORITIES && (text = strstr(text, BEGIN))) {
		bad += add_authority(&text) != 0;
		n++;
	}
	if (n == bad || n > BUDGET_TLS_AUTHORITIES) {
		forget(&ca);
		return -EINVAL;
	}
	if (bad > 0)
		log_warn("tls.ca: %u certificates of %u are not understood, and trust nobody", bad,
			 n);
	return 0;
}

int tls_set_connect_cert(const char *text)
{
	if (in_use)
		return -EINVAL;
	forget(&own);
	if (parse_chain(&own, text) == 0)
		return 0;
	forget(&own);
	return -EINVAL;
}

int tls_set_connect_key(const char *text)
{
	if (in_use)
		return -EINVAL;
	mbedtls_pk_free(&own_key);
	mbedtls_pk_init(&own_key);
	return parse_key(&own_key, text) == 0 ? 0 : -EINVAL;
}

bool trust_is_set(void)
{
	return ca.raw.len > 0;
}

/* ---- Configurations ------------------------------------------------------------------------ */

struct profile *profile_of(const char *alpn)
{
	struct profile *p = profiles;

	for (; p < profiles + PROFILES && p->taken; p++)
		if (alpn ? p->alpn[0] && strcmp(p->alpn[0], alpn) == 0 : !p->alpn[0])
			return p;
	ASSERT(p < profiles + PROFILES);
	p->alpn[0] = alpn;
	p->taken = true;
	return p;
}

/* The pair that we show, if there is one. */
static int show_own(mbedtls_ssl_config *config)
{
	bool cert = own.raw.len > 0, key = mbedtls_pk_get_type(&own_key) != MBEDTLS_PK_NONE;

	if (!cert && !key)
		return 0;
	if (cert && key && mbedtls_pk_check_pair(&own.pk, &own_key, tls_random, NULL) == 0)
		return mbedtls_ssl_conf_own_cert(config, &own, &own_key);
	log_error("tls: tls.connect.cert is not shown to servers: %s", !key ? "it has no key" :
		  !cert ? "there is only a key" : "tls.connect.key is another one's");
	return 0;
}

int profile_config(struct profile *p, const mbedtls_ssl_config **out)
{
	mbedtls_ssl_config *config = &p->config;
	int err;

	*out = config;
	if (p->made)
		return 0;
	in_use = true;
	if (psa_crypto_init() != PSA_SUCCESS)
		return MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
	mbedtls_ssl_config_init(config);
	err = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
					  MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (err == 0 && p->alpn[0])
		err = mbedtls_ssl_conf_alpn_protocols(config, p->alpn);
	if (err == 0)
		err = show_own(config);
	mbedtls_ssl_conf_rng(config, tls_random, NULL);
	mbedtls_ssl_conf_ciphersuites(config, tls_suites);
	mbedtls_ssl_conf_groups(config, groups);
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(config, &ca, NULL);
	mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	p->made = err == 0;
	if (err != 0)
		mbedtls_ssl_config_free(config);
	return err;
}
