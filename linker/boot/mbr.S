/* SPDX-License-Identifier: MIT */
/* Sector 0 (bios.h): reads the loader's head from LOADER_LBA by the BIOS's extensions (Phoenix
 * Enhanced Disk Drive Specification 1.1), from the drive that it was started from.
 * Entered at 0:0x7c00 or 0x7c0:0, real mode; what is wrong is one line on screen and COM1. */
#include "linker/boot/bios.h"

#define COM1 0x3f8
#define LSR_EMPTY 0x20
#define SERIAL_TURNS 0xffff

	.code16
	.text
	.globl	mbr
mbr:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$HEAD_AT, %sp
	movw	$HEAD_AT, %si
	movw	$MBR_AT, %di
	movw	$256, %cx
	rep movsw
	ljmp	$0, $moved
moved:
	sti
	movb	%dl, drive

	movw	$no_extensions, %si
	movb	$0x41, %ah              /* are there extensions? */
	movw	$0x55aa, %bx
	int	$0x13
	jc	stop
	cmpw	$0xaa55, %bx
	jne	stop

	movw	$3, %bp                 /* tries */
again:
	movw	$HEAD_SECTORS, packet + 2       /* the BIOS has put there how many it read */
	movw	$packet, %si
	movb	drive, %dl
	movb	$0x42, %ah
	int	$0x13
	jnc	loaded
	xorw	%ax, %ax                /* reset the drive */
	movb	drive, %dl
	int	$0x13
	decw	%bp
	jnz	again
	movw	$no_read, %si
	jmp	stop
loaded:
	movw	$no_loader, %si
	cmpl	$LOADER_MAGIC, HEAD_AT + 4
	jne	stop
	movb	drive, %dl
	ljmp	$0, $HEAD_AT

/* si: a line. */
stop:
	lodsb
	testb	%al, %al
	jz	halt
	movb	%al, %cl
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	movw	$COM1 + 5, %dx
	movw	$SERIAL_TURNS, %di
1:	inb	%dx, %al
	testb	$LSR_EMPTY, %al
	jnz	2f
	decw	%di
	jnz	1b
2:	movw	$COM1, %dx
	movb	%cl, %al
	outb	%al, %dx
	jmp	stop
halt:
	hlt
	jmp	halt

no_extensions:
	.asciz	"Zeitkern: this BIOS cannot read a disk by sector numbers\r\n"
no_read:
	.asciz	"Zeitkern: the disk cannot be read\r\n"
no_loader:
	.asciz	"Zeitkern: no loader on the disk\r\n"
drive:
	.byte	0
	.balign	4
packet:
	.byte	16, 0
	.word	HEAD_SECTORS
	.word	HEAD_AT, 0
	.quad	LOADER_LBA
	.org	MBR_CODE                /* an error if there is more */
