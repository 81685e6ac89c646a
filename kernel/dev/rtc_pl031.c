/* SPDX-License-Identifier: MIT */
/* ARM PL031 real-time clock: a counter of Unix seconds (ARM DDI 0224C, §3.3).
 * QEMU: on -M virt. Outside: its registers fill one page of their own. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define DR 0x00
#define CR 0x0c
#define CR_START 1u

#define YEAR_2000 946684800    /* a counter below it was never set */

static uintptr_t base SEALED;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static int pl031_open(const struct device *dev)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	if (!(*reg(CR) & CR_START))
		*reg(CR) = CR_START;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_DEVICE);
	return 0;
}

static int pl031_read(int64_t *unix_s)
{
	*unix_s = *reg(DR);
	return *unix_s < YEAR_2000 ? -ERANGE : 0;
}

const struct rtc rtc_pl031 = {
	.kind = DEV_RTC_PL031,
	.open = pl031_open,
	.read = pl031_read,
};
