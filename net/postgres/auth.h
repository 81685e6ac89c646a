/* SPDX-License-Identifier: MIT */
/* Proofs of a password: SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, as
 * PostgreSQL's documentation has it in "SASL Authentication"; and its older md5. Texts in, texts
 * out: the messages around them are conn.c's. With TLS=no there is no crypto in the image, and
 * all of it says -ENOTSUP (none/auth.c). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"

#define PG_SCRAM_SALT 64u              /* bytes of a salt, at most */
#define PG_SCRAM_ROUNDS_MIN 4096u      /* RFC 7677 §4 */
#define PG_SCRAM_ROUNDS_MAX 200000u    /* a third of a second natively, and no more */
#define PG_SCRAM_TEXT 512u             /* of any message */
#define PG_MD5_TEXT 36u                /* "md5", 32 digits, NUL */

/* What a password comes to under one salt. Kept, so that a connection that is made again costs
 * no rounds; as secret as the password is. */
struct pg_scram_keys {
	uint8_t salt[PG_SCRAM_SALT], client[32], stored[32], server[32];
	size_t salt_len;
	uint32_t rounds;               /* 0: none yet */
};

struct pg_scram {
	char nonce[25];                /* ours */
	char auth[PG_SCRAM_TEXT * 2];  /* what both sides sign */
	struct pg_scram_keys *keys;
};

/* Writes the first message to buf[PG_SCRAM_TEXT], with a NUL; `nonce` of 24 printable characters
 * without a comma, or NULL: a random one. `keys` outlives s. 0 or -ENOTSUP. */
int pg_scram_first(struct pg_scram *s, struct pg_scram_keys *keys, const char *nonce, char *buf);

/* Answers the server's first message with the client's proof, in buf[PG_SCRAM_TEXT]. 0; -EPROTO:
 * malformed, or not an answer to our nonce, or rounds out of bounds; -ETIMEDOUT. Waits now and
 * then, for others' sake. */
int pg_scram_final(struct pg_scram *s, const char *server_first, size_t len, const char *password,
		   char *buf, ktime deadline);

/* Whether the server's last message proves that it knows the password, too: 0, -EACCES. */
int pg_scram_verify(struct pg_scram *s, const char *server_final, size_t len);

/* "md5..." for AuthenticationMD5Password: 0 or -ENOTSUP. */
int pg_md5(char text[PG_MD5_TEXT], const char *user, const char *password, const uint8_t salt[4]);
