/* SPDX-License-Identifier: MIT */
/* CONTRACT CPU -> kernel: the payload's side of the gate.
 *
 * Everything above this header runs unprivileged (ring 3, EL0, unprivileged
 * thread mode). Behind it stands the warden, kernel/arch/ARCH/warden.S, which
 * alone is privileged. Until arch_seal() the payload is trusted and may touch
 * page tables, device control registers and the warden's tables; after it the
 * gate answers only arch_idle, arch_submit, arch_notify and arch_exit.
 * Interrupts are delivered only inside arch_idle(): the payload polls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/machine.h"

/* ---- Boot only ---------------------------------------------------------- */

/* Fills `machine` from what the loader handed over. Called once, first. */
void arch_discover(void);

/* Protection of a mapping; W and X together are refused by panic. PROT_DMA: memory that a
 * device shares, uncached where it does not look into the caches. */
enum { PROT_R = 1, PROT_W = 2, PROT_X = 4, PROT_DEVICE = 8, PROT_DMA = 16 };

/* Adds a mapping to the tables that arch_seal() will switch to. 4 KiB
 * granules, larger pages where alignment allows. Page tables come from
 * mem_boot_pages(). Before the seal all RAM and devices are mapped at
 * their physical addresses anyway; the image's own sections are mapped by
 * arch_seal() itself. */
void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot);

/* Reads a page range of memory or device registers at `pa` that the boot
 * tables may not cover yet (ACPI tables, 64-bit BARs). NULL: no address can be there. Boot only. */
void *arch_boot_map(uint64_t pa, size_t len);

/* Routes a device's interrupt so that it ends arch_idle(). `irq` as in struct
 * device. `status` and `ack`, when not NULL, are 32-bit registers of the device: each time
 * the warden writes to `ack` what it reads at `status`, or all that virtio has there
 * (virtio 1.2 §4.2.2). Without `ack`, reading `status` acknowledges. */
void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack);

/* Gives the MSI message (address, data) that ends arch_idle(), after the warden has read
 * `status` unless that is NULL: 0, or -ENOTSUP where the machine has no MSI. */
int arch_msi(uint64_t *address, uint32_t *data, volatile void *status);

/* Where PCI is: as arch_irq_enable(), for the level of pin `pin` (1: INTA to 4: INTD) of the
 * function `bdf`, whose configuration names `line`; reading `status` takes the level away.
 * 0, or -ENOENT: nothing tells where that pin leads. */
int arch_intx(uint32_t bdf, unsigned pin, unsigned line, volatile void *status);

/* How a device is told of descriptors. */
enum arch_queue_kind {
	QUEUE_VRING,               /* virtio 1.2 §2.7: by the index in the avail ring */
	QUEUE_OWNED,               /* it owns those whose first word has bit 31 set, in turn */
	QUEUE_RING,                /* by the index behind the last one, written to the doorbell */
};

/* The most bytes that a descriptor of QUEUE_VRING may say; and as many lie in the DMA pool from its
 * address on, whatever it says, since a device may look at it while it is written again. */
#define ARCH_REACH 16384u

/* A descriptor of QUEUE_RING: e1000's and vmxnet3's. The device may write into its table. */
struct ring_desc {
	volatile uint64_t addr, word;
};

/* A descriptor of QUEUE_OWNED. Its buffer and `next` never change: arch_queue_add() panics
 * unless the longest buffer that `size` can say lies in the DMA pool and `next` in the table. */
struct owned_desc {
	volatile uint32_t status, size;
	uint32_t buffer, next;     /* physical addresses */
};

#define OWNED_BY_DEVICE (1u << 31)
#define OWNED_SIZE_MAX 2047u       /* size: bits 10..0 */

/* A queue whose descriptor table only the warden writes after the seal. */
struct arch_queue {
	enum arch_queue_kind kind;
	const void *staged;        /* size x struct vring_desc, owned_desc or ring_desc, payload's,
	                            * written by the driver; NULL: arch_submit() is refused */
	void *desc;                /* the device's table, from mem_sealed_pages() */
	volatile uint16_t *avail;  /* avail ring: flags, idx, ring[] (identity, set at boot) */
	volatile uint16_t *event;  /* used ring's avail_event, NULL without EVENT_IDX */
	volatile void *notify;     /* the doorbell; with notify_width 0 an I/O port of 16 bits */
	uint32_t notify_value;     /* QUEUE_RING: the index of the first descriptor to come */
	uint32_t span;             /* QUEUE_RING: bytes that a descriptor can make it touch */
	uint64_t keep;             /* QUEUE_RING: bits of `word` that are taken, the others are 0 */
	uint16_t size;             /* entries, a power of two */
	uint8_t notify_width;      /* 2 or 4 bytes, or 0 */
};

