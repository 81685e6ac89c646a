/* SPDX-License-Identifier: MIT */
/* An image without TLS (TLS=no). */
#include "net/tls.h"

void tls_declare(void) {}

void tls_init(void) {}

void tls_start(const struct stream_ops *ops) {}
