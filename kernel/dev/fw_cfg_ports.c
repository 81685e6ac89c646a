/* SPDX-License-Identifier: MIT */
/* fw_cfg of a PC (kernel/dev/fw_cfg.h): two I/O ports, the selector in the CPU's byte order. */
#include "kernel/arch/x86_64/port.h"
#include "kernel/dev/fw_cfg.h"

static uint16_t base;

static void ports_select(uint16_t item)
{
	out16(base, item);
}

static void ports_read(void *to, size_t n)
{
	in8_many(base + 1, to, n);
}

static int ports_apply(const struct device *dev)
{
	static const struct fw_cfg cfg = { ports_select, ports_read };

	base = (uint16_t)dev->base;
	return fw_cfg_apply(&cfg);
}

const struct source fw_cfg_ports = {
	.kind = DEV_FW_CFG_PORTS,
	.apply = ports_apply,
};
