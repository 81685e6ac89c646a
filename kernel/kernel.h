/* SPDX-License-Identifier: MIT */
/* What every file may use: panic, ASSERT, log lines and three small macros. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ALIGN_UP(n, to) (((n) + ((to) - 1)) & ~((__typeof__(n))(to) - 1))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* Data that is zero at first, written during boot and read-only from arch_seal()
 * on. By its name the compiler knows that the section has no contents. */
#define SEALED __attribute__((section(".sbss.sealed")))

/* kernel/main.c: the machine's start, called by the architecture's entry code
 * once __stack_chk_guard holds a random value. */
__attribute__((noinline)) _Noreturn void kmain(void);
extern uintptr_t __stack_chk_guard;

/* The id that the linker gave this build, in hex; lives for ever. */
const char *build_id(void);

/* A bug of ours: prints the message, registers, backtrace and tasks, then
 * leaves the machine with code 1 (kernel/crash.h). May be called from
 * anywhere; never returns. */
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Compiled into every build. The condition must have no side effect. */
#define ASSERT(cond) \
	do { \
		if (__builtin_expect(!(cond), 0)) \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One line on the console, "[   0.001234] text"; cut at BUDGET_LOG_LINE bytes. All but
 * printable ASCII is shown as "?": a peer's words cannot look like a line of ours.
 * Drops the line when log.level is below `level`. Not from an interrupt. Never waits. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* log.level=: 0, or -EINVAL when `name` is none of error, warn, info, debug. */
int log_set_level(const char *name);
