/* SPDX-License-Identifier: MIT */
/* RSA's arithmetic takes longer than that on curves: tens of milliseconds on an emulated CPU. Each
 * of its multiplications (Montgomery's, bignum_core.c) ends in a copy in constant time, and
 * that is the moment to let everybody else run. The linker puts this in the place of mbedTLS's
 * own copy (linker/libs.mk). Numbers of curves are shorter, and breathe elsewhere
 * (net/tls/breathe.c). */
#include <mbedtls/ecp.h>

#include <constant_time_internal.h>

#include "net/tls/impl.h"

void __real_mbedtls_ct_memcpy_if(mbedtls_ct_condition_t condition, unsigned char *dest,
				 const unsigned char *yes, const unsigned char *no, size_t len);
void __wrap_mbedtls_ct_memcpy_if(mbedtls_ct_condition_t condition, unsigned char *dest,
				 const unsigned char *yes, const unsigned char *no, size_t len);

void __wrap_mbedtls_ct_memcpy_if(mbedtls_ct_condition_t condition, unsigned char *dest,
				 const unsigned char *yes, const unsigned char *no, size_t len)
{
	__real_mbedtls_ct_memcpy_if(condition, dest, yes, no, len);
	if (len > MBEDTLS_ECP_MAX_BYTES)
		tls_breathe();
}
