/* SPDX-License-Identifier: MIT */
/* Entry of the ARMv7-A image: privileged until it drops to kernel_entry() in User mode.
 *
 * Linux Documentation/arm/booting.rst: zImage header, r2 = device tree or ATAGS, MMU and data
 * cache off, caches clean, SVC or HYP mode, any page of RAM below 3 GiB. Arm ARM DDI 0406;
 * Cortex-A7 TRM DDI 0464. From here on SP of every privileged mode points at struct warden
 * for ever: the warden has no stack. */
#include "kernel/arch/armv7a/warden.h"

#define MODE_USR 0x10
#define MODE_FIQ 0x11
#define MODE_IRQ 0x12
#define MODE_SVC 0x13
#define MODE_ABT 0x17
#define MODE_HYP 0x1a
#define MODE_UND 0x1b
#define MODE_SYS 0x1f
#define MASKED 0x1c0                          /* A, I, F */

#define SCTLR_RES1 0x00c50078
#define SCTLR_ON (1 << 0 | 1 << 2 | 1 << 11 | 1 << 12)       /* M C Z I */
#define ACTLR_SMP (1 << 6)                    /* DDI 0464 §4.3.31: caches need it */
#define MAIR0 0x004404ff                      /* 0: write-back memory, 1: device, 2: not cached */
#define TTBCR (1 << 31 | 1 << 23 | 3 << 12 | 1 << 10 | 1 << 8)
                                              /* long descriptors, no TTBR1, write-back walks */
#define FPEXC_EN (1 << 30)

#define ZIMAGE_MAGIC 0x016f2818

	.syntax	unified
	.arm
	.arch_extension virt

/* ---- Image header --------------------------------------------------------- */

	.section .warden.head, "ax"
	.global _start
_start:
	.rept	8
	nop
	.endr
	b	entry
	.word	ZIMAGE_MAGIC
	.word	0                             // where to: anywhere
	.word	__image_size
	.word	0x04030201                    // little endian

/* ---- Entry: physical addresses, MMU off ----------------------------------- */

	.section .warden.text, "ax"
entry:
	mov	r11, r2
	mov	r10, #0
	mrs	r0, cpsr
	and	r1, r0, #0x1f
	cmp	r1, #MODE_HYP
	bne	not_hyp

	/* From HYP down: nothing of PL1 and PL0 is trapped or virtualised. */
	mov	r10, #1                       // non-secure: somebody answers smc
	mov	r0, #0
	mcr	p15, 4, r0, c1, c1, 0         // HCR
	mcr	p15, 4, r0, c1, c1, 3         // HSTR
	mcrr	p15, 6, r0, r0, c2            // VTTBR
	mcrr	p15, 4, r0, r0, c14           // CNTVOFF
	ldr	r1, =0x33ff
	mcr	p15, 4, r1, c1, c1, 2         // HCPTR
	mrc	p15, 4, r1, c1, c1, 1         // HDCR
	and	r1, r1, #0x1f                 // HPMN only
	mcr	p15, 4, r1, c1, c1, 1
	mov	r1, #3
	mcr	p15, 4, r1, c14, c1, 0        // CNTHCTL
	mrc	p15, 0, r1, c0, c0, 0         // MIDR
	mcr	p15, 4, r1, c0, c0, 0         // VPIDR
	mrc	p15, 0, r1, c0, c0, 5         // MPIDR
	mcr	p15, 4, r1, c0, c0, 5         // VMPIDR
	mov	r1, #MASKED | MODE_SVC
	msr	spsr_cxsf, r1
	adr	r1, at_svc
	msr	elr_hyp, r1
	eret
not_hyp:
	cpsid	aif, #MODE_SVC

at_svc:
	ldr	r0, =SCTLR_RES1
	mcr	p15, 0, r0, c1, c0, 0
	mrc	p15, 0, r0, c1, c0, 1
	tst	r0, #ACTLR_SMP
	orreq	r0, r0, #ACTLR_SMP            // writable only in Secure state, where it may be 0
	mcreq	p15, 0, r0, c1, c0, 1
	isb
	adr	r8, entry                     // where we were loaded
	ldr	r0, =entry
	ldr	r1, =_start
	sub	r0, r0, r1
	sub	r8, r8, r0
	sub	r9, r8, #IMAGE_VA             // from linked to physical

	/* Boot tables: the image at IMAGE_VA for the payload to read, write and execute, but the
	 * warden's page privileged; and the 2 MiB that we run in at their physical address,
	 * executable when privileged until we have left them. */
	ldr	r0, =boot_tables
	add	r0, r0, r9
	ldr	r1, =boot_tables_end
	add	r1, r1, r9
	mov	r2, #0
