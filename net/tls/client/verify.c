/* SPDX-License-Identifier: MIT */
/* Whether a certificate is the host's: mbedTLS verifies the chain (RFC 5280 §6), its dates, and a
 * DNS name (RFC 9525 §6.3, wildcards are a whole label, the first); this file adds that only
 * subjectAltName counts (§6.2: no subject's CN), and addresses (§6.5), which mbedTLS would also
 * send as the server's name (RFC 6066 §3 forbids that). */
#include <string.h>

#include <mbedtls/oid.h>

#include "net/tls/client/impl.h"

static bool has_address(const mbedtls_x509_crt *cert, const struct addr *a)
{
	size_t len = addr_is_ip4(a) ? 4 : 16;
	const uint8_t *bytes = (const uint8_t *)a + sizeof(*a) - len;

	for (const mbedtls_x509_sequence *n = &cert->subject_alt_names; n; n = n->next)
		if ((n->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
		    n->buf.len == len && memcmp(n->buf.p, bytes, len) == 0)
			return true;
	return false;
}

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

int verify_certificate(void *arg, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
	struct outgoing *c = arg;

	if (depth > 0)
		return 0;
	c->self_signed = same(&cert->issuer_raw, &cert->subject_raw);
	if (!mbedtls_x509_crt_has_ext_type(cert, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) ||
	    (c->by_address && !has_address(cert, &c->address)))
		*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	return 0;
}

const char *verify_words(const struct outgoing *c, uint32_t flags)
{
	static const struct { uint32_t flag; const char *words; } table[] = {
		{ MBEDTLS_X509_BADCERT_MISSING, "it has no certificate" },
		{ MBEDTLS_X509_BADCERT_NOT_TRUSTED,
		  "no authority of tls.ca signed its certificate" },
		{ MBEDTLS_X509_BADCERT_EXPIRED, "its certificate, or one above, has expired" },
		{ MBEDTLS_X509_BADCERT_FUTURE, "its certificate, or one above, is not valid yet" },
		{ MBEDTLS_X509_BADCERT_CN_MISMATCH, "its certificate does not name it" },
		{ MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
		  "its certificate is not for servers" },
		{ MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
		  MBEDTLS_X509_BADCERT_BAD_KEY, "its certificate, or one above, is too weak" },
	};

	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED && c->self_signed)
		return "its certificate is signed by itself, and not in tls.ca";
	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (flags & table[i].flag)
			return table[i].words;
	return "its certificate is not good";
}
