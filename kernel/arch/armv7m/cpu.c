/* SPDX-License-Identifier: MIT */
/* The payload's side of the gate on ARMv7-M: entry, discovery, counter, interrupts, the end of
 * the machine, a new task's stack.
 *
 * ARM DDI 0403, B3.3 (SysTick); AAPCS (ARM IHI 0042) §5.1.1. What the machine is made of, the
 * board says; where its memory lies, linker/armv7m.ld. */
#include <errno.h>

#include "kernel/arch/armv7m/warden.h"
#include "kernel/crash.h"
#include "kernel/mem.h"

#define GUARD_WORDS 256u               /* of each place that the stack guard is made from */

_Noreturn void kernel_entry(void);

uint64_t arch_ticks(void)
{
	return gate(GATE_TICKS, 0);
}

uint64_t arch_ticks_hz(void)
{
	return board.clock_hz;
}

bool arch_random(uint64_t *word, const char **source)
{
	*source = "none";
	return false;
}

void arch_idle(uint64_t until)
{
	gate(GATE_IDLE, until);
}

/* Level-triggered lines, as those of devices here are: `ack` is for virtio. */
void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	if (irq >= LINES) {
		log_error("nvic: interrupt %u cannot be routed", (unsigned)irq);
		return;
	}
	gate(GATE_ROUTE, irq);
}

/* No power to switch off: the code is on the console, and the chip starts anew. */
_Noreturn void arch_exit(int code)
{
	crash_say_code(code);
	arch_reset();
}

_Noreturn void arch_reset(void)
{
	gate(GATE_RESET, 0);
	__builtin_unreachable();
}

/* What arch_ctx_switch() pops: r3 to r11, and lr, where to. */
void arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void))
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)7;
	uintptr_t *frame = (uintptr_t *)top - 10;

	for (unsigned i = 0; i < 9; i++)
		frame[i] = 0;
	frame[9] = (uintptr_t)entry;
	ctx->sp = frame;
}

void arch_discover(void)
{
	if (board.start)
		board.start();
	machine.name = board.name;
	machine.ram[0] = (struct region){ (uintptr_t)__image_end,
					  (uint64_t)(__ram_end - __image_end) };
	machine.ram_count = 1;
	machine.settings = board.settings;
	for (const struct device *d = board.devices; d->kind; d++)
		machine_add(d);
	warden.console = (uint32_t)machine.dev[0].base;
}

/* Contents of .data, and zeros. Words, with what keeps this from becoming a memset() that
 * stores bytes. */
static void set_up_memory(void)
{
	uint32_t *from = (uint32_t *)__data_load, *to = (uint32_t *)__data_start;

	while (to < (uint32_t *)__data_end)
		*to++ = *from++;
	for (to = (uint32_t *)__bss_start; to < (uint32_t *)__bss_end; to++) {
		*to = 0;
		__asm__ volatile("" ::: "memory");
	}
	for (to = (uint32_t *)(&warden + 1); to < (uint32_t *)__sealed_end; to++) {
		*to = 0;
		__asm__ volatile("" ::: "memory");
	}
}

static uint32_t mix(uint32_t hash, const uint32_t *words)
{
	for (unsigned i = 0; i < GUARD_WORDS; i++)
		hash = (hash ^ words[i]) * 0x01000193u;
	return hash;
}

/* The counter, what RAM held when power came on, and the settings page, which may have a seed.
 * Its lowest byte is 0, so that a string function stops in front of it. */
static uintptr_t choose_guard(void)
{
	uint32_t guard = (uint32_t)arch_ticks() * 0x9e3779b1u;

	guard = mix(guard, (const uint32_t *)__image_end);
	guard = mix(guard, (const uint32_t *)(uintptr_t)board.settings.base);
	return guard & ~(uintptr_t)0xff;
}

/* Where the warden drops to, on the boot stack, with no memory set up. */
__attribute__((used, no_stack_protector)) _Noreturn void kernel_entry(void)
{
	set_up_memory();
	__stack_chk_guard = choose_guard();
	protect_boot();
	kmain();
}

/* ---- What machines without DMA do not have ------------------------------------------ */

void *arch_boot_map(uint64_t pa, size_t len)
{
	return (void *)(uintptr_t)pa;
}

int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	return -ENOTSUP;
}

int arch_queue_add(const struct arch_queue *q)
{
	return -ENOTSUP;
}

int arch_submit(unsigned q, unsigned n)
{
	return -ENOTSUP;
}

void arch_notify(unsigned q)
{
}
