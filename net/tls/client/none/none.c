/* SPDX-License-Identifier: MIT */
/* An image that can be no client of TLS: without TLS, or on a microcontroller. */
#include <errno.h>

#include "kernel/kernel.h"
#include "net/tls.h"

int tls_connect(struct stream **s, struct stream *lower, const char *host, const char *alpn,
		const struct stream_ops *ops, void *conn)
{
	log_warn("tls: %s: not connected: this image has no TLS for clients", host);
	return -EPROTONOSUPPORT;
}

void tls_shutdown(struct stream *s) {}
void tls_expect(struct stream *s) {}

/* Nobody is asked for what these would say. */
int tls_set_ca(const char *value)
{
	return 0;
}

int tls_set_connect_cert(const char *value)
{
	return 0;
}

int tls_set_connect_key(const char *value)
{
	return 0;
}
