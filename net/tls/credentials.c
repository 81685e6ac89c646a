/* SPDX-License-Identifier: MIT */
/* Certificates and their keys. A handshake holds the set it began with; a set that is replaced
 * and no longer held is freed, and mbedTLS wipes a key that it frees. A session that is open
 * needs none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/pem.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>

#include "kernel/budget.h"
#include "net/net.h"
#include "net/tls/impl.h"

#define PAIRS BUDGET_TLS_CERTS

struct pair {
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};

struct credentials {
	unsigned holds;
	struct pair pair[PAIRS];
};

static struct credentials *current;
static bool some_gone;                 /* since the last look */

/* ---- Sets --------------------------------------------------------------------------------- */

static struct credentials *make(void)
{
	struct credentials *c = mbedtls_calloc(1, sizeof(*c));

	for (unsigned i = 0; c && i < PAIRS; i++) {
		mbedtls_x509_crt_init(&c->pair[i].chain);
		mbedtls_pk_init(&c->pair[i].key);
	}
	if (c)
		c->holds = 1;
	return c;
}

struct credentials *credentials_hold(void)
{
	current->holds++;
	return current;
}

void credentials_release(struct credentials *c)
{
	if (--c->holds > 0)
		return;
	for (unsigned i = 0; i < PAIRS; i++) {
		mbedtls_x509_crt_free(&c->pair[i].chain);
		mbedtls_pk_free(&c->pair[i].key);
	}
	mbedtls_free(c);
	some_gone = true;
}

bool credentials_gone(void)
{
	bool gone = some_gone;

	some_gone = false;
	return gone;
}

static bool is_whole(const struct pair *p)
{
	return p->chain.raw.len > 0 && mbedtls_pk_get_type(&p->key) != MBEDTLS_PK_NONE;
}

static bool fits(struct pair *p)
{
	return mbedtls_pk_check_pair(&p->chain.pk, &p->key, tls_random, NULL) == 0;
}

/* ---- Parsing ------------------------------------------------------------------------------- */

/* DER from base64, in memory that the caller wipes and frees; or NULL. */
static uint8_t *decode(const char *text, size_t *len)
{
	size_t room = strlen(text);
	uint8_t *der = mbedtls_calloc(1, room + 1);

	if (der && mbedtls_base64_decode(der, room, len, (const uint8_t *)text, room) == 0)
		return der;
	mbedtls_free(der);
	return NULL;
}

int parse_chain(mbedtls_x509_crt *chain, const char *text)
{
	size_t len;
	uint8_t *der;
	int err;

	if (strstr(text, "-----BEGIN"))
		return mbedtls_x509_crt_parse(chain, (const uint8_t *)text, strlen(text) + 1);
	der = decode(text, &len);
	if (!der)
		return MBEDTLS_ERR_X509_INVALID_FORMAT;
	err = mbedtls_x509_crt_parse_der(chain, der, len);
	mbedtls_free(der);
	return err;
}

int parse_key(mbedtls_pk_context *key, const char *text)
{
	size_t len = strlen(text) + 1;
	uint8_t *der;
	int err;

	if (strstr(text, "-----BEGIN"))
		return mbedtls_pk_parse_key(key, (const uint8_t *)text, len, NULL, 0, tls_random,
					    NULL);
	der = decode(text, &len);
	if (!der)
		return MBEDTLS_ERR_PK_KEY_INVALID_FORMAT;
	err = mbedtls_pk_parse_key(key, der, len, NULL, 0, tls_random, NULL);
	mbedtls_platform_zeroize(der, len);
	mbedtls_free(der);
	return err;
}

/* ---- From the settings ---------------------------------------------------------------------- */

static struct pair *setting_pair(unsigned n)
{
	if (!current)
		current = make();
	return current && n < PAIRS ? &current->pair[n] : NULL;
}

int credentials_set_cert(unsigned n, const char *text)
{
	struct pair *p = setting_pair(n);

	if (!p)
		return -EINVAL;
	mbedtls_x509_crt_free(&p->chain);
	mbedtls_x509_crt_init(&p->chain);
	if (parse_chain(&p->chain, text) == 0)
		return 0;
	mbedtls_x509_crt_free(&p->chain);
	mbedtls_x509_crt_init(&p->chain);
	return -EINVAL;
}

int credentials_set_key(unsigned n, const char *text)
{
	struct pair *p = setting_pair(n);

	if (!p)
		return -EINVAL;
	mbedtls_pk_free(&p->key);
	mbedtls_pk_init(&p->key);
	return parse_key(&p->key, text) == 0 ? 0 : -EINVAL;
}

/* ---- At start -------------------------------------------------------------------------------- */

/* Colons between the bytes, as others print it. */
static void log_fingerprint(const char *what, const mbedtls_x509_crt *cert)
{
	uint8_t hash[32];
	char text[32 * 3 + 1];

	mbedtls_sha256(cert->raw.p, cert->raw.len, hash, 0);
	for (unsigned i = 0; i < sizeof(hash); i++)
		snprintf(text + 3 * i, 4, "%02X%s", hash[i], i < sizeof(hash) - 1 ? ":" : "");
	log_info("https: %s", what);
	log_info("https: SHA-256 fingerprint %s", text);
}

