/* SPDX-License-Identifier: MIT */
/* The generation ID of a virtual machine (Microsoft, "Virtual Machine Generation
 * ID"; QEMU docs/specs/vmgenid): the generator looks at it before each draw. */
#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"
#include "kernel/random.h"

/* 16 bytes on an 8-byte boundary may reach into a second page. */
static int open(const struct device *dev)
{
	uint64_t first = dev->base & ~(uint64_t)(PAGE_SIZE - 1);
	size_t len = ALIGN_UP(dev->base + dev->size, (uint64_t)PAGE_SIZE) - first;

	arch_boot_map(first, len);
	arch_map(first, first, len, PROT_R);
	random_watch((const volatile uint64_t *)dev->base);
	log_info("entropy: VMGENID tells when the machine is cloned");
	return 0;
}

const struct entropy vmgenid = { .kind = DEV_VMGENID, .open = open };
