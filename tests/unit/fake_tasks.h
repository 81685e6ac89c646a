/* SPDX-License-Identifier: MIT */
/* The real scheduler (kernel/task.c, task_pool.c, pool.c) for unit tests, in simulated time: the
 * clock moves when every task waits, at once to what the earliest waits for. */
#pragma once

#include "tests/unit/fake_kernel.h"

#include "kernel/clock.h"

/* Runs the tests in the first task and ends the program with what they return. */
_Noreturn void fake_tasks_run(int (*tests)(void));

/* How many tasks there are, the tests' own among them. */
unsigned fake_tasks_used(void);
