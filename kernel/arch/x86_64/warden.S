/* SPDX-License-Identifier: MIT */
/* The warden: all that runs in ring 0. Entry, traps, the gate, the end.
 *
 * Entry is PVH (Xen docs/misc/pvh.pandoc): 32-bit, paging off, ebx the physical
 * address of hvm_start_info. The image lies at its link address, below 4 GiB.
 * Ring 0 is slow where /dev/kvm is emulated in software: every path is short,
 * general registers only, and whatever the payload can do during the boot
 * (clearing, tables, APICs, IDT) it does (entry.c). The warden touches no page
 * of the payload's except through its own window, so SMAP stands without
 * exception (and stac, unknown to that emulation, is not needed).
 * Manual: Intel SDM volume 3A, chapters 4 to 10; virtio 1.2 §2.7. */
#include "kernel/arch/x86_64/warden.h"

#define CR0_BOOT 0x80010023            /* PG WP NE MP PE */
#define CR4_BOOT 0x620                 /* PAE OSFXSR OSXMMEXCPT */
#define MSR_EFER 0xc0000080
#define EFER_BOOT 0x900                /* LME NXE */
#define RFLAGS_FIXED 2
#define PTE_BOOT 7                     /* present, writable, user */
#define PTE_BOOT_2M 0x87
#define PORT_DEBUG_EXIT 0xf4           /* QEMU -device isa-debug-exit */
#define PORT_KEYBOARD 0x64
#define KEYBOARD_RESET 0xfe
#define EXIT_FAULT 2
#define OFF_CYCLES 0x70000000          /* for the host to act on a power-off: about 1 s */
#define VIRTIO_INTERRUPT_BOTH 3

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18               /* lengths of name and address, PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	_start

/* ---- Entry ------------------------------------------------------------------- */

	.section .warden.text, "ax"
	.code32
	.globl	_start
_start:
	cld
	movl	%ebx, boot_start_info

	/* Boot tables: 8 MiB from 0 for all, twice (WARDEN_WINDOW); entry.c adds the rest. */
	movl	$boot_pdpt + PTE_BOOT, boot_pml4
	movl	$boot_pdpt + PTE_BOOT, boot_pml4 + 256 * 8
	movl	$boot_pd + PTE_BOOT, boot_pdpt
	movl	$0x000000 + PTE_BOOT_2M, boot_pd
	movl	$0x200000 + PTE_BOOT_2M, boot_pd + 8
	movl	$0x400000 + PTE_BOOT_2M, boot_pd + 16
	movl	$0x600000 + PTE_BOOT_2M, boot_pd + 24
	movl	$boot_pml4, %eax
	movl	%eax, %cr3

	/* Long mode (SDM §10.8.5). */
	movl	$CR4_BOOT, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	movl	$EFER_BOOT, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0

	/* The TSS descriptor's base is in pieces. */
	movl	$warden_tss, %eax
	movw	%ax, gdt + SEL_TSS + 2
	shrl	$16, %eax
	movb	%al, gdt + SEL_TSS + 4
	movb	%ah, gdt + SEL_TSS + 7
	lgdt	gdt_pointer
	ljmp	$SEL_KERNEL_CODE, $1f
	.code64
1:	lidt	idt_pointer
	xorl	%eax, %eax              /* no LDT: a reset leaves one of 64 KiB at address 0 */
	lldt	%ax
	movl	$SEL_TSS, %eax
	ltr	%ax

	/* Down to ring 3, for good; iretq empties the segments it may not keep. */
	movl	$gate_stack_top, %esp
	pushq	$SEL_USER_DATA
	pushq	$__boot_stack_top - 8
	pushq	$RFLAGS_FIXED
	pushq	$SEL_USER_CODE
	pushq	$kernel_entry
	xorl	%ebp, %ebp              /* where a backtrace ends */
	iretq

/* ---- Exceptions ---------------------------------------------------------------- */

/* One stub of 16 bytes for each vector; those in the mask push an error code. */
	.balign	16
	.globl	warden_traps
warden_traps:
	.set	vector, 0
	.rept	VECTOR_EXCEPTIONS
	.balign	16
	.if	(0x60227d00 >> vector) & 1
	.else
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap
	.set	vector, vector + 1
	.endr

