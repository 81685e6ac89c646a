/* SPDX-License-Identifier: MIT */
/* What the kernel's own unit tests share: panic() is a test failure unless one
 * is expected, log lines are kept for a look. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/kernel.h"

/* The text of the last log line, and how many there have been. */
extern char fake_log[256];
extern unsigned fake_log_lines;

/* True when `statement` panics. */
extern jmp_buf fake_panic;
extern bool fake_panic_expected;
#define PANICS(statement) \
	({ \
		volatile bool panicked_ = true; \
		fake_panic_expected = true; \
		if (setjmp(fake_panic) == 0) { \
			statement; \
			panicked_ = false; \
		} \
		fake_panic_expected = false; \
		panicked_; \
	})
