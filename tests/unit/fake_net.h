/* SPDX-License-Identifier: MIT */
/* A network card and a clock for tests of net/: the real loop, lwIP and port run
 * on them; peers are scripted frame by frame. */
#pragma once

#include "tests/unit/fake_kernel.h"

#include "kernel/clock.h"
#include "kernel/mem.h"
#include "net/port/port.h"
#include "net/stream.h"

#define OUR_IP 0x0a090002u             /* 10.9.0.2, numbers are in host order here */
#define RX_BUFFERS 64

/* Boots the net with `ram` bytes and these settings on a card with or without
 * checksum offload; once per program. */
void fake_net_start(size_t ram, const char *words, bool offload);

/* Runs the loop until it waits. */
void fake_run(void);

/* Lets time pass, running the loop whenever it asked to be woken. */
void fake_advance(ktime ns);
extern ktime fake_now;

/* Whether task_spawn() finds no stack. */
extern bool fake_no_stack;

/* Called again and again while something else than the loop waits. */
extern void (*fake_while_waiting)(void);

/* Whether the next tx_get() finds room; how many buffers the card has lent. */
extern bool fake_tx_full;
unsigned fake_lent(void);

/* A frame from the wire; false when the ring has no buffer for it. */
bool fake_frame(const uint8_t *frame, size_t len, bool csum_ok);

/* 10.9.0.1, the gateway, tells its Ethernet address. */
void fake_arp(void);

/* Sent frames, oldest first; taken off the list. NULL when none. */
struct sent {
	uint8_t data[NETDEV_FRAME_MAX];
	size_t len;
	struct sent *next;
};
struct sent *fake_sent(void);
void fake_forget_sent(void);

/* ---- Peers ------------------------------------------------------------------ */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct peer {
	uint32_t ip;                   /* host order */
	uint16_t port;
	uint16_t ours;                 /* our port, once we have opened; else 8080 */
	uint32_t seq, ack;             /* what it sends next; what it has received */
	bool stamps;                   /* puts timestamps into its segments */
	uint16_t mss;                  /* and this, if it is not 0, into other than SYN */
	uint32_t stamp, echo;
	/* the last segment that it got */
	uint8_t flags;
	uint32_t got_seq, got_ack, got_stamp;
	uint16_t window;
	unsigned segments;
	char data[65536];              /* all in-order data since the last clear */
	size_t len;
};

/* A segment with these flags; runs the loop and lets every peer of `peers` take
 * what came back. */
void peer_send(struct peer *p, unsigned flags, const void *data, size_t len);
/* The same without a run, with a sequence number of its own. */
void peer_queue(struct peer *p, unsigned flags, uint32_t seq, const void *data, size_t len);
void peer_run(struct peer *p);

/* Handshake: true when it succeeded. */
bool peer_connect(struct peer *p, uint32_t ip, uint16_t port);

/* Sent frames go to whoever is registered here for their destination port. */
void peer_listen(struct peer *p);
void peer_ignore(struct peer *p);

/* ---- A protocol: echoes, and does what a first byte says -------------------- */

extern const struct stream_ops echo_ops;
extern unsigned echo_open, echo_gone, echo_evicted;
extern int echo_why;
extern bool echo_may_evict;            /* the oldest that waits */
extern bool echo_reads;                /* false: input is left where it is */

/* Objects in use in a pool, by its name. */
unsigned fake_pool_used(const char *name);
uint64_t fake_counter(const char *name);
