/* SPDX-License-Identifier: MIT */
/* The boot order: one list of calls, each with the reason for its place.
 *
 * Outside: the architecture's entry code has entered the payload's privilege
 * level on a boot stack, with the stack guard chosen and all of memory open. */
#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/crash.h"
#include "kernel/dev.h"
#include "kernel/image.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/task.h"

uintptr_t __stack_chk_guard SEALED __attribute__((used));

#define WATCHDOG_S 10                  /* unless set: a task that takes no turn for so long hangs */
#define WATCHDOG_MAX_S 3600

static uint32_t watchdog_s = WATCHDOG_S;
static const struct setting settings[] = {
	{ .key = "log.level", .type = SETTING_CHECKED, .check = log_set_level,
	  .expected = "error, warn, info or debug" },
	{ .key = "crash", .boot = true, .type = SETTING_CHECKED, .check = crash_set,
	  .expected = "exit or reboot" },
	{ .key = "seed", .type = SETTING_CHECKED, .check = random_set_seed, .secret = true,
	  .expected = "64 hex digits or more, in pairs" },
	{ .key = "watchdog", .boot = true, .type = SETTING_U32, .value = &watchdog_s,
	  .max = WATCHDOG_MAX_S, .expected = "a number of seconds, 0 to 3600; 0: none" },
};

static void report_entropy(void)
{
	if (!random_ready())
		log_warn("entropy: too little for keys until frames have come; seed= helps");
}

static void banner(void)
{
	log_info("Zeitkern on %s, build %.12s", machine.name, build_id());
}

_Noreturn void kmain(void)
{
	arch_discover();                /* memory, devices, command line: all else asks it */
	dev_open_console();             /* from here on, what happens can be read */
	banner();
	config_declare(settings, ARRAY_LEN(settings));
	mem_init();                     /* splits RAM: before anything is allocated */
	clock_init();                   /* names the rate once it is known */
	random_init();                  /* before the net picks ports and sequence numbers */
	task_init();                    /* from here on drivers may start tasks */
	dev_open_rest();                /* buses, RTC, entropy, power button */
	clock_start_wall();             /* the time of day, now that an RTC may be there */
	image_boot();                   /* settings, NIC, routes: the last with boot's rights */
	report_entropy();               /* every source at boot has spoken */
	watchdog_start(watchdog_s);     /* settings are known; from here on tasks must take turns */
	arch_seal(mem_dma_pool());      /* page tables and devices are closed for ever */
	task_run(image_main);
}
