/* SPDX-License-Identifier: MIT */
/* Writes into a page table that the CPU uses. It must fault: the payload cannot reach them once
 * boot is over. A table is found without knowing the CPU: pages from mem_boot_pages() come one
 * after the other, and the mapping made between two of them takes tables of its own. */
#include "kernel/mem.h"
#include "tests/guests/forbidden.h"

/* Where nothing else is: it needs new tables. */
#define FAR_VA ((uintptr_t)(sizeof(uintptr_t) > 4 ? 0x5180000000u : 0xd8000000u))
#define NO_PA 0xfed00000u         /* where none of the test machines has anything */

static SEALED uintptr_t table;

void image_boot(void)
{
	uintptr_t before = (uintptr_t)mem_boot_pages(1);
	uintptr_t after;

	arch_map(FAR_VA, NO_PA, PAGE_SIZE, PROT_R | PROT_DEVICE);
	after = (uintptr_t)mem_boot_pages(1);
	ASSERT(after - before > PAGE_SIZE || before - after > PAGE_SIZE);
	table = before < after ? before + PAGE_SIZE : before - PAGE_SIZE;
}

void image_main(void *unused)
{
	log_info("write_page_table: writing at %p", (void *)table);
	poke(table);
	forbidden_access_succeeded();
}
