/* SPDX-License-Identifier: MIT */
/* RAM, by the memory map of struct hvm_start_info (Xen public header arch-x86/hvm/start_info.h,
 * version 1), which is what firmware said to the loader. What the CPU does not address (Intel SDM
 * volume 2A, CPUID leaf 80000008H), and what does not answer, is left out with a line. */
#include "kernel/arch/x86_64/pvh.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define MEMMAP_MAX 128u
#define LOW_MEMORY 0x100000ull             /* firmware's, the loader's */

extern char __image_start[], __image_end[];

static void ram_add(uint64_t start, uint64_t end)
{
	start = ALIGN_UP(start, (uint64_t)PAGE_SIZE);
	end &= ~(uint64_t)(PAGE_SIZE - 1);
	if (start >= end || machine.ram_count == MACHINE_RAM_MAX)
		return;
	machine.ram[machine.ram_count++] = (struct region){ start, end - start };
}

/* The boot tables' pages come from the first region: RAM that is mapped already. */
static void ram_add_first(uint64_t start, uint64_t end)
{
	unsigned last = machine.ram_count;
	struct region first = machine.ram[0];

	ram_add(start, end);
	if (machine.ram_count == last)
		return;
	machine.ram[0] = machine.ram[last];
	if (last > 0)
		machine.ram[last] = first;
}

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

/* RAM above the first MiB, without the image. */
void ram_discover(const struct start_info *info)
{
	const struct memmap *map = (const struct memmap *)info->memmap_at;
	uint64_t image = (uintptr_t)__image_start, image_end = (uintptr_t)__image_end;
	uint64_t limit = address_end();
	struct region first;

	if (info->version < 1 || !map)
		panic("discover: the loader gave no memory map");
	mmu_boot_map(info->memmap_at, MEMMAP_MAX * sizeof(*map));
	for (unsigned i = 0; i < info->memmap_count && i < MEMMAP_MAX; i++) {
		uint64_t start = MAX(map[i].at, LOW_MEMORY);
		uint64_t end = MIN(map[i].at + map[i].size, limit);

		if (map[i].type != MEMMAP_RAM || map[i].size > PHYSICAL_END)
			continue;
		if (start >= limit)
			log_warn("memory: RAM at %#llx is beyond what the CPU addresses: left out",
				 (unsigned long long)start);
		if (start >= end)
			continue;
		if (image >= end || image_end <= start) {
			ram_add(start, end);
			continue;
		}
		ram_add_first(image_end, end);
		ram_add(start, image);
	}
	if (machine.ram_count == 0)
		panic("discover: no RAM above the first MiB");
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
	const struct start_info *info = (const struct start_info *)(uintptr_t)boot_start_info;
	const struct memmap *map = (const struct memmap *)info->memmap_at;

	for (unsigned i = 0; i < info->memmap_count && i < MEMMAP_MAX; i++)
		if (map[i].type == MEMMAP_RAM && start < map[i].at + map[i].size && map[i].at < end)
			return true;
	return false;
}
