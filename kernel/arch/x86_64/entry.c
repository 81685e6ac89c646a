/* SPDX-License-Identifier: MIT */
/* The payload's first steps, in ring 3 with everything still open: descriptor
 * and task tables for the warden, what the CPU can do, the stack guard.
 * Intel SDM volume 3A, §6.14 (gates), §7.7 (TSS). */
#include "kernel/arch/x86_64/x86.h"

#define GATE_INTERRUPT 0x8eull
#define GATE_FROM_RING3 0xeeull

extern char __bss_start[], __data_end[], __sealed_start[], __sealed_end[];

_Noreturn void kernel_entry(void);

/* Eight bytes at a time; inline so that no call or table comes before it. */
static inline void clear(void *from, const void *to)
{
	size_t n = (size_t)((const char *)to - (char *)from) / 8;

	__asm__ volatile("rep stosq" : "+D"(from), "+c"(n) : "a"(0ul) : "memory");
}

/* A loader clears these when it places the image, but not when the machine is
 * reset and the image placed again. The first entries of the boot tables are in
 * use; they are as _start left them. */
static inline void clear_bss(void)
{
	clear(__bss_start, __data_end);
	clear(__sealed_start, __sealed_end);
	clear(&warden_tss, warden_ist_top);
	clear(&boot_pml4[1], &boot_pml4[256]);
	clear(&boot_pml4[257], &boot_pml4[512]);
	clear(&boot_pdpt[1], &boot_pdpt[512]);
}

static void idt_set(unsigned vector, const char *handler, uint64_t type, uint64_t ist)
{
	uint64_t to = (uintptr_t)handler;

	warden_idt[vector][0] = (to & 0xffff) | (uint64_t)SEL_KERNEL_CODE << 16 | ist << 32 |
				type << 40 | (to >> 16 & 0xffff) << 48;
	warden_idt[vector][1] = to >> 32;
}

/* Double fault, NMI and machine check may come on a broken stack. */
static void idt_fill(void)
{
	for (unsigned v = 0; v < VECTOR_EXCEPTIONS; v++)
		idt_set(v, warden_traps + v * 16, GATE_INTERRUPT, 0);
	for (unsigned v = VECTOR_EXCEPTIONS; v < VECTORS; v++)
		idt_set(v, warden_irq_spurious, GATE_INTERRUPT, 0);
	idt_set(2, warden_traps + 2 * 16, GATE_INTERRUPT, 2);
	idt_set(8, warden_die, GATE_INTERRUPT, 1);
	idt_set(18, warden_traps + 18 * 16, GATE_INTERRUPT, 3);
	idt_set(VECTOR_GATE, warden_gate, GATE_FROM_RING3, 0);
	idt_set(VECTOR_TIMER, warden_irq_timer, GATE_INTERRUPT, 0);
	idt_set(VECTOR_LINE, warden_irq_line, GATE_INTERRUPT, 0);
	idt_set(VECTOR_MESSAGE, warden_irq_message, GATE_INTERRUPT, 0);
}

static void tss_fill(void)
{
	_Static_assert(offsetof(struct tss, ports) == TSS_SIZE, "layout");
	warden_tss.rsp0[0] = (uint32_t)(uintptr_t)gate_stack_top;
	for (unsigned i = 0; i < 3; i++)
		warden_tss.ist[i][0] = (uint32_t)(uintptr_t)warden_ist_top - i * IST_STACK;
	warden_tss.bitmap = TSS_SIZE;
}

static uintptr_t choose_guard(void)
{
	const char *source;
	uint64_t word;

	if (!arch_random(&word, &source))
		word = arch_ticks() * 0x9e3779b97f4a7c15u;
	return word & ~(uint64_t)0xff;     /* a NUL, against string overflows */
}

__attribute__((used, no_stack_protector)) void kernel_entry(void)
{
	clear_bss();
	__asm__ volatile("fninit");
	idt_fill();
	tss_fill();
	warden_dma[1] = UINT64_MAX;        /* arch_seal() narrows it */
	mmu_boot_map(0, 1 << 30);
	cpu_init();
	__stack_chk_guard = choose_guard();
	kmain();
}
