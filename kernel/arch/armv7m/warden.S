/* SPDX-License-Identifier: MIT */
/* The warden of ARMv7-M: reset, exceptions and the gate, all that runs privileged.
 *
 * ARMv7-M Architecture Reference Manual, ARM DDI 0403: B1.5 (exceptions), B3.2 (system control),
 * B3.3 (SysTick), B3.4 (NVIC), B3.5 (MPU). The payload runs in thread mode, unprivileged, on
 * PSP; handlers use the stack at the start of struct warden. Interrupts and SysTick have
 * priority over the gate, so that they end its WFI; they only take down what happened. */
#include "kernel/arch/armv7m/warden.h"

	.syntax	unified
	.cpu	cortex-m3
	.thumb

#define PPB 0xe000e000
#define SYST_CSR 0x010
#define SYST_RVR 0x014
#define SYST_CVR 0x018
#define NVIC_ISER 0x100
#define NVIC_ICER 0x180
#define NVIC_ICPR 0x280
#define ICSR 0xd04
#define VTOR 0xd08
#define AIRCR 0xd0c
#define CCR 0xd14
#define SHPR2 0xd1c
#define SHCSR 0xd24
#define CFSR 0xd28
#define HFSR 0xd2c
#define MMFAR 0xd34
#define BFAR 0xd38
#define MPU_CTRL 0xd94
#define MPU_RNR 0xd98
#define MPU_RBAR 0xd9c
#define MPU_RASR 0xda0

#define ICSR_PENDSTSET (1 << 26)
#define ICSR_PENDSTCLR (1 << 25)
#define CCR_DIV_0_TRP (1 << 4)
#define CCR_STKALIGN (1 << 9)
#define SHCSR_FAULTS (7 << 16)
#define SHCSR_SVCALLPENDED (1 << 15)
#define CFSR_UNSTACKED (1 << 4 | 1 << 12)     /* MSTKERR, STKERR: no frame was written */
#define CFSR_MMARVALID (1 << 7)
#define CFSR_BFARVALID (1 << 15)
#define SYST_ON 7                             /* CPU clock, exception at 0, enabled */
#define SYST_WHOLE 0x1000000                  /* ticks of its longest period */
#define SYST_LEAST 512                        /* a shorter one might end while it is set up */
#define CRASH_ROOM 1024

#define FRAME 32                              /* r0-r3, r12, lr, pc, xPSR */
#define FRAME_R12 16
#define FAULT_PC 256                          /* offsets in struct arch_fault */
#define FAULT_FLAGS 264
#define FAULT_CAUSE 272
#define FAULT_ADDRESS 280

/* ---- Vectors ---------------------------------------------------------------- */

	.section .warden.vectors, "a"
vectors:
	.word	warden + W_TICKS              // the stack ends where the rest begins
	.word	reset
	.word	passed_over                   // NMI: the first warning of a watchdog
	.word	fault                         // HardFault
	.word	fault                         // MemManage
	.word	fault                         // BusFault
	.word	fault                         // UsageFault
	.word	0, 0, 0, 0
	.word	svcall
	.word	dead, 0                       // DebugMonitor
	.word	dead                          // PendSV
	.word	systick
	.rept	LINES
	.word	interrupt
	.endr

	.section .warden.text, "ax"
	.macro	function name
	.type	\name, %function
	.thumb_func
\name:
	.endm

/* ---- Reset ------------------------------------------------------------------- */

	.global	_start
	.thumb_func
	.set	_start, reset
function reset
	cpsid	i
	ldr	r4, =warden
	movs	r0, #0
	mov	r1, r4
	add	r2, r4, #W_SIZE
