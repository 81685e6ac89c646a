/* SPDX-License-Identifier: MIT */
/* kernel/arch.h over Linux: the clock is CLOCK_MONOTONIC in nanoseconds, an
 * interrupt number is a file descriptor that becomes readable, and idling is
 * ppoll() with SIGTERM and SIGINT let in. There is no warden, hence nothing to
 * seal: what only the gate can do answers -ENOTSUP. */
#define _GNU_SOURCE

#include "kernel/arch.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "kernel/arch/host/host.h"
#include "kernel/mem.h"

#define NS_PER_S 1000000000u
#define IRQ_MAX 16
#define PATIENCE_NS 50000

static struct pollfd irqs[IRQ_MAX];
static unsigned irq_count;

uint64_t arch_ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t arch_ticks_hz(void)
{
	return NS_PER_S;
}

void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	ASSERT(irq_count < IRQ_MAX);
	irqs[irq_count++] = (struct pollfd){ .fd = (int)irq, .events = POLLIN };
}

/* Waits for a device or a signal, at most so many ns (UINT64_MAX: for ever): false: none came. */
static bool wait_for(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S),
	};
	sigset_t none;

	sigemptyset(&none);
	return ppoll(irqs, irq_count, ns == UINT64_MAX ? NULL : &t, &none) != 0;
}

/* To be put to sleep and woken takes longer than many a peer takes to answer: while idling has
 * lately been that short, it looks again and again before it sleeps. */
void arch_idle(uint64_t until)
{
	static uint64_t patience;
	uint64_t began = arch_ticks(), now = began;

	for (; now < until && now - began < patience; now = arch_ticks()) {
		if (wait_for(0))
			return;
		sched_yield();
	}
	wait_for(until == UINT64_MAX ? until : until > now ? until - now : 0);
	patience = arch_ticks() - began < PATIENCE_NS ? PATIENCE_NS : 0;
}

bool arch_random(uint64_t *word, const char **source)
{
	*source = "getrandom";
	return getrandom(word, sizeof(*word), 0) == (ssize_t)sizeof(*word);
}

_Noreturn void arch_exit(int code)
{
	if (code == 0)
		exit(0);                        /* with the sanitizers' last words */
	_exit(code);
}

_Noreturn void arch_reset(void)
{
	sigset_t pending;

	sigpending(&pending);
	if (!sigismember(&pending, SIGTERM) && !sigismember(&pending, SIGINT))
		execv("/proc/self/exe", host_argv);
	_exit(1);
}

struct mem_heap mem_heap(void)
{
	return (struct mem_heap){ mallinfo2().uordblks, mem_heap_part().size };
}

/* ---- What a process does not have ---------------------------------------- */

void *arch_boot_map(uint64_t pa, size_t len)
{
	panic("arch_boot_map: a process has no physical memory");
}

int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	return -ENOTSUP;
}

int arch_queue_add(const struct arch_queue *q)
{
	return -ENOTSUP;
}

void arch_seal(struct region dma)
{
}

int arch_submit(unsigned q, unsigned n)
{
	return -ENOTSUP;
}

void arch_notify(unsigned q)
{
}
