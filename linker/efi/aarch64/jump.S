/* SPDX-License-Identifier: MIT */
/* The entry from firmware, and the way to the kernel: caches cleaned of it, MMU and caches off
 * (Arm ARM DDI 0487, D7.5 and D19.2.136), at whatever level firmware runs. */

	.text
	.global efi_entry
efi_entry:
	b	efi_main

	/* x0: image, x1: tree, x2: bytes of the image */
	.global hand_jump
hand_jump:
	msr	daifset, #15
	mrs	x9, ctr_el0
	ubfx	x9, x9, #16, #4
	mov	x10, #4
	lsl	x10, x10, x9                  // bytes of a line
	sub	x11, x10, #1
	add	x12, x0, x2
	mov	x13, x0
1:	dc	civac, x13
	add	x13, x13, x10
	cmp	x13, x12
	b.lo	1b
	adr	x13, 2f                       // what runs uncached
	bic	x13, x13, x11
	adr	x12, 5f
1:	dc	civac, x13
	add	x13, x13, x10
	cmp	x13, x12
	b.lo	1b
	dsb	sy
	mov	x12, #(1 << 12 | 1 << 2 | 1 << 0)    // I, C, M
	msr	cntp_ctl_el0, xzr
	mrs	x9, CurrentEL
2:	cmp	x9, #2 << 2
	b.eq	3f
	mrs	x9, sctlr_el1
	bic	x9, x9, x12
	msr	sctlr_el1, x9
	isb
	tlbi	vmalle1
	b	4f
3:	mrs	x9, sctlr_el2
	bic	x9, x9, x12
	msr	sctlr_el2, x9
	isb
	tlbi	alle2
4:	ic	iallu
	dsb	sy
	isb
	mov	x16, x0
	mov	x0, x1
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x16
5:
	.section .note.GNU-stack, "", %progbits
