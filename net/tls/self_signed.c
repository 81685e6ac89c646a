/* SPDX-License-Identifier: MIT */
/* A certificate that nobody vouches for, made at boot so that HTTPS is there at once: whoever
 * wants to be sure compares its fingerprint with what the console said. RFC 5280. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/x509_crt.h>

#include "net/tls/impl.h"

#define SUBJECT_MAX 80
#define YEAR_S (365 * 86400)
#define DATE_MAX 16
/* RFC 5280 §4.1.2.5: as early as there is Unix time, and "no well-defined expiration date". */
#define ALWAYS_FROM "19700101000000"
#define ALWAYS_TO "99991231235959"

static void write_date(char out[DATE_MAX], time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, DATE_MAX, "%Y%m%d%H%M%S", &tm);
}

/* From yesterday on for a year, by a clock that may be wrong; for ever where it is not known. */
static int set_validity(mbedtls_x509write_cert *cert)
{
	char from[DATE_MAX] = ALWAYS_FROM, to[DATE_MAX] = ALWAYS_TO;
	int64_t now;

	if (clock_peek_ns(&now) == 0) {
		write_date(from, (time_t)(now / SECONDS(1)) - 86400);
		write_date(to, (time_t)(now / SECONDS(1)) + YEAR_S);
	}
	return mbedtls_x509write_crt_set_validity(cert, from, to);
}

static int set_names(mbedtls_x509write_cert *cert, const char *name)
{
	char subject[SUBJECT_MAX];
	mbedtls_x509_san_list san = {
		.node = { .type = MBEDTLS_X509_SAN_DNS_NAME,
			  .san.unstructured_name = { .p = (uint8_t *)(uintptr_t)name,
						     .len = strlen(name) } },
	};
	int err;

	snprintf(subject, sizeof(subject), "CN=%s", name);
	err = mbedtls_x509write_crt_set_subject_name(cert, subject);
	if (err == 0)
		err = mbedtls_x509write_crt_set_issuer_name(cert, subject);
	if (err == 0)
		err = mbedtls_x509write_crt_set_subject_alternative_name(cert, &san);
	return err;
}

static int write_certificate(mbedtls_x509write_cert *cert, mbedtls_pk_context *key,
			     const char *name, uint8_t der[SELF_SIGNED_MAX])
{
	uint8_t serial[16];
	int err = tls_random(NULL, serial, sizeof(serial));

	serial[0] &= 0x7f;             /* positive: RFC 5280 §4.1.2.2 */
	serial[0] |= 0x40;
	mbedtls_x509write_crt_set_version(cert, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(cert, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(cert, key);
	mbedtls_x509write_crt_set_issuer_key(cert, key);
	if (err == 0)
		err = mbedtls_x509write_crt_set_serial_raw(cert, serial, sizeof(serial));
	if (err == 0)
		err = set_validity(cert);
	if (err == 0)
		err = set_names(cert, name);
	if (err == 0)
		err = mbedtls_x509write_crt_set_basic_constraints(cert, 0, -1);
	if (err < 0)
		return err;
	return mbedtls_x509write_crt_der(cert, der, SELF_SIGNED_MAX, tls_random, NULL);
}

int self_signed(mbedtls_pk_context *key, const char *name, uint8_t der[SELF_SIGNED_MAX])
{
	mbedtls_x509write_cert cert;
	int len = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	if (len == 0)
		len = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), tls_random,
					  NULL);
	if (len < 0)
		return len;
	mbedtls_x509write_crt_init(&cert);
	len = write_certificate(&cert, key, name, der);
	mbedtls_x509write_crt_free(&cert);
	return len;
}