/* Registers a queue; returns its number (0..), -ENOSPC (ARCH_QUEUES), or -ENOTSUP where no
 * device of that kind exists. */
#define ARCH_QUEUES 32
int arch_queue_add(const struct arch_queue *q);

/* Switches to the sealed page tables and closes the gate. `dma` is the only
 * memory that a staged descriptor may name from now on. */
void arch_seal(struct region dma);

/* ---- Any time ------------------------------------------------------------ */

/* Cycle counter, never runs backwards; and its rate in Hz as known now (a
 * calibrated value may be refined between calls: clock.c re-anchors). */
uint64_t arch_ticks(void);
uint64_t arch_ticks_hz(void);

/* Sleeps until an interrupt is taken or arch_ticks() reaches `until`
 * (UINT64_MAX: no alarm). Interrupts that arrived before the call end it at
 * once, so look-then-idle loses nothing. May return early. */
void arch_idle(uint64_t until);

/* Publishes `n` staged descriptors of queue `q`: the warden copies each from
 * `staged` to `desc` after checking that it lies in the DMA pool, ARCH_REACH bytes of it, has no
 * WRITE, NEXT or INDIRECT flag, advances avail.idx by n, and rings the
 * doorbell if the device asked for it. Of a QUEUE_OWNED, whose buffers were checked before,
 * it copies the status and size of the n descriptors after those of the last call; of a
 * QUEUE_RING the n descriptors after those, if `span` bytes from `addr` on lie in the DMA pool.
 * 0, or -EFAULT: the first refused descriptor stops it and nothing is published. Does not wait. */
int arch_submit(unsigned q, unsigned n);

/* Rings queue q's doorbell (buffers put back by the payload itself). */
void arch_notify(unsigned q);

/* A random word from the CPU (RDSEED, RDRAND, RNDR), after retries: true, or
 * false where there is none. `*source` names the instruction. */
bool arch_random(uint64_t *word, const char **source);

/* Ends the machine. 0: clean power-off. Other codes reach the host where the
 * machine has a way (isa-debug-exit, semihosting is not used), else reset. */
_Noreturn void arch_exit(int code);

/* Resets the machine. */
_Noreturn void arch_reset(void);

/* ---- Tasks: kernel/arch/ARCH/switch.S ------------------------------------ */

struct arch_ctx {
	void *sp;                  /* callee-saved registers lie on the task's own stack */
};

/* Makes ctx start `entry` (which never returns) on a stack of `size` bytes. */
void arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void));

/* Saves the callee-saved state (x86-64 psABI §3.2.1 with MXCSR and x87 control
 * word; AAPCS64 §6.1: x19-x30, d8-d15; AAPCS32 §6.1: r4-r11, lr, d8-d15) and loads the other's. */
void arch_ctx_switch(struct arch_ctx *save, struct arch_ctx *load);

/* The same, and returns `value` there, where `load` was saved by this function. For two that call
 * each other in turn from the same places, and do so often. */
void *arch_ctx_pass(struct arch_ctx *save, struct arch_ctx *load, void *value);

/* ---- Crash: kernel/crash.c ----------------------------------------------- */

/* What the warden saved when the payload faulted; it then enters crash_main()
 * unprivileged, on a stack of its own. A fault inside that one resets. */
struct arch_fault {
	uint64_t reg[32];          /* x86_64: rax rbx rcx rdx rsi rdi rbp rsp r8-r15;
	                            * aarch64: x0-x30, sp; armv7a, armv7m: r0-r12, sp, lr */
	uint64_t pc, flags;        /* rip, rflags; ELR, SPSR */
	uint64_t cause, address;   /* vector << 32 | error code, CR2; ESR, FAR; exception << 32
	                            * | fault status, fault address */
};
extern struct arch_fault arch_fault;
extern const char arch_reg_names[][4];         /* "" past the last */

/* One line for a cause: "page fault: write to a read-only page". */
void arch_fault_text(const struct arch_fault *f, char *buf, size_t len);

/* Return addresses by frame pointers from `fp`, 0: the fault's, at most `max`: how many. Reads
 * only inside the payload's stacks, so it cannot fault. */
unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max);
