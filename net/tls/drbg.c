/* SPDX-License-Identifier: MIT */
/* TLS's random bytes: CTR-DRBG with AES-256 (SP 800-90A §10.2.1) by mbedTLS, seeded from the
 * kernel's generator, which holds what every source of the machine gave. It is seeded anew after
 * RESEED_INTERVAL requests, and whenever that one was: its sources were asked again, or the machine
 * was cloned or stood still. */
#include <mbedtls/ctr_drbg.h>
#include <psa/crypto.h>

#include "kernel/random.h"
#include "net/tls/impl.h"

#define RESEED_INTERVAL 1024

static mbedtls_ctr_drbg_context drbg;
static bool seeded;
static uint32_t epoch;                 /* the kernel's generator's, at the last seeding */

static int seed(void *unused, unsigned char *out, size_t len)
{
	random_bytes(out, len);
	return 0;
}

int tls_random(void *unused, unsigned char *out, size_t len)
{
	uint32_t now = random_epoch();
	int err = 0;

	if (seeded && now != epoch)
		err = mbedtls_ctr_drbg_reseed(&drbg, NULL, 0);
	epoch = now;
	if (!seeded) {
		mbedtls_ctr_drbg_init(&drbg);
		err = mbedtls_ctr_drbg_seed(&drbg, seed, NULL, NULL, 0);
		mbedtls_ctr_drbg_set_reseed_interval(&drbg, RESEED_INTERVAL);
		seeded = err == 0;
	}
	while (err == 0 && len > 0) {
		size_t n = MIN(len, (size_t)MBEDTLS_CTR_DRBG_MAX_REQUEST);

		err = mbedtls_ctr_drbg_random(&drbg, out, n);
		out += n;
		len -= n;
	}
	return err;
}

/* The PSA part of mbedTLS, which TLS 1.3 computes its keys with, draws here as well. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *unused,
					     uint8_t *out, size_t size, size_t *len)
{
	*len = size;
	return tls_random(NULL, out, size) == 0 ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