1:	str	r0, [r1], #4
	cmp	r1, r2
	bne	1b
	ldr	r5, =PPB
	ldr	r1, =vectors
	str	r1, [r5, #VTOR]
	mov	r1, #0x80 << 24               // SVC yields to all others, which stay at 0
	str	r1, [r5, #SHPR2]
	mov	r1, #SHCSR_FAULTS
	str	r1, [r5, #SHCSR]
	mov	r1, #CCR_STKALIGN
	orr	r1, r1, #CCR_DIV_0_TRP
	str	r1, [r5, #CCR]
	mov	r1, #SYST_WHOLE
	str	r1, [r4, #W_PERIOD]
	str	r1, [r4, #W_NEXT]
	str	r1, [r4, #W_FRESH]
	subs	r1, r1, #1
	str	r1, [r5, #SYST_RVR]
	str	r0, [r5, #SYST_CVR]
	movs	r1, #SYST_ON
	str	r1, [r5, #SYST_CSR]
	ldr	r1, =__boot_stack_top
	msr	psp, r1
	ldr	r0, =kernel_entry
	mov	lr, #0
	cpsie	i
	movs	r1, #3                        // unprivileged, on PSP
	msr	control, r1
	isb
	bx	r0

/* ---- Interrupts ---------------------------------------------------------------- */

function passed_over
	bx	lr

/* The line stays off until the payload, which alone can quiet the device, has had a look. */
function interrupt
	mrs	r0, ipsr
	subs	r0, r0, #16
	lsrs	r1, r0, #5
	and	r0, r0, #31
	movs	r2, #1
	lsls	r2, r2, r0
	ldr	r3, =PPB + NVIC_ICER
	str	r2, [r3, r1, lsl #2]
	ldr	r3, =warden + W_FIRED
	ldr	r0, [r3, r1, lsl #2]
	orrs	r0, r0, r2
	str	r0, [r3, r1, lsl #2]
	dsb
	bx	lr

/* A period has ended, and the next begins with what the reload register held: it is set for the
 * one after that. Where the next has ended before that, too, as in an emulator whose host is busy,
 * nobody can tell how long the one is that runs now, and a whole one is begun. */
function systick
	ldr	r3, =warden
	mov	r12, #SYST_WHOLE
	str	r12, [r3, #W_FRESH]
	ldrd	r0, r1, [r3, #W_TICKS]
	ldr	r2, [r3, #W_PERIOD]
	adds	r0, r0, r2
	adc	r1, r1, #0
	strd	r0, r1, [r3, #W_TICKS]
	ldr	r0, [r3, #W_NEXT]
	strd	r0, r12, [r3, #W_PERIOD]
	ldr	r1, =PPB
	sub	r2, r12, #1
	str	r2, [r1, #SYST_RVR]
	ldr	r0, [r1, #ICSR]
	tst	r0, #ICSR_PENDSTSET
	it	eq
	bxeq	lr
	str	r12, [r3, #W_PERIOD]
	str	r2, [r1, #SYST_CVR]
	mov	r0, #ICSR_PENDSTCLR
	str	r0, [r1, #ICSR]
	bx	lr

/* ---- The gate -------------------------------------------------------------------- */

/* Arguments come from the frame, which the payload can write, and results go there: the
 * hardware has just stored it with the payload's rights. */
function svcall
	mrs	r12, psp
	ldr	r3, =warden
	ldr	r2, [r12, #FRAME_R12]
	cmp	r2, #GATE_COUNT
	bhs	refuse
	tbb	[pc, r2]
1:	.byte	(gate_idle - 1b) / 2, (gate_ticks - 1b) / 2, (gate_switch - 1b) / 2
	.byte	(gate_reset - 1b) / 2, (gate_protect - 1b) / 2, (gate_route - 1b) / 2

/* The count, in r0 and r1, and what is left of the period, in r2. With interrupts masked: a
 * period that has ended meanwhile is pending, or, in an emulator, about to be. */
	.macro	count
	ldr	r12, =PPB
	ldrd	r0, r1, [r3, #W_TICKS]
	ldr	r4, [r3, #W_PERIOD]
	ldr	r2, [r12, #SYST_CVR]
	ldr	r5, [r12, #ICSR]
	tst	r5, #ICSR_PENDSTSET
	bne	1f
	cbnz	r2, 2f
	ldr	r5, [r3, #W_FRESH]
	cbnz	r5, 3f                        // 0: it has not begun, else it is over
	b	2f
1:	adds	r0, r0, r4
	adc	r1, r1, #0
	ldr	r4, [r3, #W_NEXT]
	ldr	r2, [r12, #SYST_CVR]
	cbz	r2, 3f
2:	subs	r4, r4, r2
	adds	r0, r0, r4
	adc	r1, r1, #0
	movs	r4, #0
	str	r4, [r3, #W_FRESH]
3:
	.endm

gate_ticks:
	push	{r4, r5}
	cpsid	i
	count
	cpsie	i
	pop	{r4, r5}
	mrs	r12, psp
	strd	r0, r1, [r12]
	bx	lr

/* Lines that fired since the last call are on again, and end this one: what came in meanwhile
 * is looked for once more, so nothing is lost. Else WFI, which an interrupt ends though it is
 * masked. Where the alarm comes before SysTick's period ends, that is begun anew, and shorter:
 * two ticks are lost each time. The reload register keeps the length until it has served twice,
 * since the counter may take it late. */
gate_idle:
	push	{r4-r7}
	ldrd	r6, r7, [r12]
	cpsid	i
	ldr	r12, =PPB
	ldrd	r0, r1, [r3, #W_FIRED]
	orrs	r2, r0, r1
	bne	8f
	count
	cbz	r2, 9f
	subs	r6, r6, r0
	sbcs	r7, r7, r1
	blo	9f                            // it is past
	bne	5f                            // far off
	cmp	r6, #SYST_LEAST
	it	lo
	movlo	r6, #SYST_LEAST
	subs	r0, r2, #SYST_LEAST
	blo	5f
	cmp	r6, r0
	bhs	5f                            // the period ends first, or about then
	subs	r0, r6, #1
	mov	r1, #ICSR_PENDSTCLR
	ldr	r2, [r12, #SYST_CVR]
	cbz	r2, 9f
	ldr	r5, [r12, #ICSR]
	tst	r5, #ICSR_PENDSTSET
	bne	9f
	str	r0, [r12, #SYST_RVR]
	str	r0, [r12, #SYST_CVR]
	str	r1, [r12, #ICSR]              // it may have ended since that look
	ldr	r0, [r3, #W_PERIOD]
	strd	r6, r6, [r3, #W_PERIOD]
	str	r6, [r3, #W_FRESH]
	subs	r0, r0, r2
	ldrd	r4, r5, [r3, #W_TICKS]
	adds	r4, r4, r0
	adc	r5, r5, #0
	strd	r4, r5, [r3, #W_TICKS]
5:	dsb
	wfi
	b	9f
8:	movs	r2, #0
	strd	r2, r2, [r3, #W_FIRED]
	add	r4, r12, #NVIC_ICPR
	strd	r0, r1, [r4]                  // what came since will be seen all the same
	add	r4, r12, #NVIC_ISER
	strd	r0, r1, [r4]
9:	cpsie	i
	isb
	pop	{r4-r7}
	bx	lr

/* Which stack, the stack pointer itself tells. */
gate_switch:
	ldr	r0, [r3, #W_STACKS]
	sub	r1, r12, r0
	ldr	r2, [r3, #W_STACKS_SIZE]
	cmp	r1, r2
	bhs	1f
	ldr	r2, [r3, #W_STRIDE]
	udiv	r1, r1, r2
	mla	r0, r1, r2, r0
	b	2f
1:	ldr	r0, [r3, #W_DEEP]
	sub	r1, r12, r0
	ldr	r2, [r3, #W_DEEP_SIZE]
	cmp	r1, r2
	bhs	refuse
2:	ldr	r1, [r3, #W_GUARD]
	subs	r0, r0, r1
	orr	r0, r0, #1 << 4 | REGION_GUARD
	ldr	r3, =PPB
	str	r0, [r3, #MPU_RBAR]
	dsb
	bx	lr

gate_reset:
	ldr	r3, =PPB
	ldr	r0, =0x05fa0004               // SYSRESETREQ
	dsb
	str	r0, [r3, #AIRCR]
	dsb
1:	b	1b

gate_protect:
	ldr	r0, [r3, #W_SEALED]
	cmp	r0, #0
	bne	refuse
	ldr	r0, [r12]
	push	{r4, r5}
	ldr	r12, =PPB
	movs	r1, #0
	str	r1, [r12, #MPU_CTRL]
1:	ldrd	r4, r5, [r0], #8
	str	r1, [r12, #MPU_RNR]
	str	r4, [r12, #MPU_RBAR]
	str	r5, [r12, #MPU_RASR]
	adds	r1, r1, #1
	cmp	r1, #REGIONS
	bne	1b
	movs	r1, #5                        // on; privileged code sees the default map besides
	str	r1, [r12, #MPU_CTRL]
	ldr	r1, [r0], #4
	str	r1, [r3, #W_SEALED]
	ldrd	r4, r5, [r0]
	strd	r4, r5, [r3, #W_STACKS]
	ldrd	r4, r5, [r0, #8]
	strd	r4, r5, [r3, #W_STRIDE]
	ldrd	r4, r5, [r0, #16]
	strd	r4, r5, [r3, #W_DEEP]
	pop	{r4, r5}
	dsb
	isb
	bx	lr

gate_route:
	ldr	r0, [r3, #W_SEALED]
	cmp	r0, #0
	bne	refuse
	ldr	r0, [r12]
	cmp	r0, #LINES
	bhs	refuse
	lsrs	r1, r0, #5
	and	r0, r0, #31
	movs	r2, #1
	lsls	r2, r2, r0
	ldr	r3, =PPB + NVIC_ISER
	str	r2, [r3, r1, lsl #2]
	bx	lr

/* ---- Faults ------------------------------------------------------------------------ */

/* Saves everything in arch_fault and lets the payload report it. A cause of 0 is a gate call
 * that was refused. Where the payload's stack could take no frame, r0 to r3 and r12 are still
 * in their registers; where it was and would return to is lost. */
refuse:
function fault
	cmn	lr, #3                        // from the payload, on PSP?
	bne	dead
	push	{r0-r3, r12}
	ldr	r1, =warden
	ldr	r0, [r1, #W_CRASHED]
	cmp	r0, #0
	bne	dead
	movs	r0, #1
	str	r0, [r1, #W_CRASHED]
	ldr	r0, =arch_fault
	ldr	r1, =PPB
	mrs	r2, psp
	ldr	r3, [r1, #CFSR]
	str	r3, [r0, #FAULT_CAUSE]
	add	r12, r2, #FRAME
	ldr	lr, =CFSR_UNSTACKED
	tst	r3, lr
	bne	1f
	ldr	r3, [r2, #28]
	str	r3, [r0, #FAULT_FLAGS]
	tst	r3, #1 << 9                   // the frame was aligned
	it	ne
	addne	r12, r12, #4
	ldr	r3, [r2, #24]
	str	r3, [r0, #FAULT_PC]
	ldr	r3, [r2, #20]
	str	r3, [r0, #14 * 8]
	b	2f
1:	mov	r2, sp
2:	str	r12, [r0, #13 * 8]
	str	r4, [r0, #4 * 8]
	str	r5, [r0, #5 * 8]
	str	r6, [r0, #6 * 8]
	str	r7, [r0, #7 * 8]
	str	r8, [r0, #8 * 8]
	str	r9, [r0, #9 * 8]
	str	r10, [r0, #10 * 8]
	str	r11, [r0, #11 * 8]
	ldm	r2, {r4-r8}
	str	r4, [r0, #0 * 8]
	str	r5, [r0, #1 * 8]
	str	r6, [r0, #2 * 8]
	str	r7, [r0, #3 * 8]
	str	r8, [r0, #12 * 8]
	add	sp, sp, #20
	ldr	r4, [r1, #HFSR]
	str	r4, [r0, #FAULT_CAUSE + 4]
	str	r4, [r1, #HFSR]               // write 1 to clear
	ldr	r5, [r0, #FAULT_CAUSE]
	str	r5, [r1, #CFSR]
	ldr	r4, [r1, #MMFAR]
	ldr	r6, [r1, #BFAR]
	tst	r5, #CFSR_BFARVALID
	it	ne
	movne	r4, r6
	ldr	r6, =CFSR_BFARVALID | CFSR_MMARVALID
	tst	r5, r6
	it	ne
	strne	r4, [r0, #FAULT_ADDRESS]
	ldr	r4, [r1, #SHCSR]              // a call whose frame failed must not follow
	bic	r4, r4, #SHCSR_SVCALLPENDED
	str	r4, [r1, #SHCSR]

	/* The report runs on the boot stack: below what boot has there, or at its top. */
	ldr	r4, =__boot_stack_top
	ldr	r5, =__boot_stack + CRASH_ROOM
	subs	r2, r2, #FRAME
	bic	r2, r2, #7
	cmp	r2, r5
	blo	3f
	cmp	r2, r4
	blo	4f
3:	sub	r2, r4, #FRAME
4:	movs	r4, #0
	movs	r5, #0
	ldr	r6, =crash_start
	mov	r7, #1 << 24                  // Thumb state
	strd	r4, r5, [r2, #16]
	strd	r6, r7, [r2, #24]
	msr	psp, r2
	mvn	lr, #2
	bx	lr

/* A second fault, or one of the warden's own: no one is left to report it but this line. */
function dead
	ldr	r3, =warden
	ldr	r1, [r3, #W_CONSOLE]
	movs	r0, #0
	str	r0, [r3, #W_CONSOLE]          // should the UART itself fault
	cmp	r1, #0
	beq	gate_reset
	adr	r2, last_line
1:	ldrb	r0, [r2], #1
	cmp	r0, #0
	beq	gate_reset
	str	r0, [r1]
	mov	r0, #8192                     // longer than a byte takes at 115200 baud
2:	subs	r0, r0, #1
	bne	2b
	b	1b

	.balign	4
last_line:
	.asciz	"\nwarden: second fault\nexit code 2\n"
	.balign	4
	.ltorg

/* ---- Data ---------------------------------------------------------------------------- */

	.section .warden.data, "aw", %nobits
	.balign	8
	.global	warden
	.type	warden, %object
warden:
	.skip	W_SIZE
	.size	warden, W_SIZE

	.section .note.GNU-stack, "", %progbits
