/* SPDX-License-Identifier: MIT */
/* Offers the warden descriptors that a device must never get: aimed at text, at the edges of
 * the DMA pool, or with flags by which the device would write or walk on. Each is refused with
 * -EFAULT and nothing is published; a good one is published. */
#include <errno.h>

#include "tests/guests/queue.h"

struct offer {
	const char *what;
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};

static struct test_queue queue;

void image_boot(void)
{
	test_queue_open(&queue);
}

static void must_refuse(const struct offer *o)
{
	unsigned slot = queue.avail[1] % QUEUE_SIZE;
	uint16_t before = queue.avail[1];

	queue.staged[slot] = (struct descriptor){ o->addr, o->len, o->flags, 0 };
	if (arch_submit(queue.number, 1) != -EFAULT || queue.avail[1] != before) {
		log_error("accepted: %s", o->what);
		forbidden_access_succeeded();
	}
	log_info("refused: %s", o->what);
}

void image_main(void *unused)
{
	struct region dma = mem_dma_pool();
	uint64_t text = (uint64_t)(uintptr_t)image_main, end = dma.base + dma.size;
	const struct offer offers[] = {
		{ "text", text, 64, 0 },
		{ "text, for writing", text, 64, DESC_WRITE },
		{ "address zero", 0, 64, 0 },
		{ "one byte before the pool", dma.base - 1, 64, 0 },
		{ "across the pool's end", end - 32, 64, 0 },
		{ "so near to it that an older length would reach across", end - 64, 64, 0 },
		{ "one byte less than it may reach before it", end - ARCH_REACH + 1, 64, 0 },
		{ "a byte more than it may say", dma.base, ARCH_REACH + 1, 0 },
		{ "behind the pool", end, 64, 0 },
		{ "a length that wraps around", dma.base, UINT32_MAX, 0 },
		{ "an address that wraps around", UINT64_MAX - 31, 64, 0 },
		{ "the pool, for writing", dma.base, 64, DESC_WRITE },
		{ "the pool, with a next", dma.base, 64, DESC_NEXT },
		{ "the pool, indirect", dma.base, 64, DESC_INDIRECT },
	};
	uint16_t before = queue.avail[1];

	for (unsigned i = 0; i < ARRAY_LEN(offers); i++)
		must_refuse(&offers[i]);
	for (unsigned i = 0; i < 2; i++, before++) {
		uint64_t addr = i ? end - ARCH_REACH : dma.base;

		queue.staged[before % QUEUE_SIZE] =
			(struct descriptor){ addr, i ? ARCH_REACH : 64, 0, 0 };
		ASSERT(arch_submit(queue.number, 1) == 0);
		ASSERT(queue.avail[1] == (uint16_t)(before + 1));
		ASSERT(queue.table[before % QUEUE_SIZE].addr == addr);
	}
	ASSERT(*queue.doorbell == 7);
	log_info("dma_text: every forbidden descriptor was refused");
	arch_exit(EXIT_OK);
}
