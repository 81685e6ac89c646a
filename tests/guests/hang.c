/* SPDX-License-Identifier: MIT */
/* Guest: for machines with a watchdog. It idles for longer than the time-out, then
 * works for longer than that and takes turns, and neither may reset it; then it
 * hangs, and that must. Started with watchdog=2. */
#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/image.h"
#include "kernel/settings.h"
#include "kernel/task.h"

#define LONG_MS 5000

void image_boot(void)
{
	config_apply(image_config, "image");
	settings_apply();
	config_apply(machine.cmdline, "command line");
}

void image_main(void *unused)
{
	ktime end;

	task_sleep(clock_after_ms(LONG_MS));
	log_info("hang: was idle");
	end = clock_after_ms(LONG_MS);
	while (clock_now() < end)
		task_yield();
	log_info("hang: was busy");
	for (;;)
		__asm__ volatile("");
}