/* Stack: vector, error code, rip, cs, rflags, rsp, ss. The first fault of the
 * payload is recorded and goes on as crash_main() on the crash stack; any
 * other ends the machine. */
	.balign	16
trap:
	testb	$3, 24(%rsp)
	jz	warden_die
	cmpb	$0, crashed
	jne	warden_die
	movb	$1, crashed
	pushq	%rax
	movq	warden_window, %rax
	movq	%rbx, arch_fault + 8(%rax)
	movq	%rcx, arch_fault + 16(%rax)
	movq	%rdx, arch_fault + 24(%rax)
	movq	%rsi, arch_fault + 32(%rax)
	movq	%rdi, arch_fault + 40(%rax)
	movq	%rbp, arch_fault + 48(%rax)
	movq	%r8, arch_fault + 64(%rax)
	movq	%r9, arch_fault + 72(%rax)
	movq	%r10, arch_fault + 80(%rax)
	movq	%r11, arch_fault + 88(%rax)
	movq	%r12, arch_fault + 96(%rax)
	movq	%r13, arch_fault + 104(%rax)
	movq	%r14, arch_fault + 112(%rax)
	movq	%r15, arch_fault + 120(%rax)
	popq	arch_fault(%rax)
	movq	40(%rsp), %rcx
	movq	%rcx, arch_fault + 56(%rax)
	movq	16(%rsp), %rcx
	movq	%rcx, arch_fault + 256(%rax)
	movq	32(%rsp), %rcx
	movq	%rcx, arch_fault + 264(%rax)
	movq	(%rsp), %rcx
	shlq	$32, %rcx
	orq	8(%rsp), %rcx
	movq	%rcx, arch_fault + 272(%rax)
	movq	%cr2, %rcx
	movq	%rcx, arch_fault + 280(%rax)
	movq	$crash_main, 16(%rsp)
	movq	$RFLAGS_FIXED, 32(%rsp)
	movq	$__crash_stack_top - 8, 40(%rsp)
	addq	$16, %rsp
	iretq

/* ---- Interrupts: only ever at the hlt below --------------------------------------- */

	.balign	16
	.globl	warden_irq_line
warden_irq_line:
	movl	$warden_acks, %ecx
1:	movl	$VIRTIO_INTERRUPT_BOTH, %eax
	movq	(%rcx), %rdx            /* what is read ... */
	testq	%rdx, %rdx
	jz	2f
	movl	(%rdx), %eax
	movq	8(%rcx), %rdx           /* ... is written, */
	testq	%rdx, %rdx
	jz	3f                      /* unless that was all */
	movl	%eax, (%rdx)
	jmp	3f
2:	movq	8(%rcx), %rdx
	testq	%rdx, %rdx
	jz	warden_irq_message
	movl	%eax, (%rdx)
3:	addl	$16, %ecx
	jmp	1b
	.globl	warden_irq_message
warden_irq_message:
	movl	$WOKE_DEVICE, %eax
1:	movq	warden_lapic, %rcx
	movl	$0, LAPIC_EOI(%rcx)
2:	movq	$gate_stack_top - 40, %rsp      /* the payload's own frame */
	iretq
	.globl	warden_irq_timer
warden_irq_timer:
	xorl	%eax, %eax              /* WOKE_TIMER */
	jmp	1b
	.globl	warden_irq_spurious
warden_irq_spurious:
	movl	$WOKE_DEVICE, %eax
	jmp	2b

/* ---- The gate: int3, number in rax ------------------------------------------------- */

	.balign	16
	.globl	warden_gate
warden_gate:
	cmpq	warden_calls, %rax
	jae	gate_refused
	jmp	*gate_table(, %rax, 8)

gate_refused:
	pushq	$0
	pushq	$VECTOR_GATE
	jmp	trap

gate_idle_alarm:                        /* edi: timer count */
	movq	warden_lapic, %rcx
	movl	%edi, LAPIC_TIMER_INITIAL(%rcx)
gate_idle:
	sti
	hlt                             /* sti holds interrupts off until here */
	cli
	movl	$WOKE_DEVICE, %eax
	iretq

