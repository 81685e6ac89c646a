/* SPDX-License-Identifier: MIT */
/* The words for a fault, and the way back through the frames (Intel SDM
 * volume 3A §6.15). */
#include "kernel/arch/x86_64/x86.h"

#include <stdio.h>

#include "kernel/mem.h"

#define REG_FRAME 6            /* rbp */
#define PAGE_FAULT 14
#define ERROR_PRESENT 1
#define ERROR_WRITE 2
#define ERROR_FETCH 16

extern char __warden_start[], __warden_end[], __text_start[], __text_end[];
extern char __boot_stack_start[], __boot_stack_top[], __crash_stack_start[], __crash_stack_top[];

__attribute__((used)) struct arch_fault arch_fault;

const char arch_reg_names[][4] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "",
};

static const char *const vector_names[VECTOR_EXCEPTIONS] = {
	[0] = "division by zero or its overflow",
	[1] = "debug trap",
	[2] = "NMI",
	[3] = "breakpoint, or a call that the warden refuses",
	[4] = "overflow trap",
	[5] = "bound range exceeded",
	[6] = "invalid instruction",
	[7] = "no coprocessor",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack segment fault",
	[13] = "general protection: privileged instruction, closed port or no such address",
	[16] = "x87 floating-point error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD floating-point error",
};

static const char *page_fault_text(const struct arch_fault *f, unsigned error)
{
	uint64_t at = f->address;

	if (at < PAGE_SIZE)
		return "in page zero";
	if (at >= WARDEN_WINDOW ||
	    (at >= (uintptr_t)__warden_start && at < (uintptr_t)__warden_end))
		return "of the warden's memory";
	if (!(error & ERROR_PRESENT))
		return "of an unmapped page";
	if (error & ERROR_FETCH)
		return "of a page without code";
	return error & ERROR_WRITE ? "to a read-only page" : "of a page that is not the payload's";
}

void arch_fault_text(const struct arch_fault *f, char *buf, size_t len)
{
	unsigned vector = (unsigned)(f->cause >> 32);
	unsigned error = (unsigned)f->cause;

	if (vector == PAGE_FAULT)
		snprintf(buf, len, "page fault: %s %s",
			 error & ERROR_FETCH ? "execution"
					     : error & ERROR_WRITE ? "write" : "read",
			 page_fault_text(f, error));
	else if (vector < VECTOR_EXCEPTIONS && vector_names[vector])
		snprintf(buf, len, "%s (vector %u, error %#x)", vector_names[vector], vector,
			 error);
	else
		snprintf(buf, len, "vector %u, error %#x", vector, error);
}

/* True when [at, at + 16) lies in a stack of the payload. */
static bool in_stack(uintptr_t at)
{
	struct mem_stack s = mem_stack_at(at);

	if (at % 8)
		return false;
	if (at >= (uintptr_t)__boot_stack_start && at <= (uintptr_t)__boot_stack_top - 16)
		return true;
	if (at >= (uintptr_t)__crash_stack_start && at <= (uintptr_t)__crash_stack_top - 16)
		return true;
	return s.size && at >= s.base && at - s.base <= s.size - 16;
}

unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;

	if (!fp)
		fp = (uintptr_t)arch_fault.reg[REG_FRAME];
	while (n < max && in_stack(fp)) {
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
