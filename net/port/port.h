/* SPDX-License-Identifier: MIT */
/* Between net/ and its lwIP: what the port offers the loop and the streams.
 * Nothing here waits; all of it runs in the task that holds the loop, except
 * what says otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "kernel/counter.h"
#include "net/netdev.h"

#include <lwip/opt.h>

#include <lwip/err.h>
#include <lwip/ip_addr.h>

#include "net/addr.h"

struct tcp_pcb;
struct pbuf;
struct netif;

/* ---- memp.c: how much there is of everything --------------------------------- */

struct port_limits {
	unsigned streams;          /* connections that a protocol may hold */
	unsigned clients;          /* connections that we open, beside those */
	unsigned half_open;        /* handshakes under way */
	unsigned pcbs;             /* of lwIP, those above and closing ones included */
	unsigned rx_small, rx_big; /* copies of received frames */
};
extern struct port_limits port_limits;

/* Boot, before lwip_init(): decides the limits from mem_total(). */
void port_size(void);

/* pcbs in use, and whether one can be had now. */
unsigned port_pcbs(void);
bool port_pcb_free(void);

/* ---- netif.c: the interface, and sending -------------------------------------------- */

extern struct netif port_netif;
extern struct netdev *port_nic;
extern uint16_t port_mtu_limit;        /* the most that the card and mtu= allow */

/* Boot: makes the interface for `dev`, an MTU of at most `mtu`. */
void port_netif_init(struct netdev *dev, uint16_t mtu, const char *hostname);

/* Hands to the NIC what was queued. */
void port_flush(void);

/* Once a second: carrier, ageing of learned addresses. */
void port_netif_tick(void);

/* ARP or neighbour discovery may have changed its mind. */
void port_forget_neighbours(void);

/* Sends p to where the last packet to `to` went, if that is remembered: true, how it went in *err.
 * Otherwise it is to be resolved: port_resolved(what that came to). */
bool port_output(struct pbuf *p, const struct addr *to, err_t *err);
err_t port_resolved(err_t err);

/* Whether one more ICMP error may be sent in this second. */
bool port_icmp_error_allowed(void);

/* ---- input.c: receiving --------------------------------------------------------------- */

void port_input_init(void);

/* Takes one frame from the NIC through lwIP: false when there was none. */
bool port_input(void);

/* Puts small received data together: takes p and returns the buffer that holds
 * its bytes, `last` itself if they fitted behind what that has. */
struct pbuf *port_pack(struct pbuf *last, struct pbuf *p);

/* Most of the memory into which received data can be copied is in use. */
bool port_rx_short(void);

/* ---- buckets.c: TCP's connections, hashed ------------------------------------------ */

void buckets_init(void);

/* Where the connection lives; ports in host order. */
unsigned bucket_of(const ip_addr_t *remote, uint16_t remote_port, uint16_t local_port);
unsigned bucket_of_pcb(const struct tcp_pcb *pcb);

/* Every lwIP call that may find, add or remove a pcb stands between these two,
 * which do not nest. */
void bucket_load(unsigned b);
void bucket_store(void);

/* The first pcb of a bucket that is not loaded. */
struct tcp_pcb *bucket_active(unsigned b);
struct tcp_pcb *bucket_time_wait(unsigned b);
unsigned bucket_count(void);

/* What a pcb is waiting for, oldest first, so that it can be given up. */
enum pcb_age { AGE_NONE, AGE_HALF_OPEN, AGE_CLOSING, AGE_TIME_WAIT, AGES };
void pcb_set_age(struct tcp_pcb *pcb, enum pcb_age age);
enum pcb_age pcb_age(const struct tcp_pcb *pcb);
struct tcp_pcb *pcb_oldest(enum pcb_age age);
unsigned pcb_count(enum pcb_age age);

/* Forgets a connection without a word to its peer; any bucket may be loaded. */
void pcb_drop(struct tcp_pcb *pcb);

