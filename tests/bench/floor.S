/* SPDX-License-Identifier: MIT */
/* The empty guest: a PVH image (note type 18) that leaves at its first instruction through
 * isa-debug-exit. What QEMU itself needs to start and end. */
	.section .note.pvh, "a", @note
	.long	4, 4, 18
	.asciz	"Xen"
	.long	start

	.section .text, "ax"
	.code32
	.globl	start
start:
	movl	$0, %eax
	outl	%eax, $0xf4
0:	hlt
	jmp	0b
