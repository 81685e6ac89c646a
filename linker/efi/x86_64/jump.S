/* SPDX-License-Identifier: MIT */
/* The entry from firmware, and the way to the kernel: from long mode to 32 bits without paging,
 * moving the kernel to where it is linked (Intel SDM volume 3A, §10.8.5.4). The code between
 * jump_start and jump_end runs as a copy below 4 GiB, with struct jump of hand.c right behind. */

#define CODE_32 8
#define DATA_32 16
#define CR0_PAGING 31
#define MSR_EFER 0xc0000080
#define EFER_LME 8

	.text
	.globl	efi_entry
efi_entry:
	jmp	efi_main

	.globl	jump_start, jump_end
	.balign	16
jump_start:
	cli
	cld
	leaq	jump_gdt(%rip), %rax
	movq	%rax, -8(%rsp)
	movw	$jump_gdt_end - jump_gdt - 1, -10(%rsp)
	lgdt	-10(%rsp)
	leaq	jump_end(%rip), %rax
	movl	(%rax), %esi           /* from */
	movl	8(%rax), %edi          /* to */
	movl	16(%rax), %ecx         /* bytes */
	movl	24(%rax), %ebp         /* entry */
	movl	32(%rax), %ebx         /* info */
	leaq	1f(%rip), %rax
	pushq	$CODE_32
	pushq	%rax
	lretq
	.code32
1:	movl	$DATA_32, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%ecx, %esp             /* rdmsr and wrmsr take ecx and edx */
	movl	%cr0, %eax
	btrl	$CR0_PAGING, %eax
	movl	%eax, %cr0
	movl	$MSR_EFER, %ecx
	rdmsr
	btrl	$EFER_LME, %eax
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %cr4
	movl	%esp, %ecx
	rep movsb
	jmp	*%ebp
	.code64
	.balign	8
jump_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
jump_gdt_end:
	.balign	8
jump_end:

	.section .note.GNU-stack, ""
