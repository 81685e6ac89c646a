/* SPDX-License-Identifier: MIT */
/* The chunked transfer coding, decoded in place and piece by piece. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised before a body's first byte. */
struct http_chunk {
	uint64_t left;                 /* of the chunk being read */
	uint32_t extra;                /* bytes of extensions and trailers so far */
	uint8_t state, digits;
};

enum http_chunk_result { HTTP_CHUNK_MORE, HTTP_CHUNK_DATA, HTTP_CHUNK_END };

/* Reads on at in[0..len). *used becomes the number of bytes dealt with.
 * HTTP_CHUNK_MORE: all of them, more is needed. HTTP_CHUNK_DATA: the last
 * *data of the used bytes are body; call again with the rest. HTTP_CHUNK_END:
 * the body and its trailers are complete. -400: malformed; -431: more than
 * max_extra bytes of chunk extensions and trailers. */
int http_chunk_next(struct http_chunk *c, const uint8_t *in, size_t len, uint32_t max_extra,
		    size_t *used, size_t *data);
