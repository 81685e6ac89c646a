/* SPDX-License-Identifier: MIT */
/* The machine's description (kernel/machine.h). */
#include "kernel/machine.h"

struct machine machine SEALED;

const struct device *machine_find(enum device_kind kind, const struct device *prev)
{
	const struct device *end = machine.dev + machine.dev_count;

	for (const struct device *d = prev ? prev + 1 : machine.dev; d < end; d++)
		if (d->kind == kind)
			return d;
	return NULL;
}

void machine_add(const struct device *dev)
{
	static bool said;

	if (machine.dev_count == MACHINE_DEV_MAX) {
		if (!said)
			log_warn("machine: more than %u devices; from one at %#llx on they are "
				 "left out", MACHINE_DEV_MAX, (unsigned long long)dev->base);
		said = true;
		return;
	}
	machine.dev[machine.dev_count++] = *dev;
}
