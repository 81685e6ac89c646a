/* SPDX-License-Identifier: MIT */
/* The Stellaris LM3S6965's own clock, and the pins and parts that it feeds. */
#pragma once

#define STELLARIS_HZ 50000000u                   /* once stellaris_start() has returned */
#define STELLARIS_SYSCTL 0x400fe000u
#define STELLARIS_USER_REG0 0x400fe1e0u          /* two words: the MAC address, if programmed */

/* Boot, first: runs the CPU from the PLL and an 8 MHz crystal, and turns on UART0, its pins and
 * the Ethernet controller. A PLL that does not lock leaves the clock as it is. */
void stellaris_start(void);
