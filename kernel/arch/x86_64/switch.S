/* SPDX-License-Identifier: MIT */
/* The switch between tasks; also used by the host build.
 *
 * psABI x86-64 §3.2.1 and §3.2.3: a callee keeps rbx, rbp, r12 to r15, the
 * control bits of MXCSR and the x87 control word. Frame from the saved stack
 * pointer up: MXCSR and control word in 8 bytes, r15, r14, r13, r12, rbx, rbp,
 * return address. */

	.macro	change_stacks
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	.endm

	.section .text.arch_ctx_switch, "ax"
	.globl	arch_ctx_switch
	.type	arch_ctx_switch, @function
	.balign	16
arch_ctx_switch:
	change_stacks
	ret
	.size	arch_ctx_switch, . - arch_ctx_switch

/* No return: a CPU would predict that to lead back to who called, and it leads to the other. */
	.section .text.arch_ctx_pass, "ax"
	.globl	arch_ctx_pass
	.type	arch_ctx_pass, @function
	.balign	16
arch_ctx_pass:
	change_stacks
	movq	%rdx, %rax
	popq	%rcx
	jmp	*%rcx
	.size	arch_ctx_pass, . - arch_ctx_pass

/* rdi: ctx, rsi: stack, rdx: size, rcx: entry. `entry` starts as if called: the
 * stack is 8 below a multiple of 16, and its return address and rbp are 0, where
 * a backtrace ends. */
	.section .text.arch_ctx_init, "ax"
	.globl	arch_ctx_init
	.type	arch_ctx_init, @function
	.balign	16
arch_ctx_init:
	leaq	(%rsi, %rdx), %rax
	andq	$-16, %rax
	xorl	%edx, %edx
	movq	%rdx, -8(%rax)
	movq	%rcx, -16(%rax)
	movq	%rdx, -24(%rax)
	movq	%rdx, -32(%rax)
	movq	%rdx, -40(%rax)
	movq	%rdx, -48(%rax)
	movq	%rdx, -56(%rax)
	movq	%rdx, -64(%rax)
	stmxcsr	-72(%rax)
	fnstcw	-68(%rax)
	movw	%dx, -66(%rax)
	subq	$72, %rax
	movq	%rax, (%rdi)
	ret
	.size	arch_ctx_init, . - arch_ctx_init

	.section .note.GNU-stack, "", @progbits
