/* SPDX-License-Identifier: MIT */
/* What a gateway tells its own client of an error (net/client.h): RFC 9110 §15.6.3-5. */
#include "net/client.h"

#include <errno.h>

unsigned client_error_status(int err)
{
	switch (err) {
	case -ETIMEDOUT:
		return 504;
	case -EAGAIN:
	case -ENOMEM:
	case -EADDRNOTAVAIL:
	case -ENETDOWN:
	case -ECANCELED:
		return 503;
	default:
		return 502;
	}
}

const char *client_error_text(int err)
{
	switch (err) {
	case -EINVAL:
		return "not a URL or field";
	case -EPROTONOSUPPORT:
		return "https is not supported";
	case -ENOTCONN:
		return "not connected";
	case -EACCES:
		return "not verified";
	case -EAGAIN:
		return "the time is not known yet";
	case -ETIMEDOUT:
		return "timed out";
	case -EPROTO:
		return "malformed answer";
	case -EREMOTE:
		return "answered with an error";
	case -EIO:
		return "the name servers cannot tell";
	case -EMSGSIZE:
		return "answer too long";
	case -ELOOP:
		return "too many redirects";
	case -ENOMEM:
		return "no memory";
	case -ECANCELED:
		return "cancelled";
	case -ENOENT:
		return "no such name";
	case -ENETDOWN:
		return "no name server known";
	case -ECONNREFUSED:
		return "connection refused";
	case -ECONNRESET:
		return "connection reset";
	case -EHOSTUNREACH:
		return "no route";
	case -EADDRNOTAVAIL:
		return "no free port";
	default:
		return "failed";
	}
}
