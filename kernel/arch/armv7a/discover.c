/* SPDX-License-Identifier: MIT */
/* What the loader says of this machine: a device tree or ATAGS give memory, command line, a
 * settings file and a seed; the devices are the board's own data.
 *
 * Linux Documentation/arm/booting.rst and include/uapi/asm/setup.h; Devicetree Specification
 * 0.4. Without either, RAM is what boards/BOARD/board.mk says. */
#include <string.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"

#define VIRTUAL_TIMER 27u              /* its interrupt, on every Cortex-A7 */
#define DMA_SIZE (4u << 20)
#define BLOCK (1u << LEVEL2_SHIFT)

enum {
	ATAG_CORE = 0x54410001,
	ATAG_MEM = 0x54410002,
	ATAG_CMDLINE = 0x54410009,
	ATAG_INITRD2 = 0x54420005,
};

#define ATAGS_MAX 4096u

/* linker/armv7a.mk: the address and the size of the board's RAM. */
extern char RAM_BASE[], RAM_SIZE[];

/* Each tag: its size in words, its kind, its data. */
static void read_tag(const uint32_t *tag, uint32_t words)
{
	const char *text = (const char *)&tag[2];
	size_t len;

	if (tag[1] == ATAG_MEM && words == 4) {
		memory_add((struct region){ tag[3], tag[2] });
	} else if (tag[1] == ATAG_INITRD2 && words == 4 && tag[3]) {
		machine.settings = (struct region){ tag[2], tag[3] };
		machine.settings_copied = true;
	} else if (tag[1] == ATAG_CMDLINE && words > 2) {
		len = strnlen(text, (words - 2) * sizeof(*tag));
		if (len >= sizeof(machine.cmdline)) {
			len = sizeof(machine.cmdline) - 1;
			log_warn("command line: cut after %zu bytes", len);
		}
		memcpy(machine.cmdline, text, len);
		mem_wipe((void *)(uintptr_t)text, (words - 2) * sizeof(*tag));
	}
}

static void read_atags(const uint32_t *tag)
{
	const uint32_t *end = tag + ATAGS_MAX / sizeof(*tag);

	while (end - tag > 2 && tag[0] >= 2 && tag[0] <= (uint32_t)(end - tag)) {
		read_tag(tag, tag[0]);
		tag += tag[0];
	}
	memory_remove(machine.settings.base, machine.settings.size);
}

/* A loader that passes nothing leaves anything at all in r2. */
static void read_boot(uint32_t at)
{
	const uint32_t *word = (const uint32_t *)at;
	struct fdt fdt;

	if (at % 4 || at - (uintptr_t)RAM_BASE > (uintptr_t)RAM_SIZE - ATAGS_MAX)
		return;
	boot_map_memory(at, ATAGS_MAX);
	if (fdt_size(word)) {
		boot_map_memory(at, fdt_size(word));
		if (fdt_open(&fdt, word, fdt_size(word)) == 0)
			memory_read_tree(&fdt);
	} else if (word[1] == ATAG_CORE) {
		read_atags(word);
	}
}

/* Sets aside memory for devices, which do not look into the caches: the highest that the boot
 * tables, with 2 MiB an entry, have not shown as cached memory before. */
static void reserve_dma(void)
{
	uint64_t gib = warden.load >> LEVEL1_SHIFT;

	for (unsigned i = machine.ram_count; i-- > 0;) {
		const struct region *r = &machine.ram[i];
		uint64_t end = MIN(r->base + r->size, (gib + 1) << LEVEL1_SHIFT);
		uint64_t from = MAX(r->base, gib << LEVEL1_SHIFT);

		for (end &= ~(uint64_t)(BLOCK - 1); end >= from + DMA_SIZE; end -= BLOCK) {
			struct region dma = { end - DMA_SIZE, DMA_SIZE };

			if (!boot_map_dma(dma))
				continue;
			machine.dma = dma;
			memory_remove(dma.base, dma.size);
			return;
		}
	}
	panic("discover: no %u MiB of RAM for devices", DMA_SIZE >> 20);
}

void discover_memory(void)
{
	machine.name = board.name;
	read_boot(warden.boot);
	if (machine.ram_count == 0)
		memory_add((struct region){ (uintptr_t)RAM_BASE, (uintptr_t)RAM_SIZE });
	memory_remove(warden.load, (uint64_t)(__image_end - __image_start));
	reserve_dma();
	boot_map_all(machine.ram, machine.ram_count);
}

void arch_discover(void)
{
	const struct device *d;

	for (d = board.devices; d->kind != DEV_NONE; d++)
		machine_add(d);
	if (board.start)
		board.start();
	machine.stacks = STACKS_VA;
	d = machine_find(DEV_UART_16550, NULL);
	if (d)
		warden.reg[REG_CONSOLE] = (uint32_t)d->base;
	d = machine_find(DEV_WATCHDOG_SUNXI, NULL);
	if (d)
		warden.reg[REG_WATCHDOG] = (uint32_t)d->base;
	d = machine_find(DEV_GICV2, NULL);
	ASSERT(d);
	gic_open(d->base);
	gic_v2_init(d->base2, VIRTUAL_TIMER);
}

void irq_route(uint32_t irq)
{
	gic_v2_route(irq);
}
