/* SPDX-License-Identifier: MIT */
/* An image without TLS (TLS=no). */
#include "kernel/image.h"
#include "net/tls.h"

const size_t image_deep_stack;

void tls_declare(void) {}

void tls_init(void) {}

void tls_start(const struct stream_ops *ops) {}

uint16_t https_port(void)
{
	return 0;
}
