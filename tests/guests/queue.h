/* SPDX-License-Identifier: MIT */
/* A queue of no device, for the guests that try to misuse one: its doorbell is plain memory. */
#pragma once

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
	struct descriptor staged[QUEUE_SIZE];
	struct descriptor *table;
	volatile uint16_t *avail;
	volatile uint32_t *doorbell;
	unsigned number;
};

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
	ASSERT(n >= 0);
	q->number = (unsigned)n;
}
