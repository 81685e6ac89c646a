/* SPDX-License-Identifier: MIT */
/* The C library's <time.h> by our clocks, and sleeping yields. */
#pragma once

#include_next <time.h>

#include <bsd_name.h>

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC 4
#endif

time_t time(time_t *t) BSD(time);
int clock_gettime(clockid_t clock, struct timespec *t) BSD(clock_gettime);
int nanosleep(const struct timespec *wanted, struct timespec *left) BSD(nanosleep);
