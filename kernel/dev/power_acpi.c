/* SPDX-License-Identifier: MIT */
/* The power button of a PC's fixed ACPI hardware (ACPI 6.4 §4.8.3.1). QEMU:
 * system_powerdown on -M q35 and -M pc. Its interrupt is taken as an edge, so
 * that a press nobody has looked at yet does not keep the CPU from sleeping. */
#include "kernel/arch.h"
#include "kernel/arch/x86_64/port.h"
#include "kernel/dev.h"

#define ENABLE 2               /* the enable register is the block's second half */
#define BUTTON (1u << 8)

static uint16_t status SEALED;

static int acpi_open(const struct device *dev)
{
	status = (uint16_t)dev->base;
	out16(status, BUTTON);
	out16(status + ENABLE, BUTTON);
	port_allow(status, 2);
	arch_irq_enable(dev->irq, NULL, NULL);
	return 0;
}

static int acpi_pressed(void)
{
	if (!(in16(status) & BUTTON))
		return 0;
	out16(status, BUTTON);
	return 1;
}

const struct button power_acpi = {
	.kind = DEV_POWER_ACPI,
	.open = acpi_open,
	.pressed = acpi_pressed,
};
