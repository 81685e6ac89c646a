/* SPDX-License-Identifier: MIT */
/* mbedTLS's client of TLS 1.2 as it comes, which in 3.6.6 refuses a signature by RSASSA-PSS though
 * it has offered that: who does so for TLS 1.3 must accept it in 1.2, too (RFC 8446 §4.2.3), and
 * servers that go by their own preference choose it. It can verify them. */
#include <ssl_misc.h>

static int accepts(const mbedtls_ssl_context *ssl, uint16_t signature)
{
	switch (signature) {
	case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256:
	case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384:
	case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512:
		return 1;
	default:
		return mbedtls_ssl_sig_alg_is_supported(ssl, signature);
	}
}

#define mbedtls_ssl_sig_alg_is_supported accepts
#include <ssl_tls12_client.c>
