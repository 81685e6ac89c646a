/* SPDX-License-Identifier: MIT */
/* The C library's <sys/time.h> by our clock. */
#pragma once

#include <sys/select.h>                /* before the C library's own, which picolibc's includes */

#include_next <sys/time.h>

#include <bsd_name.h>

int gettimeofday(struct timeval *__restrict tv, void *__restrict zone) BSD(gettimeofday);
