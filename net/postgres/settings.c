/* SPDX-License-Identifier: MIT */
/* Where the database is, and what is counted (net/postgres.h has the table of settings). */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

struct pg_settings pg_settings = {
	.host = "127.0.0.1", .port = 5432, .user = "postgres", .database = "postgres",
	.min = 1, .max = 8, .idle_s = 60, .message = 256u << 10, .auth = PG_AUTH_SCRAM,
};

struct counter pg_counters[PG_N] = {
	[PG_N_CONNECTED] = {"postgres_connected_total", 0},
	[PG_N_CONNECT_FAILED] = {"postgres_connect_failed_total", 0},
	[PG_N_LOST] = {"postgres_lost_total", 0},
	[PG_N_QUERIES] = {"postgres_queries_total", 0},
	[PG_N_PREPARED] = {"postgres_prepared_total", 0},
	[PG_N_ERRORS] = {"postgres_errors_total", 0},
	[PG_N_TIMEOUTS] = {"postgres_timeouts_total", 0},
	[PG_N_CANCELLED] = {"postgres_cancelled_total", 0},
	[PG_N_BUSY] = {"postgres_busy_total", 0},
	[PG_N_NOTICES_DROPPED] = {"postgres_notifications_dropped_total", 0},
};

/* What SASLprep (RFC 4013) leaves as it is. */
int pg_set_password(const char *value)
{
	size_t n = strlen(value);

	if (n >= sizeof(pg_settings.password))
		return -EINVAL;
	for (const char *p = value; *p; p++)
		if (*p < ' ' || *p > '~')
			return -EINVAL;
	memcpy(pg_settings.password, value, n + 1);
	return 0;
}

int pg_set_auth(const char *value)
{
	static const char *const names[] = {
		[PG_AUTH_NONE] = "none", [PG_AUTH_PASSWORD] = "password", [PG_AUTH_MD5] = "md5",
		[PG_AUTH_SCRAM] = "scram",
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			pg_settings.auth = (enum pg_auth)i;
			return 0;
		}
	}
	return -EINVAL;
}
