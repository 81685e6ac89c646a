/* SPDX-License-Identifier: MIT */
/* The warden of aarch64: exceptions and the gate, all that runs at EL1 after
 * start.S.
 *
 * Arm ARM DDI 0487; PSCI DEN0022; GIC IHI 0048 and IHI 0069; virtio 1.2. The
 * payload runs at EL0 with IRQ and FIQ masked. SP_EL1 points at struct warden:
 * there is no stack, and no call deeper than one branch. */
#include "kernel/arch/aarch64/warden.h"

#define SCTLR_WXN_BIT 19

#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1

#define GICC_IAR 0x0c
#define GICC_EOIR 0x10
#define IDLE_ACKS 64                          /* a line that stays up must not hold us here */

#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

/* ---- Exceptions ------------------------------------------------------------ */

	.section .warden.vectors, "ax"
	.macro	vector target
	.balign	0x80
	b	\target
	.endm

	.balign	0x800
	.global	vectors
vectors:
	.rept	8                             // from EL1: a fault of the warden's own
	vector	dead
	.endr
	vector	from_payload
	vector	dead                          // IRQ and FIQ are masked at EL0
	vector	dead
	.balign	0x80                          // SError
	stp	x16, x17, [sp, #W_SAVE]
	b	fault
	.rept	4                             // AArch32
	vector	dead
	.endr
	.balign	0x80

	.section .warden.text, "ax"
from_payload:
	stp	x16, x17, [sp, #W_SAVE]
	mrs	x16, esr_el1
	mov	w17, #0x56000000              // SVC from AArch64, immediate 0
	sub	w16, w16, w17
	cmp	w16, #GATE_COUNT
	b.hs	fault
	adr	x17, gates
	add	x17, x17, w16, uxtw #2
	br	x17
gates:
	b	gate_idle
	b	gate_submit
	b	gate_notify
	b	gate_off
	b	gate_reset
	b	gate_seal

/* Saves everything in arch_fault and lets the payload report it. */
fault:
	ldr	x16, [sp, #W_CRASHED]
	cbnz	x16, dead
	mov	x16, #1
	str	x16, [sp, #W_CRASHED]
	ldr	x16, =arch_fault
	stp	x0, x1, [x16, #0]
	stp	x2, x3, [x16, #16]
	stp	x4, x5, [x16, #32]
	stp	x6, x7, [x16, #48]
	stp	x8, x9, [x16, #64]
	stp	x10, x11, [x16, #80]
	stp	x12, x13, [x16, #96]
	stp	x14, x15, [x16, #112]
	ldp	x0, x1, [sp, #W_SAVE]
	stp	x0, x1, [x16, #128]
	stp	x18, x19, [x16, #144]
	stp	x20, x21, [x16, #160]
	stp	x22, x23, [x16, #176]
	stp	x24, x25, [x16, #192]
	stp	x26, x27, [x16, #208]
	stp	x28, x29, [x16, #224]
	mrs	x0, sp_el0
	stp	x30, x0, [x16, #240]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [x16, #256]
	mrs	x0, esr_el1
	mrs	x1, far_el1
	stp	x0, x1, [x16, #272]
	ldr	x0, =__crash_stack_top
	msr	sp_el0, x0
	ldr	x0, =crash_main
	msr	elr_el1, x0
	mov	x0, #SPSR_EL0
	msr	spsr_el1, x0
	mov	x29, xzr
	mov	x30, xzr
	eret

/* A second fault, or one at EL1: no one is left to report it but this line. */
dead:
	ldr	x9, [sp, #W_CONSOLE]
	cbz	x9, gate_off
	str	xzr, [sp, #W_CONSOLE]
	adr	x10, last_line
1:	ldrb	w11, [x10], #1
	cbz	w11, gate_off
	strb	w11, [x9]
	b	1b

/* ---- The gate -------------------------------------------------------------- */

gate_off:
	ldr	w0, =PSCI_SYSTEM_OFF
	b	1f
gate_reset:
	ldr	w0, =PSCI_SYSTEM_RESET
1:	ldr	x9, [sp, #W_PSCI]
	str	xzr, [sp, #W_PSCI]            // should the call itself fault
	cmp	x9, #1
	b.lo	3f
	b.hi	2f
	smc	#0
	b	3f
2:	hvc	#0
3:	wfi
	b	3b

/* Sleeps, then takes what came from the interrupt controller. An interrupt
 * that is pending already, masked or not, makes wfi fall through. */
gate_idle:
	msr	cntv_cval_el0, x0
	mov	x9, #1
	msr	cntv_ctl_el0, x9
	isb
	dsb	sy
	wfi
	msr	cntv_ctl_el0, xzr
	isb
	ldr	x10, [sp, #W_GICC]
	mov	w17, #IDLE_ACKS
1:	cbz	x10, 2f
	ldr	w11, [x10, #GICC_IAR]
	b	3f
2:	mrs	x11, ICC_IAR1_EL1
	dsb	sy
3:	and	w12, w11, #0x3ff
	cmp	w12, #1020
	b.hs	7f
	ldr	x13, [sp, #W_ACKS]
	add	x14, sp, #W_ACK
	b	5f
4:	ldp	x15, x16, [x14], #16
	ldr	x9, [x14], #W_ACK_SIZE - 16
	sub	x13, x13, #1
	cmp	x15, x12
	b.ne	5f
	ldr	w15, [x16]
	cbz	x9, 5f                        // reading was all
	str	w15, [x9]
5:	cbnz	x13, 4b
	cbz	x10, 6f
	dsb	sy
	str	w11, [x10, #GICC_EOIR]
	subs	w17, w17, #1
	b.ne	1b
	eret
6:	dsb	sy
	msr	ICC_EOIR1_EL1, x11
	isb
	subs	w17, w17, #1
	b.ne	1b
7:	eret

/* Staged descriptors at avail.idx and on are checked and copied; the index is
 * read from the ring itself: whatever it says, only checked ones are reached. */
gate_submit:
	ldr	x9, [sp, #W_QUEUES]
	cmp	x0, x9
	b.hs	9f
	add	x9, sp, #W_QUEUE
	add	x9, x9, x0, lsl #W_QUEUE_SHIFT
	ldp	x10, x11, [x9, #Q_STAGED]
	ldp	x12, x13, [x9, #Q_AVAIL]
	ldr	w14, [x9, #Q_MASK]
	cbz	x10, 9f                       // nothing is staged here: notify only
	cbz	x1, 8f
	sub	x4, x1, #1
	cmp	x4, x14                       // more than the queue has
	b.hi	9f
	ldp	x2, x3, [sp, #W_DMA]
	ldr	w4, [x9, #Q_RINGS]
	cbnz	w4, submit_ring
	subs	x3, x3, #Q_REACH
	b.lo	9f
	ldrh	w4, [x12, #2]
	mov	w15, w4
1:	and	w5, w15, w14
	add	x6, x10, x5, lsl #4
	ldp	x6, x7, [x6]                  // address; length, flags, next
	ubfx	x8, x7, #32, #16
	cbnz	x8, 9f
	mov	w7, w7
	cmp	x7, #Q_REACH
	b.hi	9f
	sub	x8, x6, x2
	cmp	x8, x3                        // address - base <= size - reach
	b.hi	9f
	add	x16, x11, x5, lsl #4
	stp	x6, x7, [x16]
	add	w15, w15, #1
	subs	x1, x1, #1
	b.ne	1b
	mov	x0, #0
	dmb	ishst                         // descriptors before the index
	strh	w15, [x12, #2]
	cbz	x13, ring
	dmb	ish                           // the index before avail_event is read
	ldrh	w5, [x13]                     // virtio 1.2 section 2.7.10
	sub	w6, w15, w5
	sub	w6, w6, #1
	sub	w7, w15, w4
	and	w6, w6, #0xffff
	and	w7, w7, #0xffff
	cmp	w6, w7
	b.lo	ring
	eret
8:	mov	x0, #0
	eret
9:	mov	x0, #-14                      // -EFAULT
	eret

/* x2, x3: the pool, x10: staged, x11: the device's, x12: bits of the word that are taken, x13:
 * what the device may touch from the address on, x14: mask. */
submit_ring:
	ldr	w15, [x9, #Q_VALUE]
	cmp	x13, x3
	b.hi	9b
	sub	x3, x3, x13
1:	lsl	x4, x15, #4
	add	x5, x10, x4
	ldp	x6, x7, [x5]
	sub	x8, x6, x2
	cmp	x8, x3                        // address - base <= size - span
	b.hi	9b
	and	x7, x7, x12
	add	x5, x11, x4
	str	x6, [x5]
	dmb	ishst                         // a generation bit is in the word
	str	x7, [x5, #8]
	add	w15, w15, #1
	and	w15, w15, w14
	subs	x1, x1, #1
	b.ne	1b
	str	w15, [x9, #Q_VALUE]
	mov	x0, #0
	b	ring

gate_notify:
	ldr	x9, [sp, #W_QUEUES]
	cmp	x0, x9
	b.hs	2f
	add	x9, sp, #W_QUEUE
	add	x9, x9, x0, lsl #W_QUEUE_SHIFT
ring:
	ldr	x10, [x9, #Q_NOTIFY]
	ldr	w11, [x9, #Q_VALUE]
	ldr	w12, [x9, #Q_WIDTH]
	dsb	st                            // the ring before the doorbell
	cmp	w12, #2
	b.eq	1f
	str	w11, [x10]
	eret
1:	strh	w11, [x10]
2:	eret

/* Another address space number, so that no entry of the boot tables can meet
 * one of the sealed ones in the TLB. */
gate_seal:
	ldr	x16, [sp, #W_SEALED]
	cbnz	x16, fault
	mov	x9, #1
	str	x9, [sp, #W_SEALED]
	stp	x1, x2, [sp, #W_DMA]
	dsb	ish
	orr	x0, x0, #1 << 48
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	mrs	x9, sctlr_el1
	orr	x9, x9, #1 << SCTLR_WXN_BIT
	msr	sctlr_el1, x9
	isb
	eret

last_line:
	.asciz	"\nwarden: second fault\nexit code 2\n"
	.balign	4
	.ltorg

/* ---- Data ------------------------------------------------------------------- */

	.section .warden.data, "aw", %nobits
	.balign	64
	.global warden
	.type	warden, %object
warden:
	.skip	W_SIZE
	.size	warden, W_SIZE

	.section .note.GNU-stack, "", %progbits
