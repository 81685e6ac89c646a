/* SPDX-License-Identifier: MIT */
/* Watchdogs with the registers of Arm's SP805 (ARM DDI 0270B, §3.3): that of the
 * CMSDK (ARM DDI 0479D, §4.6) and of the Stellaris (LM3S6965 data sheet, ch. 11).
 *
 * It counts down and says so at zero by an interrupt, or an NMI on MPS2 boards,
 * which the warden passes over; when it reaches zero once more it resets the
 * machine. So each count is half of the time-out. Except while they are written,
 * its registers are locked against stray writes. Outside: they fill one page of
 * their own. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"

#define WDOGLOAD 0x000
#define WDOGCONTROL 0x008
#define CONTROL_INTEN (1u << 0)        /* counts; on Stellaris for ever */
#define CONTROL_RESEN (1u << 1)
#define WDOGINTCLR 0x00c               /* any write: loads the counter, too */
#define WDTTEST 0x418                  /* Stellaris */
#define TEST_STALL (1u << 8)           /* stands still while a debugger holds the CPU */
#define WDOGLOCK 0xc00
#define UNLOCK 0x1acce551u
#define LOCK 0u

/* Stellaris system control, LM3S6965 data sheet §5.5. */
#define RCGC0 0x100
#define RCGC0_WDT (1u << 3)

static uintptr_t base SEALED;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

/* Starts it with registers unlocked and locks them: the time-out, or -errno. */
static int start(uint32_t hz, uint32_t timeout_ms)
{
	uint32_t khz = hz / 1000, half_ms;

	if (khz == 0 || timeout_ms < 2)
		return -EINVAL;
	half_ms = MIN(timeout_ms / 2, UINT32_MAX / khz);
	*reg(WDOGLOAD) = half_ms * khz;
	*reg(WDOGINTCLR) = 1;
	*reg(WDOGCONTROL) = CONTROL_INTEN | CONTROL_RESEN;
	*reg(WDOGLOCK) = LOCK;
	arch_map(base, base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	return (int)(half_ms * 2);
}

static int cmsdk_open(const struct device *dev, uint32_t timeout_ms)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	*reg(WDOGLOCK) = UNLOCK;
	return start(dev->arg, timeout_ms);
}

/* §5.4: the registers answer three clocks after their gate; the read takes longer. */
static void open_gate(uintptr_t system_control)
{
	volatile uint32_t *gate = (volatile uint32_t *)(system_control + RCGC0);

	*gate = *gate | RCGC0_WDT;
	(void)*gate;
}

static int luminary_open(const struct device *dev, uint32_t timeout_ms)
{
	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	base = dev->base;
	if (dev->base2)
		open_gate(dev->base2);
	*reg(WDOGLOCK) = UNLOCK;
	*reg(WDTTEST) = TEST_STALL;
	return start(dev->arg, timeout_ms);
}

static void sp805_feed(void)
{
	*reg(WDOGLOCK) = UNLOCK;
	*reg(WDOGINTCLR) = 1;
	*reg(WDOGLOCK) = LOCK;
}

const struct watchdog watchdog_cmsdk = {
	.kind = DEV_WATCHDOG_CMSDK,
	.open = cmsdk_open,
	.feed = sp805_feed,
};

const struct watchdog watchdog_luminary = {
	.kind = DEV_WATCHDOG_LUMINARY,
	.open = luminary_open,
	.feed = sp805_feed,
};
