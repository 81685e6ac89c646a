/* SPDX-License-Identifier: MIT */
/* A clock that a test sets, and pauses that it makes up: for kernel/random.c. */
#pragma once

#include <stdbool.h>

#include "kernel/clock.h"

extern ktime fake_clock;               /* clock_now() */
extern bool fake_paused;               /* the next look finds a pause */
