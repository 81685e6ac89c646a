/* SPDX-License-Identifier: MIT */
/* Writes into a queue's descriptor table, past the warden. It must fault. */
#include "tests/guests/queue.h"

static struct test_queue queue;

void image_boot(void)
{
	test_queue_open(&queue);
}

void image_main(void *unused)
{
	log_info("write_descriptor: writing at %p", (void *)queue.table);
	poke((uintptr_t)queue.table);
	forbidden_access_succeeded();
}
