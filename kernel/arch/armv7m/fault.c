/* SPDX-License-Identifier: MIT */
/* What a fault of the payload means, in words, and where it came from.
 *
 * ARM DDI 0403, B3.2.15 (CFSR) and B3.2.16 (HFSR). */
#include <stdio.h>

#include "kernel/arch/arm/unwind.h"
#include "kernel/arch/armv7m/warden.h"
#include "kernel/crash.h"
#include "kernel/mem.h"

#define REG_SP 13
#define REG_LR 14

struct arch_fault arch_fault __attribute__((used));

const char arch_reg_names[][4] = {
	"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
	"sp", "lr", "",
};

/* The first that is set says it. */
static const struct {
	uint32_t cause;
	const char *text;
} causes[] = {
	{ 1u << 4 | 1u << 12, "stack overflow" },
	{ 1u << 0, "memory fault: execution of what is not executable" },
	{ 1u << 1, "memory fault: access to what is protected" },
	{ 1u << 3 | 1u << 11, "memory fault: return from an exception" },
	{ 1u << 8, "bus fault: execution where there is no memory" },
	{ 1u << 9 | 1u << 10, "bus fault: no device answers" },
	{ 1u << 16, "undefined instruction" },
	{ 1u << 17, "invalid state: not Thumb code" },
	{ 1u << 18, "invalid program counter" },
	{ 1u << 19, "no coprocessor" },
	{ 1u << 24, "misaligned access" },
	{ 1u << 25, "division by zero" },
};

void arch_fault_text(const struct arch_fault *f, char *buf, size_t len)
{
	const char *text = f->cause ? "exception" : "gate call refused";

	for (unsigned i = ARRAY_LEN(causes); i-- > 0; )
		if (f->cause & causes[i].cause)
			text = causes[i].text;
	snprintf(buf, len, "%s", text);
}

/* Of the stack that holds `sp`, or that it ran out of: from where on it is in use. */
static struct unwind_span in_use(uintptr_t sp)
{
	struct mem_stack s = mem_stack_at(sp);

	if (sp >= (uintptr_t)__boot_stack && sp < (uintptr_t)__boot_stack_top)
		return (struct unwind_span){ sp, (uintptr_t)__boot_stack_top };
	return (struct unwind_span){ MAX(sp, s.base), s.base + s.size };
}

/* Without a frame pointer: of what faulted. */
unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	return unwind_scan(in_use(fp ? fp : (uintptr_t)arch_fault.reg[REG_SP]), pc, max);
}

/* Where the warden sends a payload that faulted. If its stack was full, the warden could not
 * learn where it was: the nearest caller is told instead. */
_Noreturn void crash_start(void);
__attribute__((used)) _Noreturn void crash_start(void)
{
	uintptr_t caller;

	if (!arch_fault.pc && arch_backtrace(0, &caller, 1) == 1)
		arch_fault.pc = caller;
	crash_main();
}
