/* SPDX-License-Identifier: MIT */
/* What the files of kernel/arch/host share. */
#pragma once

#include <stdbool.h>

/* The process's arguments, for arch_discover() and arch_reset(). */
extern char **host_argv;

/* Opens the TAP device `name` without blocking reads: a file descriptor, or a
 * negative errno. */
int host_tap_open(const char *name);

/* Sends the signals of a program error to the crash report. */
void host_catch_faults(void);

/* Copies the build id's note from the program's own headers. */
void host_find_build_id(void);
