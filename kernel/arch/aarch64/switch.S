/* SPDX-License-Identifier: MIT */
/* The switch between tasks.
 *
 * AAPCS64 (IHI 0055) §6.1: a callee keeps x19 to x29, SP and the low halves
 * of v8 to v15; x30 is where it returns to. */

	.section .text.arch_ctx_switch, "ax"
	.global arch_ctx_switch, arch_ctx_pass
	.type	arch_ctx_switch, %function
	.type	arch_ctx_pass, %function
	.balign	16
arch_ctx_switch:
arch_ctx_pass:
	stp	x29, x30, [sp, #-160]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	ldr	x9, [x1]
	mov	sp, x9
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #160
	mov	x0, x2
	ret
	.size	arch_ctx_switch, . - arch_ctx_switch

	.section .note.GNU-stack, "", %progbits
