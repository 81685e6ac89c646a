/* SPDX-License-Identifier: MIT */
/* The pool of tasks (kernel/task_pool.h): one for each stack of kernel/mem.h, how many are in use
 * and how deep each stack has been used, by its fill pattern. */
#include "kernel/task_pool.h"

#include <stdio.h>

#include "kernel/mem.h"

#define STACK_PATTERN 0x7a6b7a6b7a6b7a6bu
#define WIPE_MARGIN 256                /* bytes below task_wipe_stack() that it itself is on */

static struct mem_stacks stacks SEALED;
static struct task *tasks SEALED;      /* one for each stack; [0, made) have been used */
static unsigned made, used, peak, refused;
static struct task *free_tasks;
static struct task deep;                /* on the deep stack; its size is 0 until it is used */

unsigned task_pool_init(void)
{
	stacks = mem_stacks();
	tasks = mem_take(stacks.count * sizeof(*tasks));
	if (!tasks)
		panic("task: no memory for a table of %u", stacks.count);
	return stacks.count;
}

/* A task whose stack has never been used, or NULL. */
static struct task *make_task(void)
{
	struct task *t = &tasks[made];

	if (made == stacks.count)
		return NULL;
	*t = (struct task){
		.stack = (uint64_t *)(stacks.base + made * stacks.stride), .size = stacks.size,
	};
	made++;
	return t;
}

struct task *task_take(void)
{
	struct task *t = free_tasks;

	if (t)
		free_tasks = t->next;
	else
		t = make_task();
	if (!t) {
		refused++;
		return NULL;
	}
	if (++used > peak)
		peak = used;
	return t;
}

void task_give(struct task *t)
{
	t->status = TASK_FREE;
	t->next = free_tasks;
	free_tasks = t;
	used--;
}

unsigned task_number(const struct task *t)
{
	ASSERT(t >= tasks && t < tasks + made);
	return (unsigned)(t - tasks);
}

struct task *task_take_deep(void)
{
	struct mem_stack s = mem_deep_stack();

	if (deep.size || !s.size)
		return NULL;
	deep = (struct task){ .stack = (uint64_t *)s.base, .size = s.size };
	return &deep;
}

void task_prepare(struct task *t, void (*entry)(void))
{
	if (!t->painted) {
		for (size_t i = 0; i < t->size / sizeof(uint64_t); i++)
			t->stack[i] = STACK_PATTERN;
		t->painted = true;
	}
	arch_ctx_init(&t->ctx, t->stack, t->size, entry);
}

void task_check(const struct task *t)
{
	if (t->stack[0] != STACK_PATTERN)
		panic("task %s: stack overflow", t->name);
}

/* With the pattern of a fresh stack: the deepest use is counted anew. */
__attribute__((noinline)) void task_wipe_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) - WIPE_MARGIN;

	for (volatile uint64_t *p = (uint64_t *)mem_stack_at(here).base; (uintptr_t)p < here; p++)
		*p = STACK_PATTERN;
}

/* ---- For people and tests ------------------------------------------------ */

static size_t deepest_use(const struct task *t)
{
	size_t i = 0, words = t->size / sizeof(uint64_t);

	while (i < words && t->stack[i] == STACK_PATTERN)
		i++;
	return (words - i) * sizeof(uint64_t);
}

void task_dump(void (*line)(const char *text))
{
	static const char *const words[] = {
		"free", "ready", "running", "waiting", "coroutine",
	};
	ktime now = clock_now();
	char text[120];

	for (unsigned i = 0; i <= made; i++) {
		const struct task *t = i < made ? &tasks[i] : &deep;
		int n;

		if (t->status == TASK_FREE)
			continue;
		n = snprintf(text, sizeof(text), "task %u %s: %s %s, stack %zu of %zu", i, t->name,
			     words[t->status], t->state, deepest_use(t), t->size);
		if (t->status == TASK_WAITING && t->slot && n > 0 && (size_t)n < sizeof(text))
			snprintf(text + n, sizeof(text) - (size_t)n, ", wakes in %lld ms",
				 (long long)((t->deadline - now) / 1000000));
		line(text);
	}
}

struct task_stats task_stats(void)
{
	struct task_stats s = {
		.stacks = stacks.count, .used = used, .peak = peak,
		.refused = refused, .stack_size = stacks.size,
		.deep_size = deep.size, .deep_used = deepest_use(&deep),
	};

	for (unsigned i = 0; i < made; i++)
		s.deepest = MAX(s.deepest, deepest_use(&tasks[i]));
	return s;
}
