/* SPDX-License-Identifier: MIT */
/* CONTRACT app/queries: handlers about the C library's own clocks and sleeps. */
#pragma once

#include "app/app.h"

/* What each clock says: microseconds, time() in seconds; -1: not known. */
void clocks(struct request *req, struct response *res);

/* How many microseconds sleep(1), then nanosleep() and usleep() of the parameter `us` (less than a
 * million) take, `from` when by the monotonic clock, and the sum of what they return. Waits. */
void sleeps(struct request *req, struct response *res);
