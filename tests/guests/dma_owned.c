/* SPDX-License-Identifier: MIT */
/* Offers the warden descriptors of a queue whose device owns them in turn: of each only status and
 * size are taken, so that neither the buffer nor the next descriptor can change. More than the
 * queue has are refused. */
#include "tests/guests/queue.h"

static struct test_queue queue;

void image_boot(void)
{
	test_queue_open(&queue);
}

static void offer(unsigned i, const char *what, struct owned_desc d)
{
	const struct owned_desc *table = queue.table_owned;
	uint32_t buffer = table[i].buffer, next = table[i].next;

	queue.staged_owned[i] = d;
	ASSERT(arch_submit(queue.number, 1) == 0);
	if (table[i].buffer != buffer || table[i].next != next) {
		log_error("accepted: %s", what);
		forbidden_access_succeeded();
	}
	ASSERT(table[i].status == d.status && table[i].size == d.size);
	log_info("dma_owned: ignored: %s", what);
}

void image_main(void *unused)
{
	uint32_t pool = (uint32_t)mem_dma_pool().base;

	offer(0, "a buffer in text", (struct owned_desc){
		.status = OWNED_BY_DEVICE, .size = 64, .buffer = (uint32_t)(uintptr_t)image_main,
	});
	offer(1, "a next in the pool", (struct owned_desc){
		.status = OWNED_BY_DEVICE, .size = UINT32_MAX, .buffer = pool, .next = pool,
	});
	ASSERT(*queue.doorbell == 7);
	ASSERT(queue.table_owned[2].status == 0);
	*queue.doorbell = 0;
	if (arch_submit(queue.number, QUEUE_SIZE + 1) != -EFAULT || *queue.doorbell != 0)
		forbidden_access_succeeded();
	arch_notify(queue.number);
	ASSERT(*queue.doorbell == 7);
	log_info("dma_owned: no descriptor leads elsewhere");
	arch_exit(EXIT_OK);
}
