/* SPDX-License-Identifier: MIT */
/* What only privileged code may do on ARMv7-M, one per run: access=N among the settings.
 *
 * Registers of the system must fault (ARM DDI 0403, B3.1.1), or, as QEMU's lm3s6965evb drops what
 * a bus refuses, read as zero and be as before. Writes to special registers have no effect, by
 * the architecture (B5.2.2, B5.2.3). Where nothing has faulted and nothing changed, an undefined
 * instruction ends the guest the same way. */
enum { CASES = 13 };

#include "tests/guests/privileged.h"

#define SYST_CVR 0xe000e018u
#define NVIC_ISER 0xe000e100u
#define VTOR 0xe000ed08u
#define AIRCR 0xe000ed0cu
#define MPU_RBAR 0xe000ed9cu
#define FLASH_FMA 0x400fd000u            /* Stellaris: the flash controller */
#define STIR 0xe000ef00u
#define DEMCR 0xe000edfcu

static uint32_t control(void)
{
	uint32_t value;

	__asm__ volatile ("mrs %0, control" : "=r" (value));
	return value;
}

static uint32_t masks(void)
{
	uint32_t basepri, primask;

	__asm__ volatile ("mrs %0, basepri; mrs %1, primask" : "=r" (basepri), "=r" (primask));
	return basepri | primask;
}

/* Writes a register of the system; false if that had an effect: its value can be read, or the
 * gate does not answer any more. */
static bool no_effect(uintptr_t address, uint32_t value)
{
	volatile uint32_t *reg = (volatile uint32_t *)address;
	uint64_t before = arch_ticks();

	*reg = value;
	return *reg == 0 && arch_ticks() >= before;
}

/* True when it had no effect; does not return when it faulted. */
static bool try_access(uint32_t n)
{
	uint32_t zero = 0, mask = 0x20, sp, after;

	switch (n) {
	case 0: return no_effect(VTOR, 0x20000000);
	case 1: return no_effect(NVIC_ISER, 1);
	case 2: return no_effect(MPU_RBAR, 0x20000010);
	case 3: return no_effect(AIRCR, 0x05fa0004);
	case 4: return no_effect(SYST_CVR, 0);
	case 5: return *(volatile uint32_t *)SYST_CVR == 0;
	case 6: return no_effect(STIR, 0);
	case 7: return no_effect(DEMCR, 1u << 24);
	case 8:
		__asm__ volatile ("msr control, %0; isb" :: "r" (zero));
		return control() & 1;
	case 9:
		__asm__ volatile ("cpsid i; msr basepri, %0" :: "r" (mask));
		return !masks();
	case 10:
		__asm__ volatile ("mov %0, sp; msr psp, %2; mov %1, sp"
				  : "=&r" (sp), "=&r" (after) : "r" (zero));
		return sp == after;
	case 11:                               /* a gate call of boot's: to protect anew */
		__asm__ volatile ("mov r12, #4; mov r0, #0; svc #0" ::: "r0", "r12", "memory");
		return false;
	case 12:                               /* no driver asked for it, so it is not open */
		*(volatile uint32_t *)FLASH_FMA = 0;
		return false;
	default:
		return false;
	}
}

void image_main(void *unused)
{
	log_info("privileged: access %u", (unsigned)which);
	if (try_access(which))
		__builtin_trap();
	forbidden_access_succeeded();
}
