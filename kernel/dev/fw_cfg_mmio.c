/* SPDX-License-Identifier: MIT */
/* fw_cfg of Arm machines (kernel/dev/fw_cfg.h): a data register that keeps the order of bytes,
 * eight of them wide, and a selector whose number is big-endian. */
#include <string.h>

#include "kernel/dev/fw_cfg.h"

#define DATA 0
#define SELECTOR 8

static uintptr_t base;

static void mmio_select(uint16_t item)
{
	*(volatile uint16_t *)(base + SELECTOR) = __builtin_bswap16(item);
}

static void mmio_read(void *to, size_t n)
{
	uint8_t *p = to;
	uint64_t word;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		word = *(volatile uint64_t *)(base + DATA);
		memcpy(p, &word, sizeof(word));
	}
	for (; n > 0; n--)
		*p++ = *(volatile uint8_t *)(base + DATA);
}

static int mmio_apply(const struct device *dev)
{
	static const struct fw_cfg cfg = { mmio_select, mmio_read };

	base = dev->base;
	return fw_cfg_apply(&cfg);
}

const struct source fw_cfg_mmio = {
	.kind = DEV_FW_CFG_MMIO,
	.apply = mmio_apply,
};
