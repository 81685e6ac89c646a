/* SPDX-License-Identifier: MIT */
/* What a fault of the payload means, in words, and where it came from.
 *
 * Arm ARM DDI 0406, B3.13 and B4.1.52 (DFSR, IFSR, long-descriptor format). */
#include <stdio.h>
#include <string.h>

#include "kernel/arch/arm/unwind.h"
#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"

struct arch_fault arch_fault __attribute__((used));

const char arch_reg_names[][4] = {
	"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
	"sp", "lr", "",
};

#define REG_SP 13

#define FSR_WRITE (1u << 11)
#define FSR_STATUS 0x3fu
#define STATUS_ALIGNMENT 0x21u
#define STATUS_DEBUG 0x22u

/* Bits 5:2 of the status for those with a table level in bits 1:0. */
static const char *page_text(uint32_t fsr, bool fetch)
{
	switch (fsr >> 2 & 0xf) {
	case 1:
		return "an unmapped page";
	case 3:
		if (fetch)
			return "a page that is not executable";
		return fsr & FSR_WRITE ? "a read-only page" : "a privileged page";
	case 4:
		return "an address where no device answers";
	default:
		return "a page";
	}
}

void arch_fault_text(const struct arch_fault *f, char *buf, size_t len)
{
	unsigned class = f->cause >> 32;
	uint32_t fsr = (uint32_t)f->cause;
	bool fetch = class == FAULT_FETCH;

	if (class == FAULT_UNDEFINED)
		snprintf(buf, len, "undefined or privileged instruction");
	else if (class == FAULT_GATE)
		snprintf(buf, len, "gate call refused");
	else if ((fsr & FSR_STATUS) == STATUS_DEBUG)
		snprintf(buf, len, "breakpoint");
	else if ((fsr & FSR_STATUS) == STATUS_ALIGNMENT)
		snprintf(buf, len, "misaligned address");
	else
		snprintf(buf, len, "page fault: %s %s",
			 fetch ? "execution of" : fsr & FSR_WRITE ? "write to" : "read of",
			 page_text(fsr, fetch));
}

/* Of the stack that holds `sp`, or that it ran out of: from where on it is in use. */
static struct unwind_span in_use(uintptr_t sp)
{
	struct mem_stack s = mem_stack_at(sp);
	struct unwind_span boot = { (uintptr_t)__boot_stack, (uintptr_t)__boot_stack_top };
	struct unwind_span crash = { (uintptr_t)__crash_stack, (uintptr_t)__crash_stack_top };

	if (sp >= boot.from && sp < boot.to)
		return (struct unwind_span){ sp, boot.to };
	if (sp >= crash.from && sp < crash.to)
		return (struct unwind_span){ sp, crash.to };
	return (struct unwind_span){ MAX(sp, s.base), s.base + s.size };
}

/* Without a frame pointer: of what faulted. */
unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	return unwind_scan(in_use(fp ? fp : (uintptr_t)arch_fault.reg[REG_SP]), pc, max);
}