/* rdi: queue, rsi: descriptors. virtio 1.2 §2.7.13. */
gate_submit:
	cmpq	warden_queues, %rdi
	jae	gate_refused
	shll	$QUEUE_SHIFT, %edi
	addq	$warden_queue, %rdi
	movl	QUEUE_SIZE(%rdi), %eax
	cmpq	%rax, %rsi
	ja	submit_fault
	testl	%esi, %esi
	jz	gate_done
	movq	QUEUE_STAGED(%rdi), %r10
	movq	QUEUE_DESC(%rdi), %r11
	cmpl	$0, QUEUE_RINGS(%rdi)
	jne	submit_ring
	movq	QUEUE_AVAIL(%rdi), %rdx
	movzwl	2(%rdx), %r8d
1:	movl	%r8d, %eax
	andl	QUEUE_MASK(%rdi), %eax
	shll	$4, %eax
	movq	(%r10, %rax), %rdx      /* address: read once, checked, and that is written */
	movq	8(%r10, %rax), %rcx     /* length, flags, next: the upper half must be 0 */
	cmpq	$QUEUE_REACH, %rcx
	ja	submit_fault
	movq	%rdx, %r9
	subq	warden_dma, %r9         /* below the pool: wraps; then carries or stays huge */
	addq	$QUEUE_REACH, %r9
	jc	submit_fault
	cmpq	warden_dma + 8, %r9
	ja	submit_fault
	movq	%rdx, (%r11, %rax)
	movq	%rcx, 8(%r11, %rax)
	incl	%r8d
	decl	%esi
	jnz	1b

	/* Stores stay in order; xchg is the barrier before the look (§2.7.13.4). */
	movq	QUEUE_AVAIL(%rdi), %rdx
	movl	%r8d, %eax
	xchgw	%ax, 2(%rdx)            /* ax: the old index */
	movq	QUEUE_EVENT(%rdi), %rdx
	testq	%rdx, %rdx
	jz	ring
	movl	%r8d, %ecx
	subw	(%rdx), %cx
	decl	%ecx                    /* new - event - 1 < new - old: ring (§2.7.10) */
	subw	%ax, %r8w
	cmpw	%r8w, %cx
	jb	ring
gate_done:
	xorl	%eax, %eax
	iretq
submit_fault:
	movl	$1, %eax
	iretq

/* r10: staged, r11: the device's; what the device may touch from the address on lies in the
 * pool, whatever the word says. */
submit_ring:
	movl	QUEUE_VALUE(%rdi), %r8d
1:	movl	%r8d, %eax
	shll	$4, %eax
	movq	(%r10, %rax), %rdx
	movq	8(%r10, %rax), %rcx
	andq	QUEUE_KEEP(%rdi), %rcx
	movq	%rdx, %r9
	subq	warden_dma, %r9         /* as above */
	addq	QUEUE_SPAN(%rdi), %r9
	jc	submit_fault
	cmpq	warden_dma + 8, %r9
	ja	submit_fault
	movq	%rdx, (%r11, %rax)
	movq	%rcx, 8(%r11, %rax)
	incl	%r8d
	andl	QUEUE_MASK(%rdi), %r8d
	decl	%esi
	jnz	1b
	movl	%r8d, QUEUE_VALUE(%rdi)
	jmp	ring

gate_notify:                            /* rdi: queue */
	cmpq	warden_queues, %rdi
	jae	gate_refused
	shll	$QUEUE_SHIFT, %edi
	addq	$warden_queue, %rdi
ring:
	movq	QUEUE_NOTIFY(%rdi), %rdx
	movl	QUEUE_VALUE(%rdi), %eax
	cmpl	$2, QUEUE_WIDTH(%rdi)
	je	1f
	jb	2f
	movl	%eax, (%rdx)
	jmp	gate_done
1:	movw	%ax, (%rdx)
	jmp	gate_done
2:	outw	%ax, %dx
	jmp	gate_done

gate_wall_clock:                        /* KVM writes the time of day where it was told to */
	movl	warden_wall_clock, %ecx
	testl	%ecx, %ecx
	jz	gate_refused
	movl	warden_wall_clock + 4, %eax
	xorl	%edx, %edx
	wrmsr
	iretq

gate_seal:                              /* rdi: cr3, rsi: cr4 */
	movq	$GATE_OPEN_CALLS, warden_calls
	movq	%rdi, %cr3
	movq	%rsi, %cr4
	iretq

gate_cpuid:                             /* edi: leaf, esi: subleaf; results as cpuid's */
	movl	%edi, %eax
	movl	%esi, %ecx
	cpuid
	iretq

