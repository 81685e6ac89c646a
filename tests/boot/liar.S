/* SPDX-License-Identifier: MIT */
/* Sector 0 of a disk: starts the second disk under a BIOS whose memory map is a lie (INT 15h E820h,
 * ACPI 6.4 §15.1). LIE says which: 1, one that wraps; 2, one of nothing, without end; 3, one that
 * begins again, without end. Assembled and used by tests/test_disk.py. */
	.code16
	.text
	.set	HOME, 0x8000            /* segment, which no loader uses */
	.set	SMAP, 0x534d4150
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movw	%sp, %si
	movw	$HOME, %ax
	movw	%ax, %es
	xorw	%di, %di
	movw	$256, %cx
	rep movsw
	movl	0x15 * 4, %eax
	movl	%eax, %es:honest
	movw	$handler, 0x15 * 4
	movw	$HOME, 0x15 * 4 + 2
	ljmp	$HOME, $1f
1:	sti
	xorw	%ax, %ax
	movw	%ax, %es
	movw	$0x0201, %ax            /* read its sector 0 to 0:0x7c00 */
	movw	$0x7c00, %bx
	movw	$1, %cx
	movw	$0x81, %dx
	int	$0x13
	movw	$0x81, %dx
	ljmp	$0, $0x7c00

handler:
	cmpl	$0xe820, %eax
	jne	2f
	cmpl	$SMAP, %edx
	je	3f
2:	ljmp	*%cs:honest
3:	pushw	%si
	pushw	%di
	pushw	%ds
	pushw	%cs
	popw	%ds
	movw	%bx, %si
	imulw	$20, %si, %si
	addw	$map, %si
	movw	$10, %cx
	cld
	rep movsw
	popw	%ds
	popw	%di
	popw	%si
	incl	%ebx
	cmpl	$ENTRIES, %ebx
	jb	4f
	movl	$AFTER, %ebx
4:	movl	$20, %ecx
	movl	$SMAP, %eax
	pushw	%bp
	movw	%sp, %bp
	andb	$0xfe, 6(%bp)           /* no carry */
	popw	%bp
	iret

honest:	.long	0
map:
	.if	LIE == 1
	.quad	0, 0x100000
	.long	1
	.quad	0x100000, 0xfffffffffff00000
	.long	1
	.set	AFTER, 0
	.endif
	.if	LIE == 2
	.quad	0x100000, 0
	.long	1
	.quad	0x100000, 0
	.long	1
	.set	AFTER, 1
	.endif
	.if	LIE == 3
	.quad	0x100000, 0x3f00000
	.long	1
	.quad	0, 0x9fc00
	.long	1
	.set	AFTER, 1
	.endif
	.set	ENTRIES, (. - map) / 20
	.org	510
	.word	0xaa55
