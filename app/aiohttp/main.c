/* SPDX-License-Identifier: MIT */
/* A service that asks others: the counterpart of tests/apps/aiohttp.py. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "kernel/config.h"
#include "net/sock.h"

static void fetch(struct request *req, struct response *res)
{
	struct sock *s;
	ktime deadline = clock_after_ms(5000);
	char buf[1024];
	const char *host = request_param(req, "host");
	long n;
	int e = sock_connect(&s, host, (uint16_t)atoi(request_param(req, "port")), deadline);

	if (e < 0) {
		status(res, 502);
		json(res, "{ error: %d }", e);
		return;
	}
	e = sock_write(s, "GET / HTTP/1.0\r\n\r\n", 18, deadline);
	if (e == 0)
		sock_shutdown(s);
	size_t total = 0;
	while (e == 0 && (n = sock_read(s, buf, sizeof(buf), deadline)) != 0) {
		if (n < 0)
			e = (int)n;
		else
			total += (size_t)n;
	}
	sock_close(s);
	json(res, "{ e: %d, read: %zu }", e, total);
}

void app_main(void)
{
	route("GET", "/fetch/:host/:port", fetch);
}
