/* SPDX-License-Identifier: MIT */
/* See ring.h. */
#include "net/dev/ring.h"

#include <errno.h>
#include <string.h>

#include "kernel/mem.h"

#define ALIGN 256u                     /* of tables: more than any of the NICs asks for */
#define MTU_MAX 9000u
#define BATCH 16u                      /* buffers that are worth a doorbell */

struct counter ring_counters[RING_COUNTS] = {
	[RING_RX_FRAMES] = { .name = "ring_rx_frames_total" },
	[RING_RX_BAD] = { .name = "ring_rx_bad_total" },
	[RING_TX_FRAMES] = { .name = "ring_tx_frames_total" },
	[RING_TX_FULL] = { .name = "ring_tx_full_total" },
	[RING_TX_BAD] = { .name = "ring_tx_bad_total" },
};

uint16_t ring_frame_max(unsigned wanted, unsigned stride)
{
	unsigned frame = MIN(wanted, MTU_MAX) + RING_FRAME_MIN;

	if (4ull * RING_MIN * stride > mem_dma_pool().size)
		frame = 0;
	return (uint16_t)MAX(frame, (unsigned)NETDEV_FRAME_MAX);
}

uint16_t ring_size(unsigned most, unsigned stride, unsigned share)
{
	unsigned n = most;

	while (n > RING_MIN && (uint64_t)n * stride * share > mem_dma_pool().size)
		n /= 2;
	return (uint16_t)n;
}

int ring_make(struct ring *r, const struct ring_config *c, const char *where)
{
	struct arch_queue q = {
		.kind = QUEUE_RING, .notify = c->doorbell, .notify_width = 4, .size = c->size,
		.span = c->span, .keep = c->keep,
	};
	size_t bytes = c->size * sizeof(struct ring_desc);

	ASSERT(c->size <= RING_MAX && c->stride >= RING_SHIFT + c->frame_max);
	*r = (struct ring){
		.size = c->size, .mask = c->size - 1u, .stride = c->stride,
		.frame_max = c->frame_max, .generation = c->generation,
	};
	/* Behind the last buffer, too, lies as much as a descriptor can reach. */
	r->buf = mem_dma_alloc((size_t)c->size * c->stride + c->span, 64);
	r->staged = mem_dma_alloc(bytes, ALIGN);
	if (!r->buf || !r->staged) {
		log_error("%s: no DMA memory for %u buffers", where, c->size);
		return -ENOMEM;
	}
	r->desc = mem_sealed_pages((unsigned)((bytes + PAGE_SIZE - 1) / PAGE_SIZE));
	if (!r->desc) {
		log_error("%s: no sealed pages for %u descriptors", where, c->size);
		return -ENOMEM;
	}
	q.desc = r->desc;
	q.staged = r->staged;
	r->gate = arch_queue_add(&q);
	if (r->gate < 0)
		log_error("%s: the warden's queue table is full", where);
	counters_add(ring_counters, RING_COUNTS);
	return MIN(r->gate, 0);
}

void ring_stage(struct ring *r, unsigned i, uint64_t word)
{
	unsigned slot = r->head & r->mask;

	ASSERT(!ring_full(r) && i < r->size);
	r->staged[slot].addr = mem_dma_addr(ring_buf(r, i));
	r->staged[slot].word = word | (r->head & r->size ? 0 : r->generation);
	r->head++;
	r->unsent++;
}

void ring_flush(struct ring *r)
{
	int rc;

	if (r->unsent == 0)
		return;
	rc = arch_submit((unsigned)r->gate, r->unsent);
	ASSERT(rc == 0);
	r->unsent = 0;
}

/* ---- Receive ---------------------------------------------------------------- */

static void post(struct ring_rx *rx, unsigned i)
{
	rx->buffer[rx->ring.head & rx->ring.mask] = (uint8_t)i;
	ring_stage(&rx->ring, i, rx->word);
}

int ring_rx_make(struct ring_rx *rx, const struct ring_config *c, uint64_t word,
		 const char *where)
{
	int rc = ring_make(&rx->ring, c, where);

	if (rc < 0)
		return rc;
	rx->word = word;
	for (unsigned i = 0; i < c->size - 1u; i++) {
		rx->frame[i] = (struct frame){
			.data = ring_buf(&rx->ring, i), .index = (uint16_t)i,
		};
		rx->lent[i] = false;
		post(rx, i);
	}
	return 0;
}

struct frame *ring_rx_take(struct ring_rx *rx, unsigned len, bool good)
{
	unsigned i = rx->buffer[rx->ring.tail & rx->ring.mask];

	rx->ring.tail++;
	if (!good || len < RING_FRAME_MIN || len > rx->ring.frame_max) {
		ring_counters[RING_RX_BAD].n++;
		post(rx, i);
		return NULL;
	}
	ring_counters[RING_RX_FRAMES].n++;
	rx->frame[i].len = (uint16_t)len;
	rx->frame[i].csum_ok = false;
	rx->lent[i] = true;
	return &rx->frame[i];
}

void ring_rx_release(struct ring_rx *rx, struct frame *f)
{
	unsigned i = (unsigned)(f - rx->frame);

	ASSERT(i < rx->ring.size && rx->lent[i]);
	rx->lent[i] = false;
	post(rx, i);
}

void ring_rx_flush(struct ring_rx *rx)
{
	if (rx->ring.unsent >= BATCH || ring_busy(&rx->ring) < rx->ring.size / 4u)
		ring_flush(&rx->ring);
}
