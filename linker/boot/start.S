/* SPDX-License-Identifier: MIT */
/* The loader's head (bios.h): reads the rest, then 32-bit protected mode, and back to real mode
 * for each call of the BIOS. Intel SDM volume 3A §10.9 (switching modes). Interrupts
 * are off in protected mode, so the BIOS's own vectors stay where they are. */
#include "linker/boot/bios.h"

#define CR0_PE 1
#define COM1 0x3f8
#define PARAMETERS BUFFER_AT >> 4      /* segment: nothing has been read there yet */
#define PARAMETERS_SIZE 26
#define SECTOR_BYTES 24                /* where in the parameters */

	.section .head, "ax"
	.code16
	.globl	head
head:
	jmp	1f
	.balign	4
	.long	LOADER_MAGIC
	.globl	plan                    /* struct plan of bios.c, filled by linker/disk */
plan:
	.fill	8, 4, 0
1:	cli
	cld
	ljmp	$0, $2f
2:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$HEAD_AT, %sp
	sti
	movb	%dl, drive

	/* 512 bytes in a sector unless the BIOS says that there are more (EDD 1.1, AH=48h). */
	movw	$512, %bx
	movw	$PARAMETERS, %ax
	movw	%ax, %ds
	xorw	%si, %si
	movw	$PARAMETERS_SIZE, (%si)
	movb	$0x48, %ah
	int	$0x13
	jc	3f
	cmpw	%bx, SECTOR_BYTES(%si)
	jb	3f
	movw	SECTOR_BYTES(%si), %bx
3:	xorw	%ax, %ax
	movw	%ax, %ds
	shrw	$10, %bx                /* 512, 1024, 2048, 4096: shift 0 to 3 */
	xorw	%cx, %cx
4:	testw	%bx, %bx
	jz	5f
	incw	%cx
	shrw	$1, %bx
	jmp	4b
5:	movb	%cl, sector_shift
	cmpb	$2, %cl
	ja	fail
	shrw	%cl, packet_count       /* a multiple of four */
	shrl	%cl, packet_lba
	movw	packet_count, %bx
	movw	$3, %bp                 /* tries */
6:	movw	%bx, packet_count       /* the BIOS puts there how many it read */
	movw	$packet, %si
	movb	drive, %dl
	movb	$0x42, %ah
	int	$0x13
	jnc	loaded
	xorw	%ax, %ax                /* reset the drive */
	movb	drive, %dl
	int	$0x13
	decw	%bp
	jnz	6b
fail:
	movw	$no_rest, %si
7:	lodsb
	testb	%al, %al
	jz	9f
	movb	%al, %cl
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	movw	$COM1, %dx
	movb	%cl, %al
	outb	%al, %dx
	jmp	7b
9:	hlt
	jmp	9b
loaded:
	cmpl	$LOADER_MAGIC, loader_end - 4
	jne	fail
	cli
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$CR0_PE, %al
	movl	%eax, %cr0
	ljmp	$SEL_CODE32, $1f
	.code32
1:	movl	$SEL_DATA32, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss
	movl	$HEAD_AT, %esp
	movl	$__bss_start, %edi
	movl	$__bss_end, %ecx
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	call	loader_main

/* void bios_call(uint8_t vector): with the registers in bios_regs, which then has those that it
 * returned. */
	.globl	bios_call
bios_call:
	movb	4(%esp), %al
	pushal
	movb	%al, vector
	ljmp	$SEL_CODE16, $1f
	.code16
1:	movw	$SEL_DATA16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	%cr0, %eax
	andb	$~CR0_PE, %al
	movl	%eax, %cr0
	ljmp	$0, $2f
2:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movw	bios_regs + 28, %es
	movl	bios_regs, %eax
	movl	bios_regs + 4, %ebx
	movl	bios_regs + 8, %ecx
	movl	bios_regs + 12, %edx
	movl	bios_regs + 16, %esi
	movl	bios_regs + 20, %edi
	sti
	.byte	0xcd                    /* int */
vector:	.byte	0
	cli
	pushfl
	pushl	%eax
	xorw	%ax, %ax
	movw	%ax, %ds
	popl	bios_regs
	popl	bios_regs + 24
	cld
	movl	%ebx, bios_regs + 4
	movl	%ecx, bios_regs + 8
	movl	%edx, bios_regs + 12
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$CR0_PE, %al
	movl	%eax, %cr0
	ljmp	$SEL_CODE32, $3f
	.code32
3:	movl	$SEL_DATA32, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss
	popal
	ret

no_rest:
	.asciz	"Zeitkern: the rest of the loader cannot be read\r\n"
	.globl	drive, sector_shift
drive:	.byte	0
sector_shift:
	.byte	0
	.balign	4
packet:
	.byte	16, 0
packet_count:
	.word	loader_rest
	.word	HEAD_AT + HEAD_SECTORS * 512, 0
packet_lba:
	.quad	LOADER_LBA + HEAD_SECTORS
	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
	.quad	0x00009a000000ffff
	.quad	0x000092000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
