/* SPDX-License-Identifier: MIT */
/* What the files of kernel/arch/x86_64 share, and the warden's data, which they
 * fill during the boot and no longer reach after the seal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"
#include "kernel/arch/x86_64/warden.h"

/* ---- warden.S ------------------------------------------------------------------ */

struct warden_queue {
	uint64_t staged;           /* all of these in the warden's window, or 0 */
	uint64_t desc;
	uint64_t avail, event;
	uint64_t notify;
	uint32_t value, mask;
	uint32_t size;             /* 0 without a staged table: every submit is refused */
	uint32_t width;
	uint64_t rings;            /* QUEUE_RING: avail holds `keep`, event `span`, and value is
	                            * the index of the next descriptor */
};

/* Registers in the warden's window. Both 0: the end. */
struct warden_ack {
	uint64_t read;             /* or 0: all that virtio has is written */
	uint64_t write;            /* or 0: reading was all */
};

/* One way to end or reset the machine: a write of `value`. */
struct warden_step {
	uint32_t kind, value;
	uint64_t address;          /* port, or in the warden's window */
};

struct tss {
	uint32_t reserved;
	uint32_t rsp0[2], rsp1[2], rsp2[2], unused[2];
	uint32_t ist[7][2];
	uint32_t unused2[2];
	uint16_t unused3, bitmap;
	uint8_t ports[PORT_BITMAP + 1];
};

extern uint32_t boot_start_info;
extern uint64_t boot_pml4[512], boot_pdpt[512];
extern struct tss warden_tss;
extern uint64_t warden_idt[VECTORS][2];
extern struct warden_queue warden_queue[ARCH_QUEUES];
extern uint64_t warden_queues;
extern struct warden_ack warden_acks[WARDEN_ACKS];
extern uint64_t warden_lapic;
extern uint64_t warden_dma[2];
extern uint32_t warden_wall_clock[2];
extern struct warden_step warden_off[WARDEN_STEPS], warden_reset[WARDEN_STEPS];
extern char warden_traps[], warden_gate[], warden_die[], warden_irq_line[];
extern char warden_irq_message[], warden_irq_timer[], warden_irq_spurious[];
extern char gate_stack_top[], warden_ist_top[];

/* ---- gate.c --------------------------------------------------------------------- */

uint64_t gate(uint64_t call, uint64_t a, uint64_t b, uint64_t c);

/* Boot only: a CPUID leaf as ring 0 reads it. */
struct cpuid { uint32_t a, b, c, d; };
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);
void wrmsr(uint32_t msr, uint64_t value);

/* ---- cpu.c: what CPUID says ------------------------------------------------------ */

struct cpu {
	bool smep, smap, umip, rdrand, rdseed;
	char hypervisor[13];       /* signature, "" on bare metal */
	uint32_t max_leaf, max_hv_leaf;
};
#define HYPERVISOR_QEMU "TCGTCGTCGTCG"
#define HYPERVISOR_KVM "KVMKVMKVM"
extern struct cpu cpu;
void cpu_init(void);

/* ---- mmu.c, seal_check.c ---------------------------------------------------------- */

/* Physical addresses from here on are passed over; the address space above
 * is for task stacks. */
#define PHYSICAL_END 0x400000000000ull
#define STACKS_VA 0x7f0000000000ull

/* Maps in the boot tables, at pa, for everyone; from PHYSICAL_END on: panic. */
void mmu_boot_map(uint64_t pa, uint64_t len);
/* Boot tables need pages before mem.c has any: they come from this region. */
void mmu_boot_pool(struct region *ram);

/* Maps physical pages for the warden alone; returns where it sees `pa`. */
uint64_t mmu_warden_map(uint64_t pa, size_t len, bool device);
/* The image's sections and the warden; then checks the tables. Returns cr3. */
uint64_t mmu_finish(void);

/* Panics when a page is writable and executable, or when the payload could
 * write text or reach the warden or a page table in [tables, tables_end). */
void seal_check(const uint64_t *pml4, uint64_t tables, uint64_t tables_end);

#define PTE_PRESENT (1ull << 0)
#define PTE_WRITE (1ull << 1)
#define PTE_USER (1ull << 2)
#define PTE_UNCACHED (3ull << 3)           /* PWT, PCD */
#define PTE_LARGE (1ull << 7)
#define PTE_NX (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define LARGE_PAGE 0x200000ull

/* ---- irq.c -------------------------------------------------------------------------- */

/* Masks every line, prepares the local APIC at `lapic`. After discovery. */
void irq_init(uint64_t lapic);

/* ACPI: ISA interrupt `source` is `gsi`, with the polarity in `flags` (§5.2.12.5). */
void irq_override(unsigned source, uint32_t gsi, unsigned flags);
uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t value);
enum {
	LAPIC_ID = 0x020, LAPIC_TPR = 0x080, LAPIC_SVR = 0x0f0, LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360, LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_CURRENT = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0,
	LVT_NMI = 0x400, LVT_MASKED = 0x10000,
};

/* ---- tsc.c, kvmclock.c ----------------------------------------------------------------- */

/* Starts to measure; then, at the seal, the last look and the rate of alarms. */
void tsc_start(void);
void tsc_finish(void);

/* True when the hypervisor gave its clock page: adds the RTC to `machine`. */
bool kvmclock_init(uint64_t *tsc_hz);

/* ---- discover.c, acpi.c, smbios.c --------------------------------------------- */

/* Where BARs below 4 GiB may start: above RAM; up to PCI_WINDOW_END. */
#define PCI_WINDOW_END 0xfec00000ull
uint64_t pci_window(void);

/* ram.c: fills machine.ram, mapped in the boot tables. Panics when there is none. */
struct start_info;
void ram_discover(const struct start_info *info);
/* Whether any of [start, end) is RAM in the loader's memory map: ours. */
bool ram_touches(uint64_t start, uint64_t end);

/* Adds what the tables tell; `rsdp` 0: looks for it. Returns the local APIC. */
uint64_t acpi_discover(uint64_t rsdp);

/* "QEMU Standard PC (...)", or NULL; `entry` 0: looks for the entry point. */
const char *smbios_name(uint64_t entry);