gate_wrmsr:                             /* edi: register, esi: low, edx: high */
	movl	%edi, %ecx
	movl	%esi, %eax
	wrmsr
	iretq

/* ---- The end -------------------------------------------------------------------------- */

	.globl	warden_die
warden_die:
	movl	$EXIT_FAULT, %edi
gate_exit:                              /* edi: code */
	testl	%edi, %edi
	jz	1f
	movl	%edi, %eax
	outb	%al, $PORT_DEBUG_EXIT
	jmp	gate_reset
1:	movl	$warden_off, %esi
	call	steps
	call	wait
gate_reset:
	movl	$warden_reset, %esi
	call	steps
	movb	$KEYBOARD_RESET, %al
	outb	%al, $PORT_KEYBOARD
	call	wait
	lidt	no_idt_pointer          /* a fault that cannot be delivered shuts down */
	int3

wait:
	rdtsc
	movq	%rdx, %rcx
	shlq	$32, %rcx
	leaq	OFF_CYCLES(%rcx, %rax), %rcx
1:	pause
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%rcx, %rax
	jb	1b
	ret

/* rsi: list of struct warden_step. */
steps:
	movl	STEP_KIND(%rsi), %ecx
	movl	STEP_VALUE(%rsi), %eax
	movq	STEP_ADDRESS(%rsi), %rdx
	addl	$1 << STEP_SHIFT, %esi
	cmpl	$STEP_PORT8, %ecx
	je	1f
	cmpl	$STEP_PORT16, %ecx
	je	2f
	cmpl	$STEP_MEMORY8, %ecx
	je	3f
	ret
1:	outb	%al, %dx
	jmp	steps
2:	outw	%ax, %dx
	jmp	steps
3:	movb	%al, (%rdx)
	jmp	steps

/* ---- Data ------------------------------------------------------------------------------- */

	.section .warden.data, "aw"
	.balign	8
gdt:
	.quad	0
	.quad	0x00209b0000000000     /* ring 0 code, 64 bits */
	.quad	0x0000930000000000     /* ring 0 data */
	.quad	0x0020fb0000000000     /* ring 3 code, 64 bits */
	.quad	0x0000f30000000000     /* ring 3 data */
	.quad	0x0000890000000000 + TSS_SIZE + PORT_BITMAP, 0
gdt_pointer:
	.word	. - gdt - 1
	.quad	gdt
idt_pointer:
	.word	VECTORS * 16 - 1
	.quad	warden_idt
no_idt_pointer:
	.word	0
	.quad	0
	.balign	8
gate_table:
	.quad	gate_idle, gate_idle_alarm, gate_submit, gate_notify, gate_exit, gate_reset
	.quad	gate_wall_clock, gate_seal, gate_cpuid, gate_wrmsr
	.globl	warden_calls
warden_calls:
	.quad	GATE_CALLS
warden_window:
	.quad	WARDEN_WINDOW
	.globl	boot_start_info
boot_start_info:
	.quad	0

	.section .warden.bss, "aw", @nobits
	.balign	4096
	.globl	boot_pml4, boot_pdpt
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4096
	.globl	warden_tss
warden_tss:
	.skip	TSS_SIZE + PORT_BITMAP
	.byte	0                      /* the byte behind a port bitmap (SDM volume 1, §19.5.2) */
	.balign	16
	.globl	warden_idt, warden_queue, warden_queues, warden_acks, warden_lapic
	.globl	warden_wall_clock, warden_dma, warden_off, warden_reset
	.globl	warden_ist_top, gate_stack_top
warden_idt:
	.skip	VECTORS * 16
warden_queue:
	.skip	QUEUES << QUEUE_SHIFT
warden_queues:
	.skip	8
warden_lapic:
	.skip	8
warden_wall_clock:                     /* MSR, 0 without KVM's clock; address below 4 GiB */
	.skip	8
warden_dma:                            /* base, size */
	.skip	16
warden_acks:
	.skip	16 * WARDEN_ACKS
warden_off:
	.skip	WARDEN_STEPS << STEP_SHIFT
warden_reset:
	.skip	WARDEN_STEPS << STEP_SHIFT
crashed:
	.skip	1
	.balign	16
	.skip	GATE_STACK
gate_stack_top:
	.skip	3 * IST_STACK
warden_ist_top:

	.section .note.GNU-stack, "", @progbits
