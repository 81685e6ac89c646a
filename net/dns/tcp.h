/* SPDX-License-Identifier: MIT */
/* Questions over TCP, for answers that UDP cuts off: RFC 7766. From the net loop; none waits. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

/* Bytes of an answer that are kept; one that is longer counts as cut off there. */
#define DNS_TCP_MAX 4096u

struct dns_exchange;

/* Called once: what has come; len 0: nothing good. The message is valid until it returns. */
typedef void dns_done(void *arg, struct dns_exchange *x, const uint8_t *message, size_t len);

/* Puts a question to a server; done(arg, ...) follows, unless it is cancelled. NULL: as many as
 * may be are under way, or there is no connection to be had. */
struct dns_exchange *dns_tcp_ask(const struct addr *server, const uint8_t *query, size_t len,
				 dns_done *done, void *arg);
void dns_tcp_cancel(struct dns_exchange *x);
