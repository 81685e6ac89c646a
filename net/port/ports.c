/* SPDX-License-Identifier: MIT */
/* Local ports of outgoing connections: RFC 6056 §3.3.2, random ones from the whole range, tried
 * until one is free towards this peer. A port is taken only for one remote address and port, so
 * 64512 connections to each are possible at a time.
 *
 * A peer that is asked that often may have every port in TIME_WAIT here. The one that has waited
 * longest of those seen is used again: the new sequence numbers and timestamps lie beyond the old
 * ones (RFC 6191, as seen from the other side).
 *
 * Outside: no bucket is loaded. */
#include "kernel/random.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>

#include "net/port/port.h"

#define FIRST 1024u                    /* RFC 6056 §3.2 */
#define TRIES 128u                     /* where nine of ten are in use, all fail once in 10^6 */

static const struct tcp_pcb *find(const struct tcp_pcb *pcb, const ip_addr_t *remote,
				  uint16_t remote_port, uint16_t port)
{
	while (pcb && (pcb->local_port != port || pcb->remote_port != remote_port ||
		       !ip_addr_eq(&pcb->remote_ip, remote)))
		pcb = pcb->next;
	return pcb;
}

uint16_t port_ephemeral(const ip_addr_t *remote, uint16_t remote_port)
{
	const struct tcp_pcb *old = NULL, *waits;
	uint16_t port;

	for (unsigned i = 0; i < TRIES; i++) {
		unsigned b;

		port = (uint16_t)(FIRST + random_u32() % (65536 - FIRST));
		b = bucket_of(remote, remote_port, port);
		if (port_listening(port) || find(bucket_active(b), remote, remote_port, port))
			continue;
		waits = find(bucket_time_wait(b), remote, remote_port, port);
		if (!waits)
			return port;
		if (!old || tcp_ticks - waits->tmr > tcp_ticks - old->tmr)
			old = waits;
	}
	if (!old)
		return 0;
	port = old->local_port;
	port_isn_floor(old->snd_nxt);
	pcb_drop((struct tcp_pcb *)old);
	COUNT(N_TIME_WAIT_REOPENED);
	return port;
}
