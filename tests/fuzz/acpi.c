/* sources: kernel/acpi.c kernel/aml.c kernel/machine.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: ACPI tables of any bytes, with the root pointer first, where a machine could have them:
 * at an address of 32 bits, and poisoned behind their end. All that the kernel asks of
 * kernel/acpi.h and kernel/aml.h is asked; what says that it is bounded, is. */
#define _GNU_SOURCE
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/acpi.h"
#include "kernel/kernel.h"

#define BASE 0x10000000u
#define ROOM 0x10000u
#define LOOKS_MAX 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t end;

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

bool acpi_reach(uint64_t pa, uint64_t len)
{
	return pa >= BASE && pa < end && len <= end - pa;
}

static void look_at(struct acpi_table t)
{
	struct device dev = { .kind = DEV_NONE };
	struct aml code = acpi_code(t), dsdt = acpi_dsdt(t);
	struct acpi_table entry;
	uint64_t address;
	uint32_t at = 44;

	while (acpi_entry(t, &at, &entry))
		acpi_get(entry, 8, 8);
	for (unsigned i = 0; acpi_mcfg(t, i, &dev) != -ENOENT; i++)
		if (i > 1u << 20)
			abort();
	acpi_spcr(t, &dev);
	acpi_reduced(code);
	if (dsdt.code)
		acpi_reduced(dsdt);
	if (aml_s5(code) > 7)
		abort();
	aml_pci(code, &dev);
	aml_device(code, "QEMU0002", &dev);
	if (aml_vmgenid(code, &address) == 0 && address >= AML_ADDRESS_END)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *p;
	struct acpi_table t;
	struct acpi acpi;
	unsigned looks = 0;
	uint8_t sum = 0;

	if (!p)
		p = mmap((void *)(uintptr_t)BASE, ROOM, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != (void *)(uintptr_t)BASE)
		abort();
	if (size < ACPI_RSDP || size > ROOM)
		return 0;
	end = BASE + size;
	ASAN_UNPOISON_MEMORY_REGION(p, ROOM);
	memcpy(p, data, size);
	ASAN_POISON_MEMORY_REGION(p + size, ROOM - size);
	memcpy(p, "RSD PTR ", 8);
	p[8] = 0;
	for (unsigned i = 0; i < 20; i++)
		sum += p[i];
	p[8] = (uint8_t)-sum;
	machine.dev_count = 0;
	if (!acpi_open(&acpi, BASE))
		return 0;
	while (acpi_next(&acpi, &t)) {
		if (++looks > LOOKS_MAX)
			abort();
		look_at(t);
	}
	return 0;
}
