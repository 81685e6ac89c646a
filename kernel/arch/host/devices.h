/* SPDX-License-Identifier: MIT */
/* BOARD=host's drivers, for boards/host/board.c. */
#pragma once

#include "kernel/dev.h"

extern const struct uart host_console;
extern const struct rtc host_rtc;
extern const struct button host_power;
