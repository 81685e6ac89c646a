/* SPDX-License-Identifier: MIT */
/* The last words: registers but for what may be a key, backtrace, tasks, build id; then exit or
 * reboot as crash= says (exit, the default under make run, or reboot). */
#pragma once

/* Where the warden sends a payload that faulted (arch.h); also panic()'s end. */
_Noreturn void crash_main(void);

/* Exit codes of the machine. */
enum { EXIT_OK = 0, EXIT_PANIC = 1, EXIT_FAULT = 2, EXIT_TEST_FAILED = 3 };

/* The line "exit code N", for those who see only the console; the first call
 * says it, others do nothing. */
void crash_say_code(int code);

/* crash=: 0, or -EINVAL when `word` is neither exit nor reboot. */
int crash_set(const char *word);
