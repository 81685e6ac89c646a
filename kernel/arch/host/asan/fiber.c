/* SPDX-License-Identifier: MIT */
/* Tells AddressSanitizer about the switches between tasks
 * (sanitizer/common_interface_defs.h), and makes stacks larger for it. Linked
 * into BOARD=host with a sanitizer only, by -Wl,--wrap=NAME for the
 * functions below. */
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "kernel/arch.h"
#include "kernel/mem.h"

void __real_arch_ctx_switch(struct arch_ctx *save, struct arch_ctx *load);
void *__real_arch_ctx_pass(struct arch_ctx *save, struct arch_ctx *load, void *value);
void *__wrap_arch_ctx_pass(struct arch_ctx *save, struct arch_ctx *load, void *value);
void __real_arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void));
void __wrap_arch_ctx_switch(struct arch_ctx *save, struct arch_ctx *load);
void __wrap_arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void));
void __real_arch_discover(void);
void __wrap_arch_discover(void);
const char *__asan_default_options(void);

#define STACK_TIMES 4          /* as large: red zones between all variables */

/* Where a stack begins, kept at its top. */
typedef void entry_fn(void);
#define ENTRY_ROOM 16

/* Faults are the sanitizer's to report. */
const char *__asan_default_options(void)
{
	return "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2:"
	       "detect_stack_use_after_return=0";
}

void __wrap_arch_discover(void)
{
	__real_arch_discover();
	machine.stack_times = STACK_TIMES;
}

static void start(void)
{
	struct mem_stack s = mem_stack_at((uintptr_t)__builtin_frame_address(0));

	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	(*(entry_fn **)(s.base + s.size - ENTRY_ROOM))();
}

void __wrap_arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void))
{
	size -= ENTRY_ROOM;
	/* The task before on this stack never returned from its last functions,
	 * and their red zones would still be there. */
	__asan_unpoison_memory_region(stack, size);
	*(entry_fn **)((char *)stack + size) = entry;
	__real_arch_ctx_init(ctx, stack, size, start);
}

void __wrap_arch_ctx_switch(struct arch_ctx *save, struct arch_ctx *load)
{
	struct mem_stack s = mem_stack_at((uintptr_t)load->sp);
	void *fake;

	__sanitizer_start_switch_fiber(&fake, (void *)s.base, s.size);
	__real_arch_ctx_switch(save, load);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
}

void *__wrap_arch_ctx_pass(struct arch_ctx *save, struct arch_ctx *load, void *value)
{
	struct mem_stack s = mem_stack_at((uintptr_t)load->sp);
	void *fake;

	__sanitizer_start_switch_fiber(&fake, (void *)s.base, s.size);
	value = __real_arch_ctx_pass(save, load, value);
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
	return value;
}
