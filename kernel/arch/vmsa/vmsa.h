/* SPDX-License-Identifier: MIT */
/* What aarch64 and ARMv7-A with LPAE share: the virtual memory system of both has the same
 * tables, both have a GIC, and their loaders give a device tree. The architecture's warden.h
 * has the constants (PTE_, IMAGE_VA, ...) and struct warden. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include WARDEN_FILE
#include "kernel/fdt.h"
#include "kernel/machine.h"

#define LEVEL1_SHIFT 30
#define LEVEL2_SHIFT 21
#define PAGE_SHIFT 12
#define PTE_ADDRESS 0xfffffffff000u

/* The images' linker scripts. */
extern char __image_start[], __image_end[], __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[], __sealed_start[], __sealed_end[];
extern char __data_start[], __data_end[], __warden_start[], __warden_end[];
extern char __warden_data_start[], __warden_data_end[];
extern char __boot_stack[], __boot_stack_top[], __crash_stack[], __crash_stack_top[];

/* Boot tables: level 1, and level 2 of the GiB that the image was loaded to. */
extern uint64_t boot_l1[], boot_l2[];

/* ---- mmu.c -------------------------------------------------------------------- */

/* Maps `ram` as memory and all else below IMAGE_VA as devices, where the boot tables have
 * nothing yet. */
void boot_map_all(const struct region *ram, unsigned n);
/* Makes [pa, pa + len) readable in the boot tables as memory. */
void boot_map_memory(uint64_t pa, uint64_t len);
/* Maps a region of whole 2 MiB, in the GiB of the image, as memory that devices share:
 * false, and nothing is done, when the boot tables have part of it already. */
bool boot_map_dma(struct region dma);
/* Shows the GiB of devices at `pa` at `va`, where nothing is yet. */
void boot_map_window(uint64_t va, uint64_t pa);

/* The architecture's: what boot shows at `va`; and the gate call that switches tables. */
uint64_t boot_pa(uint64_t va);
void warden_seal(uintptr_t root, struct region dma);

/* seal_check.c: panics when the tables under `root`, which lie in `tables`, give the payload
 * more than it may have. */
void seal_check(const uint64_t *root, struct region tables);

/* ---- memory.c ----------------------------------------------------------------- */

/* Takes [base, base + size) out of machine.ram, page by page touched; adds to it, by whole
 * pages and below IMAGE_VA. */
void memory_remove(uint64_t base, uint64_t size);
void memory_add(struct region r);

/* Fills machine.ram, name, cmdline, settings and seed from the tree, which is no longer
 * needed by them. */
void memory_read_tree(const struct fdt *fdt);

/* `console` gets the full path of the node that stdout-path names, if there is one. */
#define CONSOLE_PATH_MAX 128
void memory_read_console(const struct fdt *fdt, char *console);

/* ---- gic.c -------------------------------------------------------------------- */

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_ICFGR 0xc00
#define GIC_PRIORITY 0xa0u

/* Silences the distributor at `base`; gic_v2_init() then sets up a GICv2 whose CPU interface
 * is at `cpu`, for the timer's interrupt. */
void gic_open(uint64_t base);
void gic_v2_init(uint64_t cpu, uint32_t timer);

/* A distributor register; one byte of them. */
volatile uint32_t *gic_reg(uint32_t offset);
void gic_set_byte(uint32_t offset, uint8_t value);

/* Sends interrupt `irq` to this CPU: gic_v2_route(), or what the architecture has. */
void gic_v2_route(uint32_t irq);

/* arch_irq_enable(): 0, or -ENOENT, logged. */
int gic_enable(uint32_t irq, volatile void *status, volatile void *ack);
void irq_route(uint32_t irq);
