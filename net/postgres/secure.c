/* SPDX-License-Identifier: MIT */
/* TLS to the server ("SSL Session Encryption" in PostgreSQL's documentation of the protocol):
 * asked for before anything else is said, and never done without where it is wanted. */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

#define ALPN "postgresql"

int pg_set_sslmode(const char *value)
{
	pg_settings.verify = strcmp(value, "verify-full") == 0;
	return pg_settings.verify || strcmp(value, "disable") == 0 ? 0 : -EINVAL;
}

int pg_secure(struct sock *s, ktime deadline)
{
	static const uint8_t request[] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };    /* 80877103 */
	uint8_t answer;
	long n;

	if (!pg_settings.verify)
		return 0;
	n = sock_write(s, request, sizeof(request), deadline);
	if (n == 0)
		n = sock_read(s, &answer, 1, deadline);
	if (n <= 0)
		return n < 0 ? (int)n : -ECONNRESET;
	if (answer == 'S')
		return sock_start_tls(s, pg_settings.host, ALPN, deadline);
	if (answer == 'N')
		log_warn("postgres: %s:%u: the server has no TLS, and postgres.sslmode=verify-full "
			 "does not go without", pg_settings.host, (unsigned)pg_settings.port);
	return answer == 'N' ? -EACCES : -EPROTO;
}
