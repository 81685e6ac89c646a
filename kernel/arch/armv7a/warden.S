/* SPDX-License-Identifier: MIT */
/* The warden of ARMv7-A: exceptions and the gate, all that runs privileged after start.S.
 *
 * Arm ARM DDI 0406; PSCI DEN0022; GIC IHI 0048; Allwinner H3 Datasheet V1.2, 4.11.4. The
 * payload runs in User mode with IRQ and FIQ masked. SP of each privileged mode points at
 * struct warden: there is no stack, and no call deeper than one branch. */
#include "kernel/arch/armv7a/warden.h"

#define MODE_USR 0x10
#define PSR_THUMB (1 << 5)

#define SCTLR_WXN (1 << 19)
#define SCTLR_UWXN (1 << 20)

#define GICC_IAR 0x0c
#define GICC_EOIR 0x10
#define IDLE_ACKS 64                          /* a line that stays up must not hold us here */

#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

#define WDOG_CFG 0x14
#define WDOG_MODE 0x18

	.syntax	unified
	.arm
	.arch_extension sec

/* ---- Exceptions ------------------------------------------------------------ */

	.section .warden.vectors, "ax"
	.balign	32
	.global	vectors
vectors:
	b	dead
	b	undefined
	b	from_payload
	b	prefetch_abort
	b	data_abort
	b	dead
	b	dead                          // IRQ and FIQ are masked in the payload
	b	dead

	.section .warden.text, "ax"
from_payload:
	cmp	r12, #GATE_COUNT
	addlo	pc, pc, r12, lsl #2
	b	refused
	b	gate_idle
	b	gate_submit
	b	gate_notify
	b	gate_off
	b	gate_reset
	b	gate_seal

/* Each leaves in r3 to r7 what happened, the return address, fault status, fault address and
 * the payload's CPSR. */
undefined:
	stm	sp, {r0-r12}
	mov	r3, #FAULT_UNDEFINED
	b	1f
refused:
	stm	sp, {r0-r12}
	mov	r3, #FAULT_GATE
1:	mrs	r7, spsr
	mov	r5, #0
	mov	r6, #0
	tst	r7, #PSR_THUMB
	subne	r4, lr, #2
	subeq	r4, lr, #4
	b	fault
prefetch_abort:
	stm	sp, {r0-r12}
	mov	r3, #FAULT_FETCH
	mrs	r7, spsr
	mrc	p15, 0, r5, c5, c0, 1         // IFSR
	mrc	p15, 0, r6, c6, c0, 2         // IFAR
	sub	r4, lr, #4
	b	fault
data_abort:
	stm	sp, {r0-r12}
	mov	r3, #FAULT_DATA
	mrs	r7, spsr
	mrc	p15, 0, r5, c5, c0, 0         // DFSR
	mrc	p15, 0, r6, c6, c0, 0         // DFAR
	sub	r4, lr, #8

