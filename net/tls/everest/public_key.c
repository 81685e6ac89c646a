/* SPDX-License-Identifier: MIT */
/* The public half of an X25519 key pair (RFC 7748 §6.1) by Project Everest's function. mbedTLS
 * has that function for the shared secret alone, and half of a handshake's time would go
 * into the public key. The linker puts this in the place of mbedTLS's own (linker/libs.mk). */
#include <psa/crypto.h>

#include <Hacl_Curve25519.h>

#define KEY 32

psa_status_t __real_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
						      const uint8_t *key, size_t key_size,
						      uint8_t *data, size_t size, size_t *len);
psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
						      const uint8_t *key, size_t key_size,
						      uint8_t *data, size_t size, size_t *len);

psa_status_t __wrap_mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
						      const uint8_t *key, size_t key_size,
						      uint8_t *data, size_t size, size_t *len)
{
	uint8_t base[KEY] = { 9 };

	if (psa_get_key_type(attributes) != PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY) ||
	    key_size != KEY)
		return __real_mbedtls_psa_ecp_export_public_key(attributes, key, key_size, data,
								size, len);
	if (size < KEY)
		return PSA_ERROR_BUFFER_TOO_SMALL;
	Hacl_Curve25519_crypto_scalarmult(data, (uint8_t *)key, base);
	*len = KEY;
	return PSA_SUCCESS;
}
