/* SPDX-License-Identifier: MIT */
/* What start.S, warden.S and the C files beside it share: gate numbers, the warden's own data,
 * the attributes of page table entries.
 *
 * The data is the warden's alone after the seal. Until then the payload fills it. */
#pragma once

/* Gate calls: r12 at an SVC. */
#define GATE_IDLE 0                    /* r0, r1: alarm in ticks */
#define GATE_SUBMIT 1                  /* r0: queue, r1: how many; r0: 0 or -EFAULT */
#define GATE_NOTIFY 2                  /* r0: queue */
#define GATE_OFF 3
#define GATE_RESET 4
#define GATE_SEAL 5                    /* r0: root table */
#define GATE_COUNT 6

/* Offsets in struct warden. */
#define W_SAVE 0
#define W_USER 56
#define W_LOAD 64
#define W_BOOT 68
#define W_PSCI 72
#define W_CRASHED 76
#define W_SEALED 80
#define W_CONSOLE 84                   /* reg[0] */
#define W_GICC 88                      /* reg[1] */
#define W_WATCHDOG 92                  /* reg[2] */
#define W_QUEUES 96
#define W_ACKS 100
#define W_ACK 112
#define W_ACK_SIZE 12
#define W_ACK_MAX 8
#define W_QUEUE 208
#define W_QUEUE_SHIFT 5
#define W_SIZE 1232

/* Offsets in one of its queues. */
#define Q_STAGED 0
#define Q_DESC 4
#define Q_NOTIFY 8
#define Q_VALUE 12
#define Q_MASK 16
#define Q_NEXT 20

/* What arch_fault.cause has in its upper half. */
#define FAULT_UNDEFINED 1
#define FAULT_GATE 2
#define FAULT_FETCH 3
#define FAULT_DATA 4

/* Where the image is linked; one level 3 table maps it at boot. */
#define IMAGE_VA 0xc0000000
#define IMAGE_MAX 0x200000

/* In the same GiB: the warden's own view of registers and descriptor tables, and task stacks.
 * Physical addresses lie below. */
#define ALIAS_VA 0xc1000000
#define FREE_VA 0xd0000000
#define STACKS_VA 0xe0000000
#define VA_END (1ull << 32)

/* CPSR of the payload: User mode, IRQ and FIQ masked, Thumb. */
#define PSR_PAYLOAD 0xf0

/* Long-descriptor format (Arm ARM DDI 0406, B3.6). */
#define PTE_TABLE 3
#define PTE_BLOCK 1
#define PTE_PAGE 3
#define PTE_NORMAL 0                   /* MAIR index */
#define PTE_DEVICE (1 << 2)
#define PTE_DMA (2 << 2)               /* not cached: devices see memory only */
#define PTE_EL0 (1 << 6)
#define PTE_RO (1 << 7)
#define PTE_COMMON (1 << 11 | 1 << 10 | 3 << 8)   /* nG, AF, inner shareable */
#define PTE_PXN_BIT 53
#define PTE_UXN_BIT 54                 /* XN: for nobody */
#define PTE_WARDEN 0                   /* User mode executes only what it can read */

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"

struct warden_ack {
	uint32_t irq, status, ack;     /* what is read at status is written to ack */
};

struct warden_queue {
	uint32_t staged, desc, notify, value, mask;
	uint32_t next;                 /* counts descriptors submitted */
	uint32_t unused[2];
};

enum {
	REG_CONSOLE,                   /* 8250 for the warden's last line, or 0 */
	REG_GICC,                      /* GICv2 CPU interface */
	REG_WATCHDOG,                  /* sunxi watchdog, by which the machine is reset, or 0 */
};

struct warden {
	uint32_t save[14];             /* r0 to r12 while an exception is told apart */
	uint32_t user[2];              /* sp and lr of the payload */
	uint32_t load;                 /* physical address of the image */
	uint32_t boot;                 /* r2 at entry: device tree or ATAGS */
	uint32_t psci;                 /* 1: we were entered in HYP mode, so smc is answered */
	uint32_t crashed;              /* crash_main() has been entered */
	uint32_t sealed;
	uint32_t reg[3];               /* by REG_ */
	uint32_t queues, acks;         /* entries in use below */
	uint32_t unused[2];
	struct warden_ack ack[W_ACK_MAX];
	struct warden_queue queue[ARCH_QUEUES];
};

_Static_assert(offsetof(struct warden, user) == W_USER, "");
_Static_assert(offsetof(struct warden, load) == W_LOAD, "");
_Static_assert(offsetof(struct warden, psci) == W_PSCI, "");
_Static_assert(offsetof(struct warden, sealed) == W_SEALED, "");
_Static_assert(offsetof(struct warden, reg) == W_CONSOLE, "");
_Static_assert(offsetof(struct warden, acks) == W_ACKS, "");
_Static_assert(offsetof(struct warden, ack) == W_ACK, "");
_Static_assert(sizeof(struct warden_ack) == W_ACK_SIZE, "");
_Static_assert(offsetof(struct warden, queue) == W_QUEUE, "");
_Static_assert(offsetof(struct warden_queue, next) == Q_NEXT, "");
_Static_assert(sizeof(struct warden_queue) == 1 << W_QUEUE_SHIFT, "");
_Static_assert(sizeof(struct warden) == W_SIZE, "");

extern struct warden warden;

/* discover.c: the first half of discovery, before the stack guard is chosen:
 * memory, command line and the loader's random seed. */
void discover_memory(void);

#endif