static int make_self_signed(struct pair *p)
{
	uint8_t der[SELF_SIGNED_MAX];
	int len;

	mbedtls_x509_crt_free(&p->chain);
	mbedtls_x509_crt_init(&p->chain);
	mbedtls_pk_free(&p->key);
	mbedtls_pk_init(&p->key);
	len = self_signed(&p->key, net_hostname(), der);
	if (len < 0)
		return len;
	return mbedtls_x509_crt_parse_der(&p->chain, der + sizeof(der) - len, (size_t)len);
}

int credentials_start(void)
{
	bool any = false;
	int err;

	if (!setting_pair(0))
		return -ENOMEM;
	for (unsigned i = 0; i < PAIRS; i++) {
		struct pair *p = &current->pair[i];
		bool cert = p->chain.raw.len > 0;
		bool key = mbedtls_pk_get_type(&p->key) != MBEDTLS_PK_NONE;

		if (cert && key && fits(p)) {
			any = true;
			log_fingerprint("certificate", &p->chain);
			continue;
		}
		if (cert || key)
			log_error("https: certificate %u is not used: %s", i + 1,
				  !key ? "it has no key" : !cert ? "there is only a key" :
				  "its key is another one's");
		mbedtls_x509_crt_free(&p->chain);
		mbedtls_x509_crt_init(&p->chain);
	}
	if (any)
		return 0;
	err = make_self_signed(&current->pair[0]);
	if (err == 0)
		log_fingerprint("no certificate is set, one is made and signed by itself",
				&current->pair[0].chain);
	return err;
}

const mbedtls_x509_crt *credentials_shown(void)
{
	for (unsigned i = 0; i < PAIRS; i++)
		if (is_whole(&current->pair[i]))
			return &current->pair[i].chain;
	return NULL;
}

/* ---- By name (RFC 6066 §3, RFC 6125 §6.4) ------------------------------------ */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* "*.example" stands for one label before ".example". */
static bool matches(const char *pattern, size_t len, const char *name, size_t name_len)
{
	const char *dot;

	if (len > 2 && pattern[0] == '*' && pattern[1] == '.') {
		dot = memchr(name, '.', name_len);
		if (!dot || dot == name)
			return false;
		name_len -= (size_t)(dot - name);
		return name_len == len - 1 && same(pattern + 1, dot, len - 1);
	}
	return len == name_len && same(pattern, name, len);
}

static bool has_name(const mbedtls_x509_crt *cert, const char *name, size_t len)
{
	for (const mbedtls_x509_sequence *n = &cert->subject_alt_names; n; n = n->next) {
		int kind = n->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;

		if (kind == MBEDTLS_X509_SAN_DNS_NAME &&
		    matches((const char *)n->buf.p, n->buf.len, name, len))
			return true;
	}
	return false;
}

int credentials_choose(mbedtls_ssl_context *ssl, const struct credentials *c)
{
	size_t len;
	const char *name = (const char *)mbedtls_ssl_get_hs_sni(ssl, &len);
	bool named = false;
	int err = 0;

	for (unsigned i = 0; name && i < PAIRS; i++)
		named |= is_whole(&c->pair[i]) && has_name(&c->pair[i].chain, name, len);
	for (unsigned i = 0; err == 0 && i < PAIRS; i++) {
		struct pair *p = (struct pair *)(uintptr_t)&c->pair[i];

		if (is_whole(p) && (!named || has_name(&p->chain, name, len)))
			err = mbedtls_ssl_set_hs_own_cert(ssl, &p->chain, &p->key);
	}
	return err;
}

/* ---- While it runs -------------------------------------------------------------------------- */

int credentials_replace(const char *text, size_t len, const char **why)
{
	uint64_t refused = tls_counters[TLS_NO_MEMORY].n;
	struct credentials *c = make(), *old = current;
	int err = -EINVAL;

	*why = NULL;
	if (!c)
		return -ENOMEM;
	if (text[len] != 0 || mbedtls_x509_crt_parse(&c->pair[0].chain, (const uint8_t *)text,
						      len + 1) != 0)
		*why = "no certificates in PEM, or one that is damaged";
	else if (mbedtls_pk_parse_key(&c->pair[0].key, (const uint8_t *)text, len + 1, NULL, 0,
				      tls_random, NULL) != 0)
		*why = "no private key in PEM, or one that is damaged";
	else if (!fits(&c->pair[0]))
		*why = "the key is not that of the first certificate";
	else
		err = 0;
	if (err < 0 && tls_counters[TLS_NO_MEMORY].n != refused) {
		*why = "there is no memory for them";
		err = -ENOMEM;
	}
	if (err < 0) {
		credentials_release(c);
		return err;
	}
	current = c;
	credentials_release(old);
	log_fingerprint("new certificate", &c->pair[0].chain);
	return 0;
}
