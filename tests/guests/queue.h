/* SPDX-License-Identifier: MIT */
/* A queue of no device, for the guests that try to misuse one: its doorbell is plain memory. It is
 * of the kind that this CPU's warden knows. */
#pragma once

#include <errno.h>

#include "kernel/mem.h"
#include "tests/guests/forbidden.h"

#define QUEUE_SIZE 8
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };      /* virtio 1.2 section 2.7.5 */

struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct test_queue {
	union {
		struct descriptor staged[QUEUE_SIZE];
		struct owned_desc staged_owned[QUEUE_SIZE];
	};
	union {
		struct descriptor *table;
		struct owned_desc *table_owned;
	};
	volatile uint16_t *avail;
	volatile uint32_t *doorbell;
	unsigned number;
};

/* Descriptors of QUEUE_OWNED, all with the first bytes of the DMA pool. */
static inline void test_queue_own(struct test_queue *q)
{
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		q->table_owned[i] = (struct owned_desc){
			.buffer = (uint32_t)mem_dma_pool().base,
			.next = (uint32_t)mem_dma_addr(&q->table_owned[(i + 1) % QUEUE_SIZE]),
		};
}

/* Boot: makes it and tells the warden. */
static inline void test_queue_open(struct test_queue *q)
{
	struct arch_queue config = { .staged = q->staged, .size = QUEUE_SIZE, .notify_width = 4 };
	int n;

	q->table = mem_sealed_pages(1);
	q->avail = mem_dma_alloc(PAGE_SIZE, PAGE_SIZE);
	q->doorbell = mem_dma_alloc(PAGE_SIZE, PAGE_SIZE);
	ASSERT(q->avail && q->doorbell);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		q->avail[2 + i] = (uint16_t)i;
	config.desc = q->table;
	config.avail = q->avail;
	config.notify = q->doorbell;
	config.notify_value = 7;
	n = arch_queue_add(&config);
	if (n == -ENOTSUP) {
		test_queue_own(q);
		config.kind = QUEUE_OWNED;
		n = arch_queue_add(&config);
	}
	ASSERT(n >= 0);
	q->number = (unsigned)n;
}
