/* SPDX-License-Identifier: MIT */
/* Offers the warden descriptors of a ring (QUEUE_RING) that a device must never get: with an
 * address from which it could reach beyond the DMA pool. Each is refused with -EFAULT, the table
 * stays as it was and no doorbell rings; of a good one only the bits that count are taken. */
#include <errno.h>

#include "tests/guests/queue.h"

#define SPAN 2048u
#define KEEP 0xffull
#define DOORBELL_BEFORE 99u

struct offer {
	const char *what;
	uint64_t addr;
};

static struct ring_desc staged[QUEUE_SIZE];
static struct ring_desc *table;
static volatile uint32_t *doorbell;
static unsigned number;

void image_boot(void)
{
	struct arch_queue q = {
		.kind = QUEUE_RING, .staged = staged, .size = QUEUE_SIZE, .notify_width = 4,
		.span = SPAN, .keep = KEEP,
	};
	int n;

	table = mem_sealed_pages(1);
	doorbell = mem_dma_alloc(PAGE_SIZE, PAGE_SIZE);
	ASSERT(doorbell);
	q.desc = table;
	q.notify = doorbell;
	n = arch_queue_add(&q);
	ASSERT(n >= 0);
	number = (unsigned)n;
}

static void must_refuse(const struct offer *o, unsigned slot)
{
	uint64_t addr = table[slot].addr, word = table[slot].word;

	staged[slot].addr = o->addr;
	staged[slot].word = ~0ull;
	if (arch_submit(number, 1) != -EFAULT || table[slot].addr != addr ||
	    table[slot].word != word || *doorbell != DOORBELL_BEFORE) {
		log_error("accepted: %s", o->what);
		forbidden_access_succeeded();
	}
	log_info("refused: %s", o->what);
}

static void must_take(unsigned slot, uint64_t addr)
{
	staged[slot].addr = addr;
	staged[slot].word = ~0ull;
	ASSERT(arch_submit(number, 1) == 0);
	ASSERT(table[slot].addr == addr && table[slot].word == KEEP);
	ASSERT(*doorbell == (slot + 1) % QUEUE_SIZE);
	*doorbell = DOORBELL_BEFORE;
}

void image_main(void *unused)
{
	struct region dma = mem_dma_pool();
	uint64_t end = dma.base + dma.size;
	const struct offer offers[] = {
		{ "text", (uint64_t)(uintptr_t)image_main },
		{ "address zero", 0 },
		{ "one byte before the pool", dma.base - 1 },
		{ "as far before it as the device can reach", dma.base - SPAN },
		{ "one byte across the pool's end", end - SPAN + 1 },
		{ "behind the pool", end },
		{ "an address that wraps around", UINT64_MAX - SPAN + 1 },
		{ "one that wraps around into the pool", UINT64_MAX },
		{ "the table itself", (uint64_t)(uintptr_t)table },
	};

	*doorbell = DOORBELL_BEFORE;
	for (unsigned turn = 0; turn <= QUEUE_SIZE; turn++) {
		for (unsigned i = 0; i < ARRAY_LEN(offers); i++)
			must_refuse(&offers[i], turn % QUEUE_SIZE);
		must_take(turn % QUEUE_SIZE, turn % 2 ? dma.base : end - SPAN);
	}
	if (arch_submit(number, QUEUE_SIZE + 1) != -EFAULT || *doorbell != DOORBELL_BEFORE)
		forbidden_access_succeeded();
	log_info("dma_ring: every forbidden descriptor was refused");
	arch_exit(EXIT_OK);
}
