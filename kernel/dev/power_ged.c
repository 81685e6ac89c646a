/* SPDX-License-Identifier: MIT */
/* The power button behind ACPI's generic event device (ACPI 6.4 §5.6.9; the
 * selector as QEMU docs/specs/acpi_hw_reduced_hotplug.rst): reading the
 * selector takes and clears the events. QEMU: system_powerdown on -M microvm. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define EVENT_BUTTON 2u

static volatile uint32_t *selector SEALED;

/* Mapped read-only: the registers for sleep and reset share its page. */
static int ged_open(const struct device *dev)
{
	uint64_t page = dev->base & ~(uint64_t)(PAGE_SIZE - 1);

	selector = arch_boot_map(dev->base, sizeof(*selector));
	if (!selector)
		return -ENODEV;
	arch_map(page, page, PAGE_SIZE, PROT_R | PROT_DEVICE);
	(void)*selector;
	arch_irq_enable(dev->irq, NULL, NULL);
	return 0;
}

static int ged_pressed(void)
{
	return (*selector & EVENT_BUTTON) != 0;
}

const struct button power_ged = {
	.kind = DEV_POWER_GED,
	.open = ged_open,
	.pressed = ged_pressed,
};
