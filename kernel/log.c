/* SPDX-License-Identifier: MIT */
/* Log lines on the console (kernel/kernel.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/dev.h"
#include "kernel/kernel.h"

static enum log_level level_max = LOG_INFO;

int log_set_level(const char *name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			level_max = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[BUDGET_LOG_LINE];
	ktime us;
	size_t n;
	va_list args;

	if (level > level_max)
		return;
	us = clock_now() / 1000;
	n = (size_t)snprintf(line, sizeof(line), "[%4u.%06u] ", (unsigned)(us / 1000000),
			     (unsigned)(us % 1000000));
	va_start(args, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);
	for (const char *p = line; *p; p++)
		console_putc(*p >= ' ' && *p < 0x7f ? *p : '?');
	console_putc('\n');
}
