/* SPDX-License-Identifier: MIT */
/* The machine's description (kernel/machine.h). */
#include <string.h>

#include "kernel/machine.h"

#define PATTERN 0x5a65a55a6996c33cull

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

static bool holds(uint64_t at, void (*evict)(volatile uint64_t *))
{
	volatile uint64_t *word = (volatile uint64_t *)(uintptr_t)at;
	uint64_t was = *word;
	bool same = true;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t pattern = i ? ~PATTERN : PATTERN;

		*word = pattern;
		evict(word);
		same = same && *word == pattern;
	}
	*word = was;
	return same;
}

static bool region_holds(const struct region *r, void (*evict)(volatile uint64_t *))
{
	if (holds(r->base, evict) && holds(r->base + r->size - sizeof(uint64_t), evict))
		return true;
	log_warn("memory: %llu KiB at %#llx hold nothing, though the loader calls them RAM: left "
		 "out", (unsigned long long)r->size >> 10, (unsigned long long)r->base);
	return false;
}

void machine_check_ram(uint64_t sure, void (*evict)(volatile uint64_t *word))
{
	struct region was[MACHINE_RAM_MAX];
	unsigned n = machine.ram_count, first = 0;

	memcpy(was, machine.ram, sizeof(was));
	for (unsigned i = 0; i < n; i++)
		if (sure - was[i].base < was[i].size)
			first = i;
	machine.ram_count = 0;
	for (unsigned i = 0; i < n; i++) {
		struct region *r = &was[(first + i) % n];

		if (region_holds(r, evict))
			machine.ram[machine.ram_count++] = *r;
		else
			r->size = 0;
	}
	machine.ram_count = 0;                         /* once more, in the order they had */
	for (unsigned i = 0; i < n; i++)
		if (was[i].size > 0)
			machine.ram[machine.ram_count++] = was[i];
}
