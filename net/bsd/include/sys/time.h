/* SPDX-License-Identifier: MIT */
/* The C library's <sys/time.h> by our clock. */
#pragma once

#include_next <sys/time.h>

#include <sys/select.h>

#include <bsd_name.h>

int gettimeofday(struct timeval *__restrict tv, void *__restrict zone) BSD(gettimeofday);
