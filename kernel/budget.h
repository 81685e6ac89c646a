/* SPDX-License-Identifier: MIT */
/* How large everything is that has a fixed size or a cap: the one place where an
 * image's memory is decided. A board's BUDGET (board.mk) names the file of
 * boards/budget that defines every BUDGET_ word:
 *
 *	large	sized at boot from the machine's memory (virtual machines, Cortex-A boards)
 *	small	fixed, for a microcontroller with 64 KiB of RAM
 *
 * A word in lower case between parentheses is an argument: `ram` is what the
 * machine has, in bytes, `n` the number of connections. */
#pragma once

#include BUDGET_FILE
