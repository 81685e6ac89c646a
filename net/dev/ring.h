/* SPDX-License-Identifier: MIT */
/* Rings of equal buffers over QUEUE_RING (kernel/arch.h), for NICs whose descriptors
 * carry an address and are told of by an index: e1000.c, vmxnet3.c.
 *
 * A descriptor is staged, and the warden copies it once ring_flush() or
 * ring_rx_flush() says so. Slots are used in turn. A slot to send from has a buffer
 * of its own; buffers to receive into come back in any order and go into the next
 * slot. One slot stays empty, or a full ring would look like an empty one. What a
 * device says about a slot is the driver's to read and ring_rx_take()'s to doubt.
 * One NIC is open at a time: the counters are shared. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch.h"
#include "kernel/counter.h"
#include "net/netdev.h"

#define RING_MIN 32u
#define RING_MAX 256u
#define RING_SHIFT 2u                  /* the IP header, 14 bytes into a frame, lies on 4 */
#define RING_FRAME_MIN 14u

enum { RING_RX_FRAMES, RING_RX_BAD, RING_TX_FRAMES, RING_TX_FULL, RING_TX_BAD, RING_COUNTS };
extern struct counter ring_counters[RING_COUNTS];

struct ring {
	struct ring_desc *desc;        /* the device's; read-only after the seal */
	struct ring_desc *staged;
	uint8_t *buf;
	uint16_t size, mask, stride, frame_max;
	uint16_t head, tail;           /* slots staged, and given back, since the start */
	uint16_t unsent;               /* of those staged */
	uint64_t generation;           /* bit of the word: 1 on the first turn, then 0, ... */
	int gate;
};

/* What a NIC wants of a ring; `size` is a power of two, `stride` bytes from one buffer to the next
 * hold RING_SHIFT and a frame of `frame_max`. */
struct ring_config {
	uint16_t size, stride, frame_max;
	uint32_t span;
	uint64_t keep, generation;
	volatile void *doorbell;       /* 32 bits: takes the index behind the last descriptor */
};

/* Boot. Makes the table, `size` buffers and the warden's queue. 0, -ENOMEM or -ENOSPC, logged. */
int ring_make(struct ring *r, const struct ring_config *c, const char *where);

/* The longest frame, Ethernet header included, with an MTU of `wanted` or, where the DMA pool has
 * no room for buffers of `stride` bytes, of NETDEV_FRAME_MAX: that is the least. */
uint16_t ring_frame_max(unsigned wanted, unsigned stride);

/* A power of two up to `most` whose buffers fill at most 1/`share` of the DMA pool. */
uint16_t ring_size(unsigned most, unsigned stride, unsigned share);

static inline uint8_t *ring_buf(const struct ring *r, unsigned i)
{
	return r->buf + i * r->stride + RING_SHIFT;
}

/* Slots that the device has been told of and has not given back, as far as is known. */
static inline unsigned ring_busy(const struct ring *r)
{
	return (uint16_t)(r->head - r->unsent - r->tail);
}

static inline bool ring_full(const struct ring *r)
{
	return (uint16_t)(r->head - r->tail) >= r->size - 1u;
}

/* Stages buffer `i` in the next slot: there must be one. */
void ring_stage(struct ring *r, unsigned i, uint64_t word);

/* Tells the device of all that is staged. */
void ring_flush(struct ring *r);

/* ---- Receive ---------------------------------------------------------------- */

struct ring_rx {
	struct ring ring;
	uint64_t word;                 /* of every descriptor */
	uint8_t buffer[RING_MAX];      /* in each slot */
	bool lent[RING_MAX];           /* the stack has the buffer */
	struct frame frame[RING_MAX];
};

/* Boot. As ring_make(), and posts every buffer; nothing is flushed yet. */
int ring_rx_make(struct ring_rx *rx, const struct ring_config *c, uint64_t word,
		 const char *where);

/* Takes the oldest slot back from the device, of which ring_busy() counts at least
 * one: the frame in it, or NULL where `good` is false or `len` is none of a frame's;
 * then that is counted and the buffer posted again. */
struct frame *ring_rx_take(struct ring_rx *rx, unsigned len, bool good);

void ring_rx_release(struct ring_rx *rx, struct frame *f);

/* As ring_flush(), once it is worth a doorbell or the device runs short. */
void ring_rx_flush(struct ring_rx *rx);
