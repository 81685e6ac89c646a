/* SPDX-License-Identifier: MIT */
/* A program error's signal becomes an arch_fault and goes to crash_main(), on
 * the signal stack: the stack that overflowed may be the cause. x86_64 only. */
#define _GNU_SOURCE

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "kernel/arch.h"
#include "kernel/arch/host/host.h"
#include "kernel/crash.h"
#include "kernel/mem.h"

#define REG_FRAME 6            /* rbp */
#define SIGNAL_STACK 65536

struct arch_fault arch_fault;

const char arch_reg_names[][4] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "",
};

static const int reg_of[] = {
	REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static uintptr_t main_stack, main_stack_end;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	for (unsigned i = 0; i < ARRAY_LEN(reg_of); i++)
		arch_fault.reg[i] = (uint64_t)regs[reg_of[i]];
	arch_fault.pc = (uint64_t)regs[REG_RIP];
	arch_fault.flags = (uint64_t)regs[REG_EFL];
	arch_fault.cause = (uint64_t)sig << 32 | ((uint64_t)regs[REG_ERR] & 0xffffffff);
	arch_fault.address = (uintptr_t)info->si_addr;
	crash_main();
}

void host_catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	static char stack[SIGNAL_STACK];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	pthread_attr_t attr;
	void *base;
	size_t size;

	sigaltstack(&alt, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &act, NULL);
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &base, &size);
		pthread_attr_destroy(&attr);
		main_stack = (uintptr_t)base;
		main_stack_end = main_stack + size;
	}
}

void arch_fault_text(const struct arch_fault *f, char *buf, size_t len)
{
	int sig = (int)(f->cause >> 32);

	if (sig == SIGSEGV)
		snprintf(buf, len, "%s: %s", strsignal(sig), f->cause & 2 ? "write" : "read");
	else
		snprintf(buf, len, "%s", strsignal(sig));
}

/* Whether two words at `fp` lie inside one stack. */
static bool on_a_stack(uintptr_t fp)
{
	struct mem_stack s = mem_stack_at(fp);
	const size_t pair = 2 * sizeof(uintptr_t);

	if (fp % sizeof(uintptr_t))
		return false;
	if (fp >= main_stack && fp + pair <= main_stack_end)
		return true;
	return s.size && fp >= s.base && fp - s.base <= s.size - pair;
}

unsigned arch_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;

	if (!fp)
		fp = (uintptr_t)arch_fault.reg[REG_FRAME];
	while (n < max && on_a_stack(fp)) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (!frame[1])
			break;
		pc[n++] = frame[1];
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	return n;
}
