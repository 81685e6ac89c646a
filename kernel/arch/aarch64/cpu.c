/* SPDX-License-Identifier: MIT */
/* The payload's side of the gate on aarch64: entry, counter, random numbers,
 * queues, the end of the machine, a new task's stack.
 *
 * Arm ARM DDI 0487: D12 (generic timer), FEAT_RNG; AAPCS64 §6.1 and §6.2.3. */
#include <errno.h>
#include <sys/auxv.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/crash.h"

/* Linux's numbers: getauxval(3), arch/arm64/include/uapi/asm/hwcap.h. */
#define HWCAP_ASIMD (1u << 1)
#define HWCAP_AES (1u << 3)
#define HWCAP_PMULL (1u << 4)
#define HWCAP_SHA2 (1u << 6)

#define RNDR_TRIES 16

_Noreturn void kernel_entry(void);

static bool have_rndr SEALED;
static unsigned long hwcap SEALED;

uint64_t arch_ticks(void)
{
	uint64_t now;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

uint64_t arch_ticks_hz(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

bool arch_random(uint64_t *word, const char **source)
{
	uint64_t failed;

	*source = "RNDR";
	for (unsigned i = 0; have_rndr && i < RNDR_TRIES; i++) {
		__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, eq"
				 : "=r"(*word), "=r"(failed) : : "cc");
		if (!failed)
			return true;
	}
	return false;
}

/* What mbedTLS asks Linux for elsewhere: the CPU's AES and SHA-2. */
unsigned long getauxval(unsigned long type)
{
	return type == AT_HWCAP ? hwcap : 0;
}

/* ID_AA64ISAR0_EL1 (ARM DDI 0487, D17.2): AES, SHA2. */
static unsigned long hwcap_of(uint64_t isar0)
{
	unsigned long caps = HWCAP_ASIMD;

	if ((isar0 >> 4 & 15) >= 2)
		caps |= HWCAP_AES | HWCAP_PMULL;
	if ((isar0 >> 12 & 15) >= 1)
		caps |= HWCAP_SHA2;
	return caps;
}

void arch_idle(uint64_t until)
{
	register uint64_t x0 __asm__("x0") = until;

	__asm__ volatile("svc %1" : "+r"(x0) : "i"(GATE_IDLE)
			 : "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "cc",
			   "memory");
}

int arch_queue_add(const struct arch_queue *q)
{
	bool rings = q->kind == QUEUE_RING;

	if (q->kind == QUEUE_OWNED)
		return -ENOTSUP;
	if (warden.queues == ARCH_QUEUES)
		return -ENOSPC;
	ASSERT(q->size > 0 && (q->size & (q->size - 1)) == 0);
	ASSERT(q->notify_width == 2 || q->notify_width == 4);
	warden.queue[warden.queues] = (struct warden_queue){
		.staged = (uintptr_t)q->staged,
		.desc = (uintptr_t)q->desc,
		.avail = rings ? q->keep : (uintptr_t)q->avail,
		.event = rings ? q->span : (uintptr_t)q->event,
		.notify = (uintptr_t)q->notify,
		.value = q->notify_value,
		.mask = q->size - 1u,
		.width = q->notify_width,
		.rings = rings,
	};
	return (int)warden.queues++;
}

int arch_submit(unsigned q, unsigned n)
{
	register uint64_t x0 __asm__("x0") = q;
	register uint64_t x1 __asm__("x1") = n;

	__asm__ volatile("svc %2" : "+r"(x0), "+r"(x1) : "i"(GATE_SUBMIT)
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "cc", "memory");
	return (int)x0;
}

void arch_notify(unsigned q)
{
	register uint64_t x0 __asm__("x0") = q;

	__asm__ volatile("svc %1" : "+r"(x0) : "i"(GATE_NOTIFY)
			 : "x9", "x10", "x11", "x12", "x16", "x17", "cc", "memory");
}

void warden_seal(uintptr_t root, struct region dma)
{
	register uint64_t x0 __asm__("x0") = root;
	register uint64_t x1 __asm__("x1") = dma.base;
	register uint64_t x2 __asm__("x2") = dma.size;

	__asm__ volatile("svc %3" : "+r"(x0) : "r"(x1), "r"(x2), "i"(GATE_SEAL)
			 : "x9", "x16", "x17", "cc", "memory");
}

/* PSCI carries no code, so the console does: the last line but for code 0. */
_Noreturn void arch_exit(int code)
{
	if (code)
		crash_say_code(code);
	__asm__ volatile("svc %0" : : "i"(GATE_OFF) : "memory");
	__builtin_unreachable();
}

_Noreturn void arch_reset(void)
{
	__asm__ volatile("svc %0" : : "i"(GATE_RESET) : "memory");
	__builtin_unreachable();
}

/* What arch_ctx_switch() pops: x29 = 0 ends backtraces, x30 is where to. */
void arch_ctx_init(struct arch_ctx *ctx, void *stack, size_t size, void (*entry)(void))
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
	uintptr_t *frame = (uintptr_t *)(top - 160);

	for (unsigned i = 0; i < 20; i++)
		frame[i] = 0;
	frame[1] = (uintptr_t)entry;
	ctx->sp = frame;
}

/* A guard from the CPU, or what the loader's seed and the counter give. Its
 * lowest byte is 0, so that a string function stops in front of it. */
static uintptr_t choose_guard(void)
{
	uint64_t guard = arch_ticks() * 0x9e3779b97f4a7c15u;
	const char *source;
	uint64_t word;

	for (unsigned i = 0; i < machine.seed_len; i++)
		guard = (guard ^ machine.seed[i]) * 0x100000001b3u;
	if (arch_random(&word, &source))
		guard ^= word;
	return guard & ~(uintptr_t)0xff;
}

/* Where start.S drops to EL0, on the boot stack, with the guard still 0. */
__attribute__((used, no_stack_protector)) _Noreturn void kernel_entry(void)
{
	have_rndr = (warden.isar0 >> 60) != 0;
	hwcap = hwcap_of(warden.isar0);
	discover_memory();
	__stack_chk_guard = choose_guard();
	kmain();
}