/* memp.c tells: this pcb is new, or no more. */
void pcb_made(struct tcp_pcb *pcb);
void pcb_freed(struct tcp_pcb *pcb);
/* How many bytes a pcb takes with what buckets.c keeps beside it. */
unsigned pcb_size(void);

/* ---- timers.c ------------------------------------------------------------------------ */

/* When the loop has to look at timers again, its own and those of net/; who
 * starts one that is due earlier moves it. */
extern ktime port_due;
static inline void port_due_at(ktime t)
{
	if (t < port_due)
		port_due = t;
}

/* Runs what is due and says when to be called next. */
ktime port_timers(ktime now);

/* ---- gate.c: what lwIP may see -------------------------------------------------------- */

/* A TCP packet whose headers lie in p's first buffer; takes p. `l4` is the
 * offset of the TCP header; both addresses are in lwIP's ip_data already. */
void port_tcp_input(struct pbuf *p, unsigned l4);

/* The same for a packet whose IP header was found good and is taken off. */
void port_tcp_segment(struct pbuf *p);

/* Once a second. */
void port_gate_tick(void);

/* No new connections from now on: a SYN is answered with a reset. */
void port_stop_listening(void);

/* Before an outgoing or accepted connection: makes room for a pcb by giving up
 * the oldest in TIME_WAIT, then those that are closing, then the half-open.
 * False when all are in use. */
bool port_make_room(void);

/* True while connections to this port are accepted. */
bool port_listening(u16_t port);

/* ---- ports.c ------------------------------------------------------------------------- */

/* A local port for a connection to `remote`, or 0: all are in use. One that is in TIME_WAIT
 * is only given when no other was found, and then leaves it; the next initial sequence number
 * lies beyond. No bucket is loaded. */
uint16_t port_ephemeral(const ip_addr_t *remote, uint16_t remote_port);

/* ---- pmtu.c: path MTU discovery of TCP ---------------------------------------------- */

/* A router says that a segment from `local` to `remote`, whose header begins at `tcp` (eight bytes
 * of it), does not fit through an MTU. Believed if that is under way. No bucket is loaded. */
void port_too_big(const ip_addr_t *local, const ip_addr_t *remote, const uint8_t *tcp,
		  uint32_t mtu);

/* The link itself carries no more than this from now on, for one family. No bucket is loaded. */
void port_link_narrowed(bool ip6, unsigned mtu);

/* The slow timer has looked at this connection: perhaps its segments do not fit, and nobody
 * says so. */
void port_in_vain(struct tcp_pcb *pcb);

/* ---- sys.c ------------------------------------------------------------------------------ */

void port_sys_init(void);

/* The next initial sequence number must lie beyond this (RFC 1122 §4.2.2.13). */
void port_isn_floor(uint32_t seq);

/* A 16-bit value that a peer cannot guess: IP ids. */
uint16_t port_random16(void);

/* ---- Counters --------------------------------------------------------------------------- */

enum net_count {
	N_RX_FRAMES, N_RX_COPIED, N_RX_IGNORED, N_RX_NO_MEMORY, N_RX_FRAGMENTS,
	N_TX_FRAMES, N_TX_NO_BUFFER, N_TX_DROPPED, N_ICMP_LIMITED,
	N_OPENED, N_REFUSED, N_EVICTED, N_RESET, N_LINGER_CUT,
	N_SYN, N_SYN_REFUSED, N_HALF_OPEN_DROPPED, N_CLOSING_DROPPED, N_TIME_WAIT_RECYCLED,
	N_TIME_WAIT_REOPENED, N_TIME_WAIT_NOW, N_BAD_ACK, N_PAWS, N_CHALLENGES_LIMITED,
	N_PMTU, N_DHCP_LEASES, N_DNS_QUERIES, N_HANDOVERS, NET_COUNTS
};
extern struct counter net_counters[NET_COUNTS];
#define COUNT(what) (net_counters[what].n++)
