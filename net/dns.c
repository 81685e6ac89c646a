/* SPDX-License-Identifier: MIT */
/* Names to addresses by lwIP's resolver (RFC 1035, with random ids and source
 * ports), for tasks that may wait. */
#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dns.h>

#include "kernel/task.h"
#include "net/net.h"
#include "net/port/port.h"

#define WAITERS DNS_TABLE_SIZE
#define GAVE_UP SECONDS(DNS_MAX_RETRIES - 1)  /* an answer after this long was none */

/* One question under way. lwIP always answers at last, so the place stays taken
 * until then, even when nobody waits any more. */
static struct waiter {
	struct event done;
	bool taken, waited_for, answered;
	uint32_t ip4;                  /* 0: no such name */
} waiters[WAITERS];

static void found(const char *name, const ip_addr_t *ip, void *arg)
{
	struct waiter *w = arg;

	if (!w->waited_for) {
		w->taken = false;
		return;
	}
	w->ip4 = ip ? ip_addr_get_ip4_u32(ip) : 0;
	w->answered = true;
	event_signal(&w->done);
}

static struct waiter *free_waiter(void)
{
	for (unsigned i = 0; i < WAITERS; i++)
		if (!waiters[i].taken)
			return &waiters[i];
	return NULL;
}

static int wait_for(struct waiter *w, uint32_t *ip4, ktime deadline)
{
	ktime since = clock_now();
	int err = event_wait(&w->done, deadline);

	if (!w->answered) {
		w->waited_for = false;         /* found() frees it */
		return err;
	}
	w->taken = false;
	*ip4 = w->ip4;
	if (w->ip4)
		return 0;
	return clock_now() - since >= GAVE_UP ? -ETIMEDOUT : -ENOENT;
}

int net_resolve(const char *host, uint32_t *ip4, ktime deadline)
{
	struct waiter *w = free_waiter();
	ip_addr_t ip;

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .taken = true, .waited_for = true };
	switch (dns_gethostbyname(host, &ip, found, w)) {
	case ERR_OK:
		w->taken = false;
		*ip4 = ip_addr_get_ip4_u32(&ip);
		return 0;
	case ERR_INPROGRESS:
		COUNT(N_DNS_QUERIES);
		net_kick();
		return wait_for(w, ip4, deadline);
	case ERR_MEM:
		w->taken = false;
		return -ENOMEM;
	case ERR_VAL:
		w->taken = false;
		return -ENETDOWN;
	default:
		w->taken = false;
		return -ENOENT;
	}
}
