/* SPDX-License-Identifier: MIT */
/* The C library's <limits.h>, and the limit of POSIX that picolibc's lacks. */
#pragma once

#include_next <limits.h>

#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif
