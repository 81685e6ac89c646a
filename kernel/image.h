/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> image: the two calls by which kernel/main.c reaches what
 * stands above it. app/start.c answers for services, a test guest for itself. */
#pragma once

#include <stddef.h>

/* Boot, everything still open: declares settings, applies the command line,
 * opens the NIC, adds routes. */
void image_boot(void);

/* The first task, after the seal. */
void image_main(void *unused);

/* Settings put into the image when it was built (CONFIG=), "" without any:
 * applied before machine.cmdline. Written by the build. */
extern const char image_config[];

/* Bytes of each task's stack, a multiple of the page: BUDGET_STACK, unless the app's library.mk
 * says STACK. Written by the build. */
extern const unsigned image_stack;

/* Bytes of the one stack that is deeper than the others (task_spawn_deep), 0: none. */
extern const size_t image_deep_stack;
