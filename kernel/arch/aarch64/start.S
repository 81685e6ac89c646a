/* SPDX-License-Identifier: MIT */
/* Entry of the aarch64 image: at EL1 until it drops to kernel_entry() at EL0.
 *
 * Linux Documentation/arch/arm64/booting.rst: Image header, x0 = device tree,
 * MMU off, EL1 or EL2, any 2 MiB aligned address in RAM below 256 GiB.
 * Arm ARM DDI 0487; GIC IHI 0069 §12. From here on SP_EL1 points at struct
 * warden for ever: the warden has no stack. */
#include "kernel/arch/aarch64/warden.h"

#define SCTLR_RES1 0x30d00980                 /* LSMAOE nTLSMD SPAN EIS TSCXT EOS SED ITD */
#define SCTLR_ON (1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12 | 1 << 14 | 1 << 15)
                                              /* M C SA SA0 I DZE UCT; EL0 WFI and WFE trap */
#define MAIR 0x04ff                           /* 0: write-back memory, 1: device nGnRE */
#define TCR_LOW (25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 23)
                                              /* 39 bits, write-back walks, no TTBR1 */
#define SPSR_EL1 0x3c5

#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_BPR1_EL1 S3_0_C12_C12_3
#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_SRE_EL2 S3_4_C12_C9_5
#define ICH_HCR_EL2 S3_4_C12_C11_0

/* ---- Image header --------------------------------------------------------- */

	.section .warden.head, "ax"
	.global _start
_start:
	b	entry
	.long	0
	.quad	0                             // text_offset
	.quad	__image_size
	.quad	0xa                           // little endian, 4 KiB pages, anywhere in RAM
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* ---- Entry: physical addresses, MMU off ----------------------------------- */

	.section .warden.text, "ax"
entry:
	mov	x19, x0
	mrs	x9, CurrentEL
	cmp	x9, #2 << 2
	b.ne	at_el1

	/* From EL2 down: nothing of EL1 and EL0 is trapped or virtualised. */
	mov	x9, #1 << 31                  // RW: EL1 is AArch64
	msr	hcr_el2, x9
	mov	x9, #3
	msr	cnthctl_el2, x9
	msr	cntvoff_el2, xzr
	mov	x9, #0x33ff
	msr	cptr_el2, x9
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x9, mdcr_el2
	and	x9, x9, #0x1f                 // HPMN only
	msr	mdcr_el2, x9
	mrs	x9, midr_el1
	msr	vpidr_el2, x9
	mrs	x9, mpidr_el1
	msr	vmpidr_el2, x9
	mrs	x9, id_aa64pfr0_el1
	ubfx	x9, x9, #24, #4
	cbz	x9, 1f
	mrs	x9, ICC_SRE_EL2
	mov	x10, #9                       // SRE, Enable
	orr	x9, x9, x10
	msr	ICC_SRE_EL2, x9
	isb
	msr	ICH_HCR_EL2, xzr
1:	mov	x9, #SPSR_EL1
	msr	spsr_el2, x9
	adr	x9, at_el1
	msr	elr_el2, x9
	ldr	x9, =SCTLR_RES1
	msr	sctlr_el1, x9
	eret

at_el1:
	ldr	x9, =SCTLR_RES1
	msr	sctlr_el1, x9
	isb
	adrp	x20, _start                   // where we were loaded

	/* Boot tables: the image at IMAGE_VA for EL0 to read, write and execute,
	 * but its warden's text for EL1 only; and the 2 MiB that we run in at
	 * their physical address, executable at EL1 until we have left them. */
	adrp	x21, boot_l1
	adrp	x22, boot_l2
	adrp	x23, boot_l2_image
	adrp	x24, boot_l3_image
	mov	x9, x21
	add	x10, x21, #4 << 12
