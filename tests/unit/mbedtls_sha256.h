/* SPDX-License-Identifier: MIT */
/* As much of mbedTLS as net/postgres/crypto takes. */
#pragma once

#define MBEDTLS_SHA256_C
#define MBEDTLS_MD5_C
#define MBEDTLS_BASE64_C
