/* SPDX-License-Identifier: MIT */
/* The switch between tasks.
 *
 * AAPCS (ARM IHI 0042) §5.1.1: a callee keeps r4 to r11 and SP; lr is where it returns to. r3
 * only keeps the stack on 8 bytes. */
#include "kernel/arch/armv7m/warden.h"

	.syntax	unified
	.cpu	cortex-m3
	.thumb

	.section .text.arch_ctx_switch, "ax"
	.global	arch_ctx_switch, arch_ctx_pass
	.type	arch_ctx_switch, %function
	.type	arch_ctx_pass, %function
	.thumb_func
arch_ctx_switch:
arch_ctx_pass:
	push	{r3-r11, lr}
	mov	r3, sp
	str	r3, [r0]
	ldr	r3, [r1]
	mov	sp, r3
	mov	r12, #GATE_SWITCH
	svc	#0
	mov	r0, r2
	pop	{r3-r11, pc}
	.size	arch_ctx_switch, . - arch_ctx_switch

	.section .note.GNU-stack, "", %progbits