1:	str	r2, [r0], #4
	cmp	r0, r1
	bne	1b

	ldr	r3, =boot_l1
	add	r3, r3, r9
	ldr	r4, =boot_l2
	add	r4, r4, r9
	ldr	r5, =boot_l2_image
	add	r5, r5, r9
	ldr	r6, =boot_l3_image
	add	r6, r6, r9
	orr	r0, r5, #PTE_TABLE
	str	r0, [r3, #(IMAGE_VA >> 30) * 8]
	orr	r0, r6, #PTE_TABLE
	str	r0, [r5]
	orr	r0, r4, #PTE_TABLE
	lsr	r1, r8, #30
	str	r0, [r3, r1, lsl #3]
	lsr	r0, r8, #21
	ubfx	r7, r8, #21, #9
	add	r7, r4, r7, lsl #3            // the entry of our 2 MiB
	lsl	r0, r0, #21
	ldr	r1, =PTE_COMMON | PTE_BLOCK
	orr	r0, r0, r1
	str	r0, [r7]

	ldr	r1, =PTE_COMMON | PTE_RO | PTE_PAGE
	orr	r0, r8, r1
	str	r0, [r6], #8
	ldr	r1, =PTE_COMMON | PTE_EL0 | PTE_PAGE
	orr	r0, r8, r1
	mov	r1, #1 << (PTE_PXN_BIT - 32)
	ldr	r2, =__image_pages
	subs	r2, r2, #1
1:	add	r0, r0, #1 << 12
	strd	r0, r1, [r6], #8
	subs	r2, r2, #1
	bne	1b

	/* Cached copies of what we just wrote round the cache are stale. */
	dmb
	mrc	p15, 0, r0, c0, c0, 1         // CTR
	ubfx	r0, r0, #16, #4
	mov	r1, #4
	lsl	r1, r1, r0
	ldr	r0, =boot_tables
	add	r0, r0, r9
	ldr	r2, =boot_tables_end
	add	r2, r2, r9
1:	mcr	p15, 0, r0, c7, c6, 1         // DCIMVAC
	add	r0, r0, r1
	cmp	r0, r2
	blo	1b
	dsb

	mov	r0, #0
	ldr	r1, =MAIR0
	mcr	p15, 0, r1, c10, c2, 0
	mcr	p15, 0, r0, c10, c2, 1        // MAIR1
	ldr	r1, =TTBCR
	mcr	p15, 0, r1, c2, c0, 2
	mcrr	p15, 0, r3, r0, c2            // TTBR0
	mcr	p15, 0, r0, c8, c7, 0         // TLBIALL
	mcr	p15, 0, r0, c7, c5, 0         // ICIALLU
	mcr	p15, 0, r0, c7, c5, 6         // BPIALL
	dsb
	isb
	ldr	r0, =SCTLR_RES1 | SCTLR_ON
	mcr	p15, 0, r0, c1, c0, 0
	isb
	ldr	pc, =at_image_va

/* ---- Entry: MMU and caches on ---------------------------------------------- */

at_image_va:
	/* The load address's 2 MiB become the payload's memory like the rest. */
	sub	r7, r7, r9
	ldrd	r0, r1, [r7]
	orr	r0, r0, #PTE_EL0
	orr	r1, r1, #1 << (PTE_PXN_BIT - 32)
	strd	r0, r1, [r7]
	dsb	ishst
	mov	r0, #0
	mcr	p15, 0, r0, c8, c7, 0         // TLBIALL
	dsb	ish
	isb

	ldr	r0, =__bss_start
	ldr	r1, =__bss_end
	mov	r2, #0
	mov	r3, #0
	b	2f
1:	strd	r2, r3, [r0], #8
2:	cmp	r0, r1
	blo	1b

	ldr	r0, =warden
	add	r1, r0, #W_SIZE
1:	strd	r2, r3, [r0], #8
	cmp	r0, r1
	bne	1b
	ldr	r0, =warden
	cps	#MODE_FIQ
	mov	sp, r0
	cps	#MODE_IRQ
	mov	sp, r0
	cps	#MODE_ABT
	mov	sp, r0
	cps	#MODE_UND
	mov	sp, r0
	cps	#MODE_SYS                     // whose SP and lr are the payload's
	ldr	sp, =__boot_stack_top
	mov	lr, #0
	cps	#MODE_SVC
	mov	sp, r0
	str	r8, [sp, #W_LOAD]
	str	r11, [sp, #W_BOOT]
	str	r10, [sp, #W_PSCI]

	ldr	r0, =vectors
	mcr	p15, 0, r0, c12, c0, 0        // VBAR
	mov	r0, #0xf << 20                // VFP and NEON
	mcr	p15, 0, r0, c1, c0, 2         // CPACR
	isb
	mov	r0, #FPEXC_EN
	vmsr	fpexc, r0
	mov	r0, #0
	vmsr	fpscr, r0
	mov	r0, #1 << 1                   // PL0VCTEN: the counter, not the timers
	mcr	p15, 0, r0, c14, c1, 0        // CNTKCTL
	mov	r0, #0
	mcr	p15, 0, r0, c14, c3, 1        // CNTV_CTL
	mrc	p15, 0, r0, c0, c1, 2         // ID_DFR0
	ubfx	r0, r0, #24, #4
	sub	r0, r0, #1
	cmp	r0, #0xe                      // a PMU, not absent (0) nor foreign (0xf)
	movlo	r0, #0
	mcrlo	p15, 0, r0, c9, c14, 0        // PMUSERENR
	isb

	mov	r0, #PSR_PAYLOAD
	msr	spsr_cxsf, r0
	ldr	lr, =kernel_entry
	movs	pc, lr
	.ltorg

/* ---- Boot tables ------------------------------------------------------------ */

	.section .warden.data, "aw", %nobits
	.balign	4096
boot_tables:
	.global boot_l1, boot_l2
boot_l2:
	.skip	4096
boot_l2_image:
	.skip	4096
boot_l3_image:
	.skip	4096
boot_l1:
	.skip	32
	.balign	64
boot_tables_end:

	.section .note.GNU-stack, "", %progbits
