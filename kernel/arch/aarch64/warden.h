/* SPDX-License-Identifier: MIT */
/* What start.S, warden.S and the C files beside it share: gate numbers, the warden's
 * own data, the attributes of page table entries.
 *
 * The data is EL1's alone after the seal. Until then the payload fills it. */
#pragma once

/* Gate calls: the immediate of SVC. */
#define GATE_IDLE 0                    /* x0: alarm in ticks */
#define GATE_SUBMIT 1                  /* x0: queue, x1: how many; x0: 0 or -EFAULT */
#define GATE_NOTIFY 2                  /* x0: queue */
#define GATE_OFF 3
#define GATE_RESET 4
#define GATE_SEAL 5                    /* x0: root table, x1: DMA base, x2: DMA size */
#define GATE_COUNT 6

/* Offsets in struct warden. */
#define W_LOAD 0
#define W_DTB 8
#define W_ISAR0 16
#define W_MPIDR 24
#define W_SAVE 32
#define W_CRASHED 48
#define W_SEALED 56
#define W_DMA 64
#define W_CONSOLE 80                   /* reg[0] */
#define W_GICC 88                      /* reg[1] */
#define W_PSCI 96
#define W_QUEUES 104
#define W_ACKS 112
#define W_ACK 128
#define W_ACK_SIZE 24
#define W_ACK_MAX 32
#define W_QUEUE 896
#define W_QUEUE_SHIFT 6
#define W_SIZE 2944

/* Offsets in one of its queues. */
#define Q_STAGED 0
#define Q_DESC 8
#define Q_AVAIL 16
#define Q_EVENT 24
#define Q_NOTIFY 32
#define Q_VALUE 40
#define Q_MASK 44
#define Q_WIDTH 48
#define Q_RINGS 52                     /* not 0: QUEUE_RING; avail is `keep`, event `span` */
#define Q_REACH 16384                  /* ARCH_REACH */

/* Where the image is linked; one L3 table maps it at boot. */
#define IMAGE_VA 0x4000000000
#define IMAGE_MAX 0x200000

/* A GiB further the warden's own view of registers and descriptor tables; then what
 * arch_boot_map() is asked for; then task stacks. */
#define ALIAS_VA 0x4040000000
#define WINDOW_VA 0x4080000000
#define WINDOW_COUNT 8u
#define FREE_VA WINDOW_VA
#define STACKS_VA 0x6000000000
#define VA_END (1ull << 39)

/* PSTATE of the payload: EL0t; D, I and F masked, SError taken. */
#define SPSR_EL0 0x2c0

/* VMSAv8-64 stage 1 descriptors (Arm ARM DDI 0487, D8.3), 4 KiB granule. */
#define PTE_TABLE 3
#define PTE_BLOCK 1
#define PTE_PAGE 3
#define PTE_NORMAL 0                   /* MAIR index */
#define PTE_DEVICE (1 << 2)
#define PTE_DMA PTE_NORMAL             /* devices look into the caches */
#define PTE_EL0 (1 << 6)
#define PTE_RO (1 << 7)
#define PTE_COMMON (1 << 11 | 1 << 10 | 3 << 8)   /* nG, AF, inner shareable */
#define PTE_PXN_BIT 53
#define PTE_UXN_BIT 54
#define PTE_WARDEN (1ull << PTE_UXN_BIT)   /* what only EL1 may execute */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"

struct warden_ack {
	uint64_t irq, status, ack;     /* what is read at status is written to ack */
};

struct warden_queue {
	uint64_t staged, desc, avail, event, notify;
	uint32_t value, mask;
	uint32_t width, rings, unused[2];
};

enum {
	REG_CONSOLE,                   /* PL011 for the warden's last line, or 0 */
	REG_GICC,                      /* GICv2 CPU interface; 0: GICv3 system registers */
};

#define PSCI_BY_HVC 2

struct warden {
	uint64_t load;                 /* physical address of the image */
	uint64_t dtb;                  /* x0 at entry */
	uint64_t isar0, mpidr;         /* ID_AA64ISAR0_EL1, MPIDR_EL1 */
	uint64_t save[2];              /* x16, x17 while an exception is told apart */
	uint64_t crashed;              /* crash_main() has been entered */
	uint64_t sealed;
	struct region dma;             /* what a staged descriptor may name */
	uint64_t reg[2];               /* by REG_ */
	uint64_t psci;                 /* 0 none, 1 smc, PSCI_BY_HVC */
	uint64_t queues, acks;         /* entries in use below */
	uint64_t unused;
	struct warden_ack ack[W_ACK_MAX];
	struct warden_queue queue[ARCH_QUEUES];
};

_Static_assert(offsetof(struct warden, isar0) == W_ISAR0, "");
_Static_assert(offsetof(struct warden, save) == W_SAVE, "");
_Static_assert(offsetof(struct warden, crashed) == W_CRASHED, "");
_Static_assert(offsetof(struct warden, dma) == W_DMA, "");
_Static_assert(offsetof(struct warden, reg) == W_CONSOLE, "");
_Static_assert(offsetof(struct warden, psci) == W_PSCI, "");
_Static_assert(offsetof(struct warden, acks) == W_ACKS, "");
_Static_assert(offsetof(struct warden, ack) == W_ACK, "");
_Static_assert(sizeof(struct warden_ack) == W_ACK_SIZE, "");
_Static_assert(offsetof(struct warden, queue) == W_QUEUE, "");
_Static_assert(offsetof(struct warden_queue, value) == Q_VALUE, "");
_Static_assert(offsetof(struct warden_queue, mask) == Q_MASK, "");
_Static_assert(offsetof(struct warden_queue, width) == Q_WIDTH, "");
_Static_assert(offsetof(struct warden_queue, rings) == Q_RINGS, "");
_Static_assert(Q_REACH == ARCH_REACH, "");
_Static_assert(sizeof(struct warden_queue) == 1 << W_QUEUE_SHIFT, "");
_Static_assert(sizeof(struct warden) == W_SIZE, "");

extern struct warden warden;

/* discover.c: the first half of discovery, before the stack guard is chosen:
 * memory, command line and the loader's random seed. */
void discover_memory(void);

/* The interrupt that pin `pin` (1 to 4) of a PCI function leads to, 0: not known. */
uint32_t pci_pin_irq(uint32_t bdf, unsigned pin);

/* irq.c: sets up the interrupt controller that discovery found; `timer` is
 * the virtual timer's interrupt, `msi_frame` a GICv2m frame or 0. */
void irq_init(uint32_t timer, uint64_t msi_frame);

#endif
