/* SPDX-License-Identifier: MIT */
/* sources: net/dns/message.c */
/* libFuzzer: answers of name servers. The first byte chooses the family and whether the id and the
 * question, which nobody off the path can know, are put right. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOST "a.bc.example"
#define ID 77

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t question[DNS_QUERY_MAX], *message;
	struct dns_found f;
	size_t asked;
	int r;

	if (size < 1)
		return 0;
	asked = dns_write_query(question, HOST, ID, data[0] & 1 ? DNS_AAAA : DNS_A);
	size--;
	message = malloc(size ? size : 1);
	memcpy(message, data + 1, size);
	if ((data[0] & 2) && size >= asked) {
		memcpy(message, question, 2);
		memcpy(message + 4, question + 4, 2);
		memcpy(message + 12, question + 12, asked - 12);
	}
	r = dns_read_answer(message, size, HOST, ID, data[0] & 1 ? DNS_AAAA : DNS_A, &f);
	assert(r == 0 || r == -EAGAIN || r == -EIO);
	if (r == 0) {
		assert(f.count <= BUDGET_DNS_ADDRS && f.ttl <= 86400);
		for (unsigned i = 0; i < f.count; i++)
			assert(!addr_is_none(&f.addr[i]));
	}
	free(message);
	return 0;
}
