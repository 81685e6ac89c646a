/* SPDX-License-Identifier: MIT */
/* Whether a server can be trusted over TLS: the counterpart of tests/apps/probe_app.py. */
#include <errno.h>
#include <stdlib.h>

#include "app/app.h"
#include "net/sock.h"
#include "net/tls.h"

SETTINGS(TLS_SETTINGS);

static const char *why(int err)
{
	return err == -EACCES ? "unverified" : err == -ETIMEDOUT ? "timeout" :
	       err == -ECONNREFUSED || err == -ECONNRESET ? "connection" : "protocol";
}

static void probe(struct request *req, struct response *res)
{
	const char *host = request_param(req, "host");
	uint16_t port = (uint16_t)atoi(request_param(req, "port"));
	ktime deadline = clock_after_ms(3000);
	char piece[1024];
	size_t bytes = 0;
	struct sock *s;
	long n = sock_connect(&s, host, port, deadline);

	if (n == 0) {
		n = sock_start_tls(s, host, "http/1.1", deadline);
		if (n == 0)
			n = sock_write(s, "GET / HTTP/1.0\r\n\r\n", 18, deadline);
		while (n >= 0 && (n = sock_read(s, piece, sizeof(piece), deadline)) > 0)
			bytes += (size_t)n;
		sock_close(s);
	}
	if (n < 0)
		json(res, "{ host: %s, verified: false, error: %s }", host, why((int)n));
	else
		json(res, "{ host: %s, verified: true, bytes: %zu }", host, bytes);
}

void app_main(void)
{
	route("GET", "/:host/:port", probe);
}
