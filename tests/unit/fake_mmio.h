/* SPDX-License-Identifier: MIT */
/* Device registers for a driver under test: pages that cannot be touched, so that
 * each access of the driver traps and a model answers it. The driver is the very
 * one of the image. For x86-64, whose CPUs can step over one instruction. */
#pragma once

#include <stdint.h>

/* Registers are read and written as aligned words of 32 bits; anything else
 * fails the test. An instruction that reads and writes counts as a write, of
 * what read() would have said. */
struct fake_mmio {
	uint32_t (*read)(unsigned offset);
	void (*write)(unsigned offset, uint32_t value);
};

/* One page of registers for each model, for ever: its address. At most 4. */
uintptr_t fake_mmio_map(const struct fake_mmio *model);

/* The same with `n` pages in a row. */
uintptr_t fake_mmio_map_pages(const struct fake_mmio *model, unsigned n);

/* Use in place of cmocka_unit_test_setup: cmocka has its own handler of the
 * signals set before each function. So `setup` itself touches no registers. */
#define mmio_unit_test_setup(test, setup) { #test, fake_mmio_run, setup, NULL, test }
void fake_mmio_run(void **state);

/* How often the driver has called arch_map() for that page. */
unsigned fake_mmio_mapped(uintptr_t base);
