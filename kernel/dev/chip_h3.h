/* SPDX-License-Identifier: MIT */
/* The Allwinner H3's own clocks and resets. */
#pragma once

#define H3_SYSCON_EMAC 0x01c00030u               /* system controller: the EMAC's clock register */
#define H3_SID 0x01c14200u                       /* serial number, four words */

/* Boot, first: resets Ethernet controller and PHY, and turns on what feeds them. */
void h3_start(void);
