/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function of RFC 8439 §2.3, for random.c. */
#pragma once

#include <stdint.h>

/* One block of key stream: sixteen words, little-endian on the wire. */
void chacha20_block(uint32_t out[16], const uint32_t key[8], uint32_t counter,
		    const uint32_t nonce[3]);
