/* SPDX-License-Identifier: MIT */
/* The switch between tasks.
 *
 * AAPCS32 (IHI 0042) §6.1.1, §6.1.2.1: a callee keeps r4 to r11, SP and d8 to d15; lr is where
 * it returns to. */
	.syntax	unified
	.thumb

	.section .text.arch_ctx_switch, "ax"
	.global arch_ctx_switch, arch_ctx_pass
	.type	arch_ctx_switch, %function
	.type	arch_ctx_pass, %function
arch_ctx_switch:
arch_ctx_pass:
	push	{r3-r11, lr}                  // r3: stacks are aligned to 8
	vpush	{d8-d15}
	str	sp, [r0]
	ldr	sp, [r1]
	vpop	{d8-d15}
	mov	r0, r2
	pop	{r3-r11, pc}
	.size	arch_ctx_switch, . - arch_ctx_switch

	.section .note.GNU-stack, "", %progbits
