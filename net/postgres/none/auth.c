/* SPDX-License-Identifier: MIT */
/* An image without crypto, TLS=no (net/postgres/auth.h). */
#include "net/postgres/auth.h"

#include <errno.h>

#include "kernel/kernel.h"

int pg_scram_first(struct pg_scram *s, struct pg_scram_keys *keys, const char *nonce, char *buf)
{
	log_warn("postgres: the server asks for SCRAM, which an image with TLS=no does not have");
	return -ENOTSUP;
}

int pg_scram_final(struct pg_scram *s, const char *server_first, size_t len, const char *password,
		   char *buf, ktime deadline)
{
	return -ENOTSUP;
}

int pg_scram_verify(struct pg_scram *s, const char *server_final, size_t len)
{
	return -ENOTSUP;
}

int pg_md5(char text[PG_MD5_TEXT], const char *user, const char *password, const uint8_t salt[4])
{
	return -ENOTSUP;
}
