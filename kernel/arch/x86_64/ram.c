/* SPDX-License-Identifier: MIT */
/* RAM, by the memory map of struct hvm_start_info (Xen public header arch-x86/hvm/start_info.h,
 * version 1), which is what firmware said to the loader. What the CPU does not address (Intel SDM
 * volume 2A, CPUID leaf 80000008H), and what does not answer, is left out with a line. */
#include <string.h>

#include "kernel/arch/x86_64/memmap.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define MEMMAP_MAX 128u
#define LOW_MEMORY 0x100000ull             /* firmware's, the loader's */
#define MAPPED_END (1ull << 30)            /* by the tables that the image brings */

extern char __image_start[], __image_end[];

static const struct memmap *map SEALED;
static unsigned count SEALED;

/* From the cache, so that it is memory that answers. */
static void evict(volatile uint64_t *p)
{
	__asm__ volatile("clflush %0; mfence" : "+m"(*p) : : "memory");
}

static uint64_t address_end(void)
{
	uint64_t end = PHYSICAL_END;

	if (cpuid(0x80000000, 0).a >= 0x80000008)
		end = MIN(end, 1ull << (cpuid(0x80000008, 0).a & 63));
	return end;
}

/* Takes [base, base + size) out: how many bytes of it were in. */
static uint64_t cut(struct regions *ram, uint64_t base, uint64_t size)
{
	uint64_t before = regions_size(ram);

	regions_remove(ram, base, size);
	return before - regions_size(ram);
}

static unsigned long long kib(uint64_t bytes)
{
	return (bytes + 1023) >> 10;
}

/* RAM above the first MiB, without the image, as many regions as there is room for. */
static void read_map(void)
{
	static struct region found[MEMMAP_MAX];
	struct regions ram = { .list = found, .max = MEMMAP_MAX };
	uint64_t image = (uintptr_t)__image_start, limit = address_end(), n;

	n = memmap_ram(map, count, &ram);
	if (n > 0)
		log_warn("memory: %llu KiB that the loader calls RAM and something else are left "
			 "out", kib(n));
	n = cut(&ram, limit, UINT64_MAX);
	if (n > 0)
		log_warn("memory: %llu KiB from %#llx on are beyond what the CPU addresses: left "
			 "out", kib(n), (unsigned long long)limit);
	regions_remove(&ram, 0, LOW_MEMORY);
	regions_remove(&ram, image, (uintptr_t)__image_end - image);
	regions_shorten(&ram, MACHINE_RAM_MAX);
	if (ram.lost > 0)
		log_warn("memory: more than %u regions; the smallest, %llu KiB, are left out",
			 MACHINE_RAM_MAX, kib(ram.lost));
	memcpy(machine.ram, found, ram.count * sizeof(*found));
	machine.ram_count = ram.count;
}

/* The boot tables' pages come from the first region: the one with the most that is mapped. */
static void choose_first(void)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		struct region r = machine.ram[i];
		uint64_t end = MIN(r.base + r.size, MAPPED_END);

		if (r.base >= end || end - r.base <= most)
			continue;
		most = end - r.base;
		machine.ram[i] = machine.ram[0];
		machine.ram[0] = r;
	}
	if (most == 0)
		panic("discover: no RAM from 1 MiB to 1 GiB in the loader's memory map");
}

void ram_discover(const struct start_info *info)
{
	struct region first;

	if (info->version < 1 || !info->memmap_at)
		panic("discover: the loader gave no memory map");
	mmu_boot_map(info->memmap_at, MEMMAP_MAX * sizeof(*map));
	map = (const struct memmap *)info->memmap_at;
	count = MIN(info->memmap_count, MEMMAP_MAX);
	if (count < info->memmap_count)
		log_warn("memory: the loader's map has %u entries, those after %u are left out",
			 (unsigned)info->memmap_count, count);
	read_map();
	choose_first();
	mmu_boot_pool(&machine.ram[0]);
	for (unsigned i = 0; i < machine.ram_count; i++)
		mmu_boot_map(machine.ram[i].base, machine.ram[i].size);
	first = machine.ram[0];
	machine_check_ram(first.base, evict);
	if (machine.ram_count == 0 || machine.ram[0].base != first.base)
		panic("discover: the boot page tables do not lie in RAM");
}

bool ram_touches(uint64_t start, uint64_t end)
{
	return memmap_touches(map, count, start, end);
}
