/* SPDX-License-Identifier: MIT */
/* What a fault of the payload means, in words, and where it came from.
 *
 * Arm ARM DDI 0487, D17.2.37 (ESR_EL1); AAPCS64 (IHI 0055) §6.4.6. */
#include <stdio.h>
#include <string.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"

struct arch_fault arch_fault __attribute__((used));

const char arch_reg_names[][4] = {
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
	"x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
	"x27", "x28", "x29", "x30", "sp", "",
};

enum {
	EC_UNKNOWN = 0x00, EC_WFI = 0x01, EC_ILLEGAL = 0x0e, EC_SVC = 0x15, EC_MSR = 0x18,
	EC_FETCH = 0x20, EC_PC_ALIGN = 0x22, EC_DATA = 0x24, EC_SP_ALIGN = 0x26,
	EC_SERROR = 0x2f, EC_BRK = 0x3c,
};

#define REG_FRAME 29
#define ESR_WRITE (1u << 6)

static const char *class_text(unsigned ec)
{
	switch (ec) {
	case EC_UNKNOWN:
		return "undefined or privileged instruction";
	case EC_WFI:
		return "privileged instruction: wfi or wfe";
	case EC_ILLEGAL:
		return "illegal execution state";
	case EC_SVC:
		return "gate call refused";
	case EC_MSR:
		return "privileged instruction: system register";
	case EC_PC_ALIGN:
		return "misaligned program counter";
	case EC_SP_ALIGN:
		return "misaligned stack pointer";
	case EC_SERROR:
		return "system error";
	case EC_BRK:
		return "breakpoint";
	default:
		return "exception";
	}
}

static const char *access_text(uint64_t esr)
{
	if (esr >> 26 == EC_FETCH)
		return "execution of";
	return esr & ESR_WRITE ? "write to" : "read of";
}

/* Fault status code, bits 5:2 for those with a table level in bits 1:0. */
static const char *page_text(uint64_t esr)
{
	switch (esr >> 2 & 0xf) {
	case 0:
		return "an address out of range";
	case 1:
		return "an unmapped page";
	case 3:
		if (esr >> 26 == EC_FETCH)
			return "a page that is not executable";
		return esr & ESR_WRITE ? "a read-only page" : "a privileged page";
	case 4:
		return "an address where no device answers";
	case 8:
		return "a misaligned address";
	default:
		return "a page";
	}
}

void arch_fault_text(const struct arch_fault *f, char *buf, size_t len)
{
	unsigned ec = f->cause >> 26 & 0x3f;

	if (ec == EC_FETCH || ec == EC_DATA)
		snprintf(buf, len, "page fault: %s %s", access_text(f->cause), page_text(f->cause));
	else
		snprintf(buf, len, "%s", class_text(ec));
}

static bool on_stack(uintptr_t at)
{
	struct mem_stack s = mem_stack_at(at);

	if (at >= (uintptr_t)__boot_stack && at <= (uintptr_t)__boot_stack_top - 16)
		return true;
	if (at >= (uintptr_t)__crash_stack && at <= (uintptr_t)__crash_stack_top - 16)
		return true;
	return s.size && at >= s.base && at - s.base <= s.size - 16;
}

unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;

	if (!fp)
		fp = (uintptr_t)arch_fault.reg[REG_FRAME];
	while (n < max && (fp & 7) == 0 && on_stack(fp)) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (frame[1] < (uintptr_t)__text_start || frame[1] >= (uintptr_t)__text_end)
			break;
		pc[n++] = frame[1];
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	return n;
}