1:	stp	xzr, xzr, [x9], #16
	cmp	x9, x10
	b.ne	1b

	orr	x9, x23, #PTE_TABLE
	str	x9, [x21, #(IMAGE_VA >> 30) * 8]
	orr	x9, x24, #PTE_TABLE
	str	x9, [x23]
	orr	x9, x22, #PTE_TABLE
	lsr	x10, x20, #30
	str	x9, [x21, x10, lsl #3]
	mov	x9, #PTE_COMMON | PTE_BLOCK
	orr	x9, x9, #1 << PTE_UXN_BIT
	orr	x9, x9, x20
	ubfx	x25, x20, #21, #9
	add	x25, x22, x25, lsl #3
	str	x9, [x25]

	mov	x9, #PTE_COMMON | PTE_RO | PTE_PAGE
	orr	x9, x9, #1 << PTE_UXN_BIT
	orr	x9, x9, x20
	mov	x10, x24
	ldr	w11, =__warden_pages
	add	x11, x24, x11, lsl #3
1:	str	x9, [x10], #8
	add	x9, x9, #1 << 12
	cmp	x10, x11
	b.ne	1b
	bic	x9, x9, #PTE_RO
	bic	x9, x9, #1 << PTE_UXN_BIT
	orr	x9, x9, #PTE_EL0
	orr	x9, x9, #1 << PTE_PXN_BIT
	ldr	w11, =__image_pages
	add	x11, x24, x11, lsl #3
1:	str	x9, [x10], #8
	add	x9, x9, #1 << 12
	cmp	x10, x11
	b.ne	1b

	/* Cached copies of what we just wrote round the cache are stale. */
	dmb	sy
	mrs	x9, ctr_el0
	ubfx	x9, x9, #16, #4
	mov	x10, #4
	lsl	x10, x10, x9
	mov	x9, x21
	add	x11, x21, #4 << 12
1:	dc	ivac, x9
	add	x9, x9, x10
	cmp	x9, x11
	b.lo	1b
	dsb	sy

	ldr	x9, =MAIR
	msr	mair_el1, x9
	mrs	x9, id_aa64mmfr0_el1
	and	x9, x9, #0xf
	mov	x10, #5                       // 48 bits is as far as 4 KiB granules go
	cmp	x9, x10
	csel	x9, x9, x10, lo
	lsl	x9, x9, #32
	ldr	x10, =TCR_LOW
	orr	x9, x9, x10
	msr	tcr_el1, x9
	msr	ttbr0_el1, x21
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x9, =SCTLR_RES1 | SCTLR_ON
	msr	sctlr_el1, x9
	isb
	ldr	x9, =at_image_va
	br	x9

/* ---- Entry: MMU and caches on ---------------------------------------------- */

at_image_va:
	/* The load address's 2 MiB become the payload's memory like the rest. */
	ldr	x9, =boot_l2
	and	x25, x25, #0xff8
	ldr	x10, [x9, x25]
	orr	x10, x10, #PTE_EL0
	orr	x10, x10, #1 << PTE_PXN_BIT
	str	x10, [x9, x25]
	dsb	ishst
	tlbi	vmalle1
	dsb	ish
	isb

	ldr	x9, =__bss_start
	ldr	x10, =__bss_end
	b	2f
1:	stp	xzr, xzr, [x9], #16
	stp	xzr, xzr, [x9], #16
2:	cmp	x9, x10
	b.lo	1b

	ldr	x9, =warden
	mov	sp, x9
	add	x10, x9, #W_SIZE
1:	stp	xzr, xzr, [x9], #16
	cmp	x9, x10
	b.ne	1b
	stp	x20, x19, [sp, #W_LOAD]
	mrs	x9, id_aa64isar0_el1
	mrs	x10, mpidr_el1
	stp	x9, x10, [sp, #W_ISAR0]
	mov	x9, #-1                       // boot is trusted: any address
	stp	xzr, x9, [sp, #W_DMA]

	ldr	x9, =vectors
	msr	vbar_el1, x9
	mov	x9, #3 << 20                  // FPEN
	msr	cpacr_el1, x9
	mov	x9, #1 << 1                   // EL0VCTEN: the counter, not the timers
	msr	cntkctl_el1, x9
	msr	cntv_ctl_el0, xzr
	mov	x9, #1 << 12                  // TDCC
	msr	mdscr_el1, x9
	mrs	x9, id_aa64dfr0_el1
	ubfx	x9, x9, #8, #4
	sub	x9, x9, #1
	cmp	x9, #0xe                      // PMUv3, not absent (0) nor foreign (0xf)
	b.hs	1f
	msr	pmuserenr_el0, xzr
1:	mrs	x9, id_aa64pfr0_el1
	ubfx	x9, x9, #24, #4
	cbz	x9, 1f
	mov	x9, #7                        // GIC by system registers
	msr	ICC_SRE_EL1, x9
	isb
	mov	x9, #0xff
	msr	ICC_PMR_EL1, x9
	msr	ICC_BPR1_EL1, xzr
	mov	x9, #1
	msr	ICC_IGRPEN1_EL1, x9
1:	isb

	ldr	x9, =__boot_stack_top
	msr	sp_el0, x9
	ldr	x9, =kernel_entry
	msr	elr_el1, x9
	mov	x9, #SPSR_EL0
	msr	spsr_el1, x9
	mov	x29, xzr
	mov	x30, xzr
	eret
	.ltorg

/* ---- Boot tables ------------------------------------------------------------ */

	.section .warden.data, "aw", %nobits
	.balign	4096
	.global boot_l1, boot_l2
boot_l1:
	.skip	4096
boot_l2:
	.skip	4096
boot_l2_image:
	.skip	4096
boot_l3_image:
	.skip	4096

	.section .note.GNU-stack, "", %progbits
