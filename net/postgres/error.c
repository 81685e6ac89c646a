/* SPDX-License-Identifier: MIT */
/* From SQLSTATE ("PostgreSQL Error Codes") to errno, and from there to HTTP (RFC 9110 §15). */
#include <errno.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

int pg_errno(const struct pg_error *e)
{
	static const struct {
		const char *prefix;
		int error;
	} table[] = {
		{ "23505", -EEXIST }, { "22", -EINVAL }, { "23", -EINVAL }, { "28", -EACCES },
		{ "40", -EAGAIN }, { "42501", -EPERM }, { "53", -EBUSY }, { "55", -EAGAIN },
		{ "57014", -ETIMEDOUT }, { "57", -EBUSY },
	};

	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (strncmp(e->sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
			return table[i].error;
	return -EIO;
}

unsigned pg_status(int err)
{
	switch (err) {
	case -EEXIST:
		return 409;
	case -EINVAL:
	case -ERANGE:
		return 400;
	case -ETIMEDOUT:
		return 504;
	case -EADDRNOTAVAIL:
	case -EAGAIN:
	case -EBUSY:
	case -ECANCELED:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETDOWN:
	case -ENOBUFS:
	case -ENOMEM:
		return 503;
	default:
		return 502;
	}
}

const char *pg_reason(int err)
{
	static const struct {
		int error;
		const char *words;
	} table[] = {
		{ -EACCES, "the database refuses us" },
		{ -EADDRNOTAVAIL, "no port is free" },
		{ -EAGAIN, "try again" },
		{ -EBUSY, "the database is busy" },
		{ -ECANCELED, "cancelled" },
		{ -ECONNREFUSED, "no database there" },
		{ -ECONNRESET, "the database has gone" },
		{ -EDOM, "a column is of another type" },
		{ -EEXIST, "there is one already" },
		{ -EHOSTUNREACH, "no way to the database" },
		{ -EINVAL, "not acceptable" },
		{ -EIO, "the database could not do that" },
		{ -EMSGSIZE, "the database says too much" },
		{ -ENETDOWN, "no name server known" },
		{ -ENODATA, "a column is NULL" },
		{ -ENOENT, "no such name" },
		{ -ENOMEM, "no memory" },
		{ -EPERM, "not allowed" },
		{ -EPROTO, "the database speaks another protocol" },
		{ -ERANGE, "out of range" },
		{ -ETIMEDOUT, "timed out" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].error == err)
			return table[i].words;
	return "failed";
}
