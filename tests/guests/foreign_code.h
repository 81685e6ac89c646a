/* SPDX-License-Identifier: MIT */
/* For the guests that execute data: a harmless function's code copied elsewhere and called. */
#pragma once

#include <string.h>

#include "tests/guests/forbidden.h"

#define CODE_BYTES 64

/* A leaf that runs anywhere. */
static __attribute__((noinline, used, aligned(64))) void harmless(void)
{
	__asm__ volatile ("" ::: "memory");
}

/* Copies it to `where` and calls the copy. */
static inline void run_copy(const char *name, void *where)
{
	void (*volatile copy)(void) = (void (*)(void))(uintptr_t)where;

	memcpy(where, (const void *)(uintptr_t)harmless, CODE_BYTES);
	harmless();
	log_info("%s: executing at %p", name, where);
	copy();
	forbidden_access_succeeded();
}