/* Saves everything in arch_fault, whose words have 64 bits, and lets the payload report it. */
fault:
	and	r0, r7, #0x1f
	cmp	r0, #MODE_USR
	bne	dead
	ldr	r0, [sp, #W_CRASHED]
	cmp	r0, #0
	bne	dead
	mov	r0, #1
	str	r0, [sp, #W_CRASHED]
	add	r0, sp, #W_USER
	stm	r0, {sp, lr}^
	ldr	r8, =arch_fault
	mov	r9, sp
	mov	r10, #13
	mov	r2, #0
1:	ldr	r1, [r9], #4
	str	r1, [r8], #4
	str	r2, [r8], #4
	subs	r10, r10, #1
	bne	1b
	ldr	r1, [r0]
	str	r1, [r8], #8
	ldr	r1, [r0, #4]
	str	r1, [r8]
	ldr	r8, =arch_fault + 256         // pc, flags, cause, address
	str	r4, [r8]
	str	r7, [r8, #8]
	str	r5, [r8, #16]
	str	r3, [r8, #20]
	str	r6, [r8, #24]
	ldr	r1, =__crash_stack_top
	mov	r2, #0
	stm	r0, {r1, r2}
	ldm	r0, {sp, lr}^
	mov	r0, #PSR_PAYLOAD
	msr	spsr_cxsf, r0
	ldr	lr, =crash_main
	movs	pc, lr

/* A second fault, or one of the warden's own: no one is left to report it but this line. */
dead:
	ldr	sp, =warden
	ldr	r0, [sp, #W_CONSOLE]
	mov	r1, #0
	str	r1, [sp, #W_CONSOLE]
	cmp	r0, #0
	beq	gate_off
	adr	r1, last_line
1:	ldrb	r2, [r1], #1
	cmp	r2, #0
	beq	gate_off
	str	r2, [r0]
	b	1b

/* ---- The gate -------------------------------------------------------------- */

gate_off:
	ldr	r0, =PSCI_SYSTEM_OFF
	mov	r4, #0
	b	1f
gate_reset:
	ldr	r0, =PSCI_SYSTEM_RESET
	ldr	r4, [sp, #W_WATCHDOG]
1:	ldr	r1, [sp, #W_PSCI]
	mov	r2, #0
	str	r2, [sp, #W_PSCI]             // should the call itself fault
	cmp	r1, #0
	beq	2f
	smc	#0
2:	cmp	r4, #0
	movne	r0, #1
	strne	r0, [r4, #WDOG_CFG]           // resets the whole system,
	strne	r0, [r4, #WDOG_MODE]          // after half a second
	dsb
3:	wfi
	b	3b

/* Sleeps, then takes what came from the interrupt controller. An interrupt that is pending
 * already, masked or not, makes wfi fall through. */
gate_idle:
	stm	sp, {r4-r9}
	mcrr	p15, 3, r0, r1, c14           // CNTV_CVAL
	mov	r2, #1
	mcr	p15, 0, r2, c14, c3, 1        // CNTV_CTL
	isb
	dsb
	wfi
	mov	r2, #0
	mcr	p15, 0, r2, c14, c3, 1
	isb
	ldr	r0, [sp, #W_GICC]
	mov	r1, #IDLE_ACKS
	cmp	r0, #0
	beq	5f
1:	ldr	r2, [r0, #GICC_IAR]
	ubfx	r3, r2, #0, #10
	cmp	r3, #1020
	bhs	5f
	ldr	r4, [sp, #W_ACKS]
	add	r5, sp, #W_ACK
	b	3f
2:	ldm	r5!, {r6-r8}
	sub	r4, r4, #1
	cmp	r6, r3
	bne	3f
	ldr	r9, [r7]
	cmp	r8, #0                  // reading was all
	strne	r9, [r8]
3:	cmp	r4, #0
	bne	2b
	dsb
	str	r2, [r0, #GICC_EOIR]
	subs	r1, r1, #1
	bne	1b
5:	ldm	sp, {r4-r9}
	movs	pc, lr

/* Copies the next n staged status and size words. Where they lie and what they name was
 * checked at the seal and cannot change. */
gate_submit:
	stm	sp, {r4-r9}
	ldr	r2, [sp, #W_QUEUES]
	cmp	r0, r2
	bhs	9f
	add	r2, sp, #W_QUEUE
	add	r2, r2, r0, lsl #W_QUEUE_SHIFT
	ldm	r2, {r3, r4}                  // staged, desc
	ldr	r5, [r2, #Q_MASK]
	ldr	r6, [r2, #Q_NEXT]
	cmp	r3, #0
	beq	9f                            // nothing is staged here: notify only
	cmp	r1, #0
	beq	8f
	sub	r0, r1, #1
	cmp	r0, r5                        // more than the queue has
	bhi	9f
1:	and	r7, r6, r5
	add	r8, r3, r7, lsl #4
	add	r7, r4, r7, lsl #4
	ldr	r9, [r8]
	ldr	r8, [r8, #4]
	str	r8, [r7, #4]
	dmb	st                            // the size before the ownership
	str	r9, [r7]
	add	r6, r6, #1
	subs	r1, r1, #1
	bne	1b
	str	r6, [r2, #Q_NEXT]
	mov	r0, #0
	ldm	sp, {r4-r9}
	b	ring
8:	mov	r0, #0
	ldm	sp, {r4-r9}
	movs	pc, lr
9:	mvn	r0, #13                       // -EFAULT
	ldm	sp, {r4-r9}
	movs	pc, lr

gate_notify:
	ldr	r2, [sp, #W_QUEUES]
	cmp	r0, r2
	movshs	pc, lr
	add	r2, sp, #W_QUEUE
	add	r2, r2, r0, lsl #W_QUEUE_SHIFT
ring:
	ldr	r3, [r2, #Q_NOTIFY]
	ldr	r12, [r2, #Q_VALUE]
	dsb	st                            // descriptors before the doorbell
	str	r12, [r3]
	movs	pc, lr

/* Another address space number, so that no entry of the boot tables can meet one of the
 * sealed ones in the TLB. */
gate_seal:
	ldr	r1, [sp, #W_SEALED]
	cmp	r1, #0
	bne	refused
	mov	r1, #1
	str	r1, [sp, #W_SEALED]
	dsb	ish
	mov	r1, #1 << 16                  // ASID, bits 55:48
	mcrr	p15, 0, r0, r1, c2            // TTBR0
	isb
	mov	r1, #0
	mcr	p15, 0, r1, c8, c7, 0         // TLBIALL
	mcr	p15, 0, r1, c7, c5, 6         // BPIALL
	dsb
	mrc	p15, 0, r1, c1, c0, 0
	orr	r1, r1, #SCTLR_WXN
	orr	r1, r1, #SCTLR_UWXN
	mcr	p15, 0, r1, c1, c0, 0
	isb
	movs	pc, lr

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
