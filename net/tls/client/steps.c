/* SPDX-License-Identifier: MIT */
/* mbedTLS calls a client's part of the handshake here (the linker puts these in the place of its
 * own functions, linker/libs.mk), so that an image in which nothing connects is linked without
 * it. */
#include <ssl_misc.h>

#include "net/tls/impl.h"

#define STEP(name) \
	int __real_##name(mbedtls_ssl_context *ssl); \
	int __wrap_##name(mbedtls_ssl_context *ssl); \
	int __wrap_##name(mbedtls_ssl_context *ssl) \
	{ \
		return tls_client ? __real_##name(ssl) : MBEDTLS_ERR_SSL_BAD_INPUT_DATA; \
	}

STEP(mbedtls_ssl_write_client_hello)
STEP(mbedtls_ssl_handshake_client_step)
STEP(mbedtls_ssl_tls13_handshake_client_step)
