/* SPDX-License-Identifier: MIT */
/* The payload's side of the gate on ARMv7-A: entry, counter, queues, the end of the machine, a
 * new task's stack.
 *
 * Arm ARM DDI 0406, B8 (generic timer); AAPCS32 (IHI 0042) §6.1 and §6.2.1.2. */
#include <errno.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/crash.h"
#include "kernel/mem.h"

_Noreturn void kernel_entry(void);

uint64_t arch_ticks(void)
{
	uint64_t now;

	__asm__ volatile("isb; mrrc p15, 1, %Q0, %R0, c14" : "=r"(now) : : "memory");
	return now;
}

/* CNTFRQ is what the loader put there: 0 when it did not care. */
uint64_t arch_ticks_hz(void)
{
	uint32_t hz;

	__asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hz));
	return hz ? hz : board.clock_hz;
}

bool arch_random(uint64_t *word, const char **source)
{
	*source = "none";
	return false;
}

int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	return -ENOTSUP;
}

void *arch_boot_map(uint64_t pa, size_t len)
{
	ASSERT(pa + len <= IMAGE_VA);
	return (void *)(uintptr_t)pa;
}

uint64_t boot_pa(uint64_t va)
{
	return va;
}

/* ---- The gate ----------------------------------------------------------------- */

static int gate(unsigned call, uint32_t a, uint32_t b)
{
	register uint32_t r0 __asm__("r0") = a;
	register uint32_t r1 __asm__("r1") = b;
	register uint32_t r12 __asm__("r12") = call;

	__asm__ volatile("svc 0" : "+r"(r0), "+r"(r1), "+r"(r12) : : "r2", "r3", "memory");
	return (int)r0;
}

void arch_idle(uint64_t until)
{
	gate(GATE_IDLE, (uint32_t)until, (uint32_t)(until >> 32));
}

/* The whole buffer that a size can name lies in the DMA pool, the next descriptor in the
 * table: once the tables are sealed, neither can change. */
static void check_queue(const struct arch_queue *q)
{
	const struct owned_desc *d = q->desc;
	struct region dma = mem_dma_pool();

	for (unsigned i = 0; i < q->size; i++)
		if (d[i].buffer < dma.base ||
		    d[i].buffer + (uint64_t)OWNED_SIZE_MAX > dma.base + dma.size ||
		    d[i].next - (uintptr_t)d >= q->size * sizeof(*d) ||
		    (d[i].next - (uintptr_t)d) % sizeof(*d))
			panic("queue: descriptor %u leads out of the DMA pool", i);
}

int arch_queue_add(const struct arch_queue *q)
{
	if (q->staged && q->kind != QUEUE_OWNED)
		return -ENOTSUP;
	if (warden.queues == ARCH_QUEUES)
		return -ENOSPC;
	ASSERT(q->size > 0 && (q->size & (q->size - 1)) == 0);
	ASSERT(q->notify_width == 4);
	if (q->staged)
		check_queue(q);
	warden.queue[warden.queues] = (struct warden_queue){
		.staged = (uintptr_t)q->staged,
		.desc = (uintptr_t)q->desc,
		.notify = (uintptr_t)q->notify,
		.value = q->notify_value,
		.mask = q->size - 1u,
	};
	return (int)warden.queues++;
}

int arch_submit(unsigned q, unsigned n)
{
	return gate(GATE_SUBMIT, q, n);
}

void arch_notify(unsigned q)
{
	gate(GATE_NOTIFY, q, 0);
}

void warden_seal(uintptr_t root, struct region dma)
{
	gate(GATE_SEAL, root, 0);
}

/* Neither PSCI nor a reset carries a code, so the console does: the last line but for code 0. */
_Noreturn void arch_exit(int code)
{
	if (code)
		crash_say_code(code);
	for (;;)
		gate(GATE_OFF, 0, 0);
}

_Noreturn void arch_reset(void)
{
	for (;;)
		gate(GATE_RESET, 0, 0);
}

/* ---- Tasks and entry ------------------------------------------------------------ */

/* What arch_ctx_switch() pops: d8 to d15, r3 to r11, where to. */
void arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void))
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)7;
	uintptr_t *frame = (uintptr_t *)top - 26;

	for (unsigned i = 0; i < 25; i++)
		frame[i] = 0;
	frame[25] = (uintptr_t)entry;
	ctx->sp = frame;
}

/* A guard from what the loader's seed and the counter give. Its lowest byte is 0, so that a
 * string function stops in front of it. */
static uintptr_t choose_guard(void)
{
	uint32_t guard = (uint32_t)arch_ticks() * 0x9e3779b9u;

	for (unsigned i = 0; i < machine.seed_len; i++)
		guard = (guard ^ machine.seed[i]) * 0x01000193u;
	return guard & ~(uintptr_t)0xff;
}

/* Where start.S drops to User mode, on the boot stack, with the guard still 0. */
__attribute__((used, no_stack_protector)) _Noreturn void kernel_entry(void)
{
	discover_memory();
	__stack_chk_guard = choose_guard();
	kmain();
}
