/* SPDX-License-Identifier: MIT */
/* What the guests that try a forbidden access have in common: each boots like a service, tries
 * one thing in its first task, and must not get past it. */
#pragma once

#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/crash.h"
#include "kernel/image.h"
#include "kernel/kernel.h"

/* The access was not stopped: tests/run looks for these words and for the code. */
static inline _Noreturn void forbidden_access_succeeded(void)
{
	log_error("FORBIDDEN ACCESS SUCCEEDED");
	arch_exit(EXIT_TEST_FAILED);
}

/* Writes one byte such that no compiler can know where it goes. */
static inline void poke(uintptr_t address)
{
	*(volatile uint8_t *)address ^= 0x5a;
}
