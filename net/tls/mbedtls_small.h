/* SPDX-License-Identifier: MIT */
/* mbedTLS in 64 KiB of RAM: tables in flash, short records, TLS 1.3 alone. */
#include "net/tls/mbedtls_common.h"

#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_MPI_WINDOW_SIZE 1
#define MBEDTLS_MPI_MAX_SIZE 64
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8

#define MBEDTLS_SSL_IN_CONTENT_LEN 3072
#define MBEDTLS_SSL_OUT_CONTENT_LEN 1024
