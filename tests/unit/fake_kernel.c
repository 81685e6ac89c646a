/* SPDX-License-Identifier: MIT */
/* See fake_kernel.h. */
#include "tests/unit/fake_kernel.h"

#include <stdio.h>

char fake_log[256];
unsigned fake_log_lines;
jmp_buf fake_panic;
bool fake_panic_expected;
uintptr_t __stack_chk_guard = 0x5a17c0de5a17c0de;

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fake_log, sizeof(fake_log), fmt, args);
	va_end(args);
	fake_log_lines++;
}

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(fake_log, sizeof(fake_log), fmt, args);
	va_end(args);
	if (fake_panic_expected)
		longjmp(fake_panic, 1);
	fail_msg("panic: %s", fake_log);
	__builtin_unreachable();
}
