/* SPDX-License-Identifier: MIT */
/* The payload's side of the gate: arch.h's calls as int3 with a number in rax.
 * int3 because it is the one software interrupt that also works where ring 3
 * runs natively below an emulated ring 0. */
#include <errno.h>

#include "kernel/arch/x86_64/x86.h"

uint64_t gate(uint64_t call, uint64_t a, uint64_t b, uint64_t c)
{
	__asm__ volatile("int3"
			 : "+a"(call), "+D"(a), "+S"(b), "+d"(c)
			 :
			 : "rcx", "r8", "r9", "r10", "r11", "cc", "memory");
	return call;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("int3"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"((uint64_t)GATE_CPUID), "D"(leaf), "S"(subleaf)
			 : "cc", "memory");
	return r;
}

void wrmsr(uint32_t msr, uint64_t value)
{
	gate(GATE_WRMSR, msr, (uint32_t)value, value >> 32);
}

static uint64_t window(const volatile void *p, size_t len)
{
	return p ? mmu_warden_map((uintptr_t)p, len, false) : 0;
}

int arch_queue_add(const struct arch_queue *q)
{
	struct warden_queue *w = &warden_queue[warden_queues];

	_Static_assert(sizeof(struct warden_queue) == 1 << QUEUE_SHIFT, "layout");
	_Static_assert(offsetof(struct warden_queue, desc) == QUEUE_DESC, "layout");
	_Static_assert(offsetof(struct warden_queue, avail) == QUEUE_AVAIL, "layout");
	_Static_assert(offsetof(struct warden_queue, event) == QUEUE_EVENT, "layout");
	_Static_assert(offsetof(struct warden_queue, notify) == QUEUE_NOTIFY, "layout");
	_Static_assert(offsetof(struct warden_queue, value) == QUEUE_VALUE, "layout");
	_Static_assert(offsetof(struct warden_queue, mask) == QUEUE_MASK, "layout");
	_Static_assert(offsetof(struct warden_queue, size) == QUEUE_SIZE, "layout");
	_Static_assert(offsetof(struct warden_queue, width) == QUEUE_WIDTH, "layout");
	_Static_assert(offsetof(struct warden_queue, rings) == QUEUE_RINGS, "layout");
	_Static_assert(QUEUES == ARCH_QUEUES, "room");
	_Static_assert(QUEUE_REACH == ARCH_REACH, "what the warden checks");
	if (q->kind == QUEUE_OWNED)
		return -ENOTSUP;
	if (warden_queues == ARCH_QUEUES)
		return -ENOSPC;
	ASSERT(q->size && !(q->size & (q->size - 1)));
	ASSERT(q->notify_width == 0 || q->notify_width == 2 || q->notify_width == 4);
	if (q->staged) {
		w->staged = window(q->staged, q->size * 16u);
		w->desc = window(q->desc, q->size * 16u);
		w->rings = q->kind == QUEUE_RING;
		w->avail = w->rings ? q->keep : window(q->avail, 4);
		w->event = w->rings ? q->span : window(q->event, 2);
		w->size = q->size;
	}
	w->notify = (uintptr_t)q->notify;
	if (q->notify_width)
		w->notify = mmu_warden_map(w->notify, q->notify_width, true);
	w->mask = q->size - 1u;
	w->value = q->notify_value;
	w->width = q->notify_width;
	return (int)warden_queues++;
}

int arch_submit(unsigned q, unsigned n)
{
	return gate(GATE_SUBMIT, q, n, 0) ? -EFAULT : 0;
}

void arch_notify(unsigned q)
{
	gate(GATE_NOTIFY, q, 0, 0);
}

void arch_exit(int code)
{
	for (;;)
		gate(GATE_EXIT, (unsigned)code, 0, 0);
}

void arch_reset(void)
{
	for (;;)
		gate(GATE_RESET, 0, 0, 0);
}
