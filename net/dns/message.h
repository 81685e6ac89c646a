/* SPDX-License-Identifier: MIT */
/* DNS messages: a question out, an answer in. Pure; what a server may say is believed only as far
 * as it answers what was asked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/budget.h"
#include "net/addr.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

#define DNS_QUERY_MAX (12 + BUDGET_DNS_NAME + 1 + 4)

/* Writes the question: its length, or 0 when `host` is no name (RFC 1035 §2.3.4). */
size_t dns_write_query(uint8_t out[DNS_QUERY_MAX], const char *host, uint16_t id,
		       enum dns_type type);

struct dns_found {
	unsigned count;                /* 0: there is no such name, or no such address of it */
	bool no_name;                  /* there is no such name, of any type (RFC 8020) */
	uint32_t ttl;                  /* seconds for which that may be believed */
	struct addr addr[BUDGET_DNS_ADDRS];
};

/* Reads an answer to what dns_write_query() has written with these arguments: 0 and *found;
 * -EAGAIN: it is none, the true one may still come; -EIO: the server cannot say. */
int dns_read_answer(const uint8_t *message, size_t len, const char *host, uint16_t id,
		    enum dns_type type, struct dns_found *found);

/* Whether a message of which dns_read_answer() did not say -EAGAIN had more to say than UDP has
 * room for. */
static inline bool dns_is_cut(const uint8_t *message)
{
	return message[2] & 0x02;
}
