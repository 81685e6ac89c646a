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
	.global	arch_ctx_switch
	.type	arch_ctx_switch, %function
	.thumb_func
arch_ctx_switch:
	push	{r3-r11, lr}
	mov	r2, sp
	str	r2, [r0]
	ldr	r2, [r1]
	mov	sp, r2
	mov	r12, #GATE_SWITCH
	svc	#0
	pop	{r3-r11, pc}
	.size	arch_ctx_switch, . - arch_ctx_switch

	.section .note.GNU-stack, "", %progbits
