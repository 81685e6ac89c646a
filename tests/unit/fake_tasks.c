/* SPDX-License-Identifier: MIT */
/* See fake_tasks.h. Tasks are ucontexts, which AddressSanitizer is told of. */
#include "tests/unit/fake_tasks.h"

#include <stdlib.h>
#include <ucontext.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"
#include "kernel/task.h"

#define STACK (128u << 10)
#define STACKS 64u

struct context {
	ucontext_t u;
	void *stack, *fake;
	void (*entry)(void);
};

static ktime now = SECONDS(1);
static char *stacks;
static int (*tests)(void);
static struct context *running;

ktime clock_now(void)
{
	return now;
}

ktime clock_after_ms(int64_t ms)
{
	return now + MILLIS(ms);
}

void clock_expire(void)
{
}

uint64_t clock_ticks_at(ktime deadline)
{
	return (uint64_t)deadline;
}

uint64_t arch_ticks(void)
{
	return (uint64_t)now;
}

void arch_idle(uint64_t until)
{
	if (until == UINT64_MAX)
		fail_msg("every task waits for ever");
	now = (ktime)until;
}

void watchdog_feed(void)
{
}

uint64_t watchdog_alarm(uint64_t until)
{
	return until;
}

struct mem_stacks mem_stacks(void)
{
	if (!stacks)
		stacks = aligned_alloc(STACK, STACK * STACKS);
	return (struct mem_stacks){ (uintptr_t)stacks, STACK, STACK, STACKS };
}

struct mem_stack mem_deep_stack(void)
{
	return (struct mem_stack){ 0, 0 };
}

struct mem_stack mem_stack_at(uintptr_t at)
{
	return (struct mem_stack){ at / STACK * STACK, STACK };
}

void *mem_take(size_t size)
{
	return calloc(1, size);
}

/* ---- Switching ------------------------------------------------------------------ */

static void start(void)
{
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	running->entry();
}

void arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void))
{
	struct context *c = ctx->sp ? ctx->sp : calloc(1, sizeof(*c));

	__asan_unpoison_memory_region(stack, size);
	getcontext(&c->u);
	c->u.uc_stack.ss_sp = stack;
	c->u.uc_stack.ss_size = size;
	c->stack = stack;
	c->entry = entry;
	makecontext(&c->u, start, 0);
	ctx->sp = c;
}

void arch_ctx_switch(struct arch_ctx *save, struct arch_ctx *load)
{
	struct context *from, *to = load->sp;

	if (!save->sp)
		save->sp = calloc(1, sizeof(*from));
	from = save->sp;
	running = to;
	__sanitizer_start_switch_fiber(&from->fake, to->stack, STACK);
	swapcontext(&from->u, &to->u);
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
}

/* ---- The tests -------------------------------------------------------------------- */

static void first(void *unused)
{
	exit(tests());
}

void fake_tasks_run(int (*fn)(void))
{
	tests = fn;
	task_init();
	task_run(first);
}

unsigned fake_tasks_used(void)
{
	return task_stats().used;
}
