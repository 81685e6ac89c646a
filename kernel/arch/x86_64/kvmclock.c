/* SPDX-License-Identifier: MIT */
/* KVM's paravirtual clock (Linux documentation virt/kvm/x86/msr.rst): the rate of
 * the cycle counter, and the host's time of day. The host writes both records
 * whenever it has news; the time of day each time it is asked, which costs an exit. */
#include "kernel/arch/x86_64/kvmclock.h"

#include <string.h>

#include "kernel/arch/x86_64/x86.h"

#define KVM_FEATURES 0x40000001u
#define FEATURE_CLOCKSOURCE2 (1u << 3)
#define MSR_WALL_CLOCK 0x4b564d00u
#define MSR_SYSTEM_TIME 0x4b564d01u
#define SYSTEM_TIME_ENABLE 1u
#define FLAG_STOPPED 2u                /* the host's to set, ours to clear */
#define NS_PER_S 1000000000
#define READ_TRIES 100

struct system_time {
	uint32_t version;          /* odd while the host writes */
	uint32_t unused;
	uint64_t tsc, ns;          /* at this count it was that time */
	uint32_t mul;
	int8_t shift;
	uint8_t flags, unused2[2];
};

struct wall_clock {
	uint32_t version, s, ns;   /* time of day when system time was 0 */
};

static volatile struct system_time now __attribute__((aligned(64)));
static volatile struct wall_clock wall __attribute__((aligned(64)));

static uint32_t asked_version;         /* when the time of day was last asked for */
static int64_t asked_ns;

static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* ns of system time, or -1. */
static int64_t system_ns(void)
{
	for (unsigned i = 0; i < READ_TRIES; i++) {
		uint32_t version = now.version;
		uint64_t ticks, ns;

		barrier();
		ticks = arch_ticks() - now.tsc;
		ticks = now.shift < 0 ? ticks >> -now.shift : ticks << now.shift;
		ns = now.ns + (uint64_t)((unsigned __int128)ticks * now.mul >> 32);
		barrier();
		if (!(version & 1) && version == now.version)
			return (int64_t)ns;
	}
	return -1;
}

bool kvmclock_init(uint64_t *tsc_hz)
{
	static const struct device rtc = { .kind = DEV_RTC_KVMCLOCK };
	uint64_t hz;

	if (strcmp(cpu.hypervisor, HYPERVISOR_KVM) || cpu.max_hv_leaf < KVM_FEATURES ||
	    !(cpuid(KVM_FEATURES, 0).a & FEATURE_CLOCKSOURCE2))
		return false;
	wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&now | SYSTEM_TIME_ENABLE);
	wrmsr(MSR_WALL_CLOCK, (uintptr_t)&wall);
	if (now.version == 0 || now.mul == 0)
		return false;
	hz = ((uint64_t)NS_PER_S << 32) / now.mul;
	*tsc_hz = now.shift < 0 ? hz << -now.shift : hz >> now.shift;
	warden_wall_clock[0] = MSR_WALL_CLOCK;
	warden_wall_clock[1] = (uint32_t)(uintptr_t)&wall;
	machine_add(&rtc);
	return true;
}

/* Each time the machine has been stopped the host's record of the system time is a new one;
 * a host whose clock was set shows within a second. */
int64_t kvmclock_unix_ns(void)
{
	int64_t ns = system_ns();

	if (now.version != asked_version || ns - asked_ns > NS_PER_S || ns < asked_ns) {
		asked_version = now.version;
		asked_ns = ns;
		gate(GATE_WALL_CLOCK, 0, 0, 0);
		ns = system_ns();
	}
	if (ns < 0 || (wall.version & 1) || wall.s == 0)
		return -1;
	return ns + (int64_t)wall.s * NS_PER_S + wall.ns;
}

bool kvmclock_was_stopped(void)
{
	if (!(now.flags & FLAG_STOPPED))
		return false;
	now.flags &= (uint8_t)~FLAG_STOPPED;
	return true;
}
