/* SPDX-License-Identifier: MIT */
/* Submits to a queue that was never registered. The warden must not look beyond its table. */
#include "tests/guests/queue.h"

static struct test_queue queue;

void image_boot(void)
{
	test_queue_open(&queue);
}

void image_main(void *unused)
{
	log_info("submit_elsewhere: queue %u", queue.number + ARCH_QUEUES);
	if (arch_submit(queue.number + ARCH_QUEUES, 1) >= 0)
		forbidden_access_succeeded();
	panic("refused");
}
