/* SPDX-License-Identifier: MIT */
/* Registers a queue with a descriptor whose buffer, with the longest size that it can say, ends one
 * byte behind the DMA pool. It must not get as far as the seal. */
#include "tests/guests/queue.h"

static struct owned_desc staged[QUEUE_SIZE];

void image_boot(void)
{
	struct region dma = mem_dma_pool();
	struct owned_desc *table = mem_sealed_pages(1);
	struct arch_queue q = {
		.kind = QUEUE_OWNED, .staged = staged, .desc = table, .size = QUEUE_SIZE,
		.notify = mem_dma_alloc(PAGE_SIZE, PAGE_SIZE), .notify_width = 4,
	};

	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		table[i] = (struct owned_desc){
			.buffer = (uint32_t)(dma.base + dma.size - OWNED_SIZE_MAX),
			.next = (uint32_t)mem_dma_addr(table),
		};
	ASSERT(arch_queue_add(&q) >= 0);
	log_info("dma_outside: up to the pool's end is accepted");
	table[QUEUE_SIZE - 1].buffer++;
	(void)arch_queue_add(&q);
	log_info("dma_outside: one byte more, too");
}

void image_main(void *unused)
{
	forbidden_access_succeeded();
}
