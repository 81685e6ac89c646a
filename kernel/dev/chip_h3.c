/* SPDX-License-Identifier: MIT */
/* Clock control of the Allwinner H3 (kernel/dev/chip_h3.h): H3 Datasheet V1.2, §4.3.5. The loader
 * has set the PLLs, the bus clocks and DRAM up. Outside: boot, before a driver is opened. */
#include "kernel/dev/chip_h3.h"

#include <stdint.h>

#define CCU 0x01c20000u
#define BUS_CLK_GATING0 0x060
#define BUS_CLK_GATING4 0x070
#define BUS_SOFT_RST0 0x2c0
#define BUS_SOFT_RST2 0x2c8
#define EMAC (1u << 17)                          /* GATING0, RST0 */
#define EPHY_GATE (1u << 0)                      /* GATING4 */
#define EPHY_RESET (1u << 2)                     /* RST2; set: not in reset */

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(uintptr_t)(CCU + offset);
}

/* The loader may have used them: they begin in reset. */
void h3_start(void)
{
	*reg(BUS_SOFT_RST0) &= ~EMAC;
	*reg(BUS_SOFT_RST2) &= ~EPHY_RESET;
	*reg(BUS_CLK_GATING0) |= EMAC;
	*reg(BUS_CLK_GATING4) |= EPHY_GATE;
	*reg(BUS_SOFT_RST2) |= EPHY_RESET;
	*reg(BUS_SOFT_RST0) |= EMAC;
}
