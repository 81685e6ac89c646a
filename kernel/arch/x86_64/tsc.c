/* SPDX-License-Identifier: MIT */
/* The cycle counter, its rate, and alarms from it.
 *
 * Where nobody tells the rate (hypervisor leaf 0x40000010, kvmclock, CPUID 0x15)
 * it is measured from start-up on, beside what the boot does anyway, against
 * the local APIC timer, which counts nanoseconds under QEMU and KVM, or the
 * ACPI PM timer (ACPI 6.4 §4.8.3.3). Intel SDM volume 3A §11.5.4, §18.17. */
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/x86.h"

#define PMTIMER_HZ 3579545u
#define PMTIMER_MASK 0xffffffu
#define QEMU_LAPIC_HZ 1000000000u
#define HZ_GUESS 2000000000u               /* until there is something to tell it by */
#define LOOK_US 200u
#define LOOKS 4
#define LONGEST_S 4u                       /* both references wrap soon after */
#define DIVIDE_BY_1 0xbu
#define DIVIDE_BY_16 0x3u

struct look {
	uint64_t tsc;
	uint32_t ref;
};

static uint64_t hz SEALED;
static bool told SEALED;                   /* hz is exact */
static bool finished SEALED;
static uint32_t ref_hz SEALED;
static uint16_t pmtimer SEALED;            /* port, 0: the local APIC is the reference */
static struct look first SEALED, first_lapic SEALED;
static uint64_t measured_at SEALED;
static uint64_t alarm_ratio SEALED;        /* timer counts per tick, << 32 */
static bool alarm_exact SEALED;

static uint64_t alarm = UINT64_MAX;        /* the timer ends by then; UINT64_MAX: it is not armed */

uint64_t arch_ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static uint32_t read_lapic(void)
{
	return ~lapic_read(LAPIC_TIMER_CURRENT);
}

static uint32_t read_pmtimer(void)
{
	return in32(pmtimer);
}

/* The shortest of a few tries, against a host that takes the CPU away. */
static struct look look(uint32_t (*reference)(void))
{
	struct look best = { 0, 0 };
	uint64_t shortest = UINT64_MAX;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before = arch_ticks();
		uint32_t ref = reference();
		uint64_t took = arch_ticks() - before;

		if (took < shortest) {
			shortest = took;
			best = (struct look){ before + took / 2, ref };
		}
	}
	return best;
}

static void measure(void)
{
	uint64_t elapsed = arch_ticks() - first.tsc;
	uint32_t (*reference)(void) = pmtimer ? read_pmtimer : read_lapic;
	uint32_t ref;
	struct look now;

	/* Again each time the interval has doubled, and at the end. */
	if (hz && (elapsed > LONGEST_S * hz || (!finished && elapsed < 2 * measured_at)))
		return;
	while (arch_ticks() - first.tsc < (uint64_t)HZ_GUESS / 1000000 * LOOK_US)
		__asm__ volatile("pause");
	now = look(reference);
	ref = now.ref - first.ref;
	if (pmtimer)
		ref &= PMTIMER_MASK;
	if (ref == 0) {
		hz = hz ? hz : HZ_GUESS;   /* and measured again at the next call */
		return;
	}
	measured_at = now.tsc - first.tsc;
	hz = (uint64_t)((unsigned __int128)measured_at * ref_hz / ref);
}

/* CPUID 0x40000010: kHz (VMware's leaf, also QEMU's). 0x15: ratio and crystal. */
static uint64_t hz_from_cpuid(void)
{
	struct cpuid r;

	if (cpu.max_hv_leaf >= 0x40000010) {
		r = cpuid(0x40000010, 0);
		if (r.a)
			return (uint64_t)r.a * 1000;
	}
	if (cpu.max_leaf >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.a && r.b && r.c)
			return (uint64_t)r.c * r.b / r.a;
	}
	return 0;
}

void tsc_start(void)
{
	bool qemu = !strcmp(cpu.hypervisor, HYPERVISOR_QEMU) ||
		    !strcmp(cpu.hypervisor, HYPERVISOR_KVM);
	const struct device *pm = machine_find(DEV_PMTIMER, NULL);

	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
	first_lapic = look(read_lapic);
	if (!kvmclock_init(&hz))
		hz = hz_from_cpuid();
	told = hz != 0;
	alarm_exact = qemu && told;
	first = first_lapic;
	ref_hz = QEMU_LAPIC_HZ;
	if (!qemu && pm) {
		pmtimer = (uint16_t)pm->base;
		first = look(read_pmtimer);
		ref_hz = PMTIMER_HZ;
	}
}

/* The timer's rate: 1 GHz where it is known, else as measured meanwhile. */
void tsc_finish(void)
{
	struct look last;

	if (finished)
		return;
	finished = true;
	arch_ticks_hz();
	last = look(read_lapic);
	if (!told)
		measure();
	if (alarm_exact)
		alarm_ratio = ((uint64_t)QEMU_LAPIC_HZ << 32) / hz;
	else
		alarm_ratio = ((uint64_t)(last.ref - first_lapic.ref) << 32) /
			      (last.tsc - first_lapic.tsc);
	alarm_ratio /= 16;
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
}

uint64_t arch_ticks_hz(void)
{
	if (!told && !finished)
		measure();
	return hz;
}

/* A measured ratio may be wrong by a little: long sleeps end early by 1/256 and
 * are taken up again. */
static uint32_t timer_count(uint64_t ticks)
{
	unsigned __int128 n = (unsigned __int128)ticks * alarm_ratio >> 32;

	if (!alarm_exact)
		n -= n >> 8;
	return (uint32_t)MAX(1u, MIN(n, UINT32_MAX));
}

void arch_idle(uint64_t until)
{
	uint64_t now = arch_ticks();
	uint64_t call = GATE_IDLE, count = 0;

	if (until <= now)
		return;
	if (!finished)
		tsc_finish();
	if (until < alarm) {
		alarm = until;
		call = GATE_IDLE_ALARM;
		count = timer_count(until - now);
	}
	if (gate(call, count, 0, 0) == WOKE_TIMER)
		alarm = UINT64_MAX;
}
