/* SPDX-License-Identifier: MIT */
/* System control and pins of the Stellaris LM3S6965 (kernel/dev/chip_stellaris.h).
 *
 * LM3S6965 data sheet, ch. 5 (system control: 5.2.4 the clock's steps, RCC, RCGC) and ch. 8
 * (GPIO). Outside: boot, before any other device is touched. */
#include "kernel/dev/chip_stellaris.h"

#include <stdint.h>

#define SYSCTL STELLARIS_SYSCTL
#define RIS 0x050
#define RIS_PLLLRIS (1u << 6)
#define RCC 0x060
#define RCC_SYSDIV(n) (((n) - 1u) << 23)
#define RCC_USESYSDIV (1u << 22)
#define RCC_PWRDN (1u << 13)
#define RCC_BYPASS (1u << 11)
#define RCC_XTAL_8MHZ (0xeu << 6)
#define RCC_XTAL (0xfu << 6)
#define RCC_OSCSRC (3u << 4)                     /* 0: the crystal */
#define RCC_MOSCDIS (1u << 0)
#define RCGC1 0x104
#define RCGC1_UART0 (1u << 0)
#define RCGC2 0x108
#define RCGC2_PORT_A (1u << 0)
#define RCGC2_EMAC0 (1u << 28)
#define RCGC2_EPHY0 (1u << 30)

#define PORT_A 0x40004000u
#define AFSEL 0x420
#define DEN 0x51c
#define UART0_PINS 3u

#define SPINS 100000u
#define DIVIDER 4u                               /* of the PLL's 200 MHz */

static volatile uint32_t *reg(uintptr_t base, unsigned offset)
{
	return (volatile uint32_t *)(base + offset);
}

static void start_pll(void)
{
	uint32_t rcc = *reg(SYSCTL, RCC);

	rcc = (rcc | RCC_BYPASS) & ~RCC_USESYSDIV;
	*reg(SYSCTL, RCC) = rcc;
	rcc = (rcc & ~(RCC_XTAL | RCC_OSCSRC | RCC_PWRDN | RCC_MOSCDIS)) | RCC_XTAL_8MHZ;
	*reg(SYSCTL, RCC) = rcc;
	rcc = (rcc & ~(0xfu << 23)) | RCC_SYSDIV(DIVIDER) | RCC_USESYSDIV;
	*reg(SYSCTL, RCC) = rcc;
	for (unsigned i = 0; i < SPINS; i++) {
		if (*reg(SYSCTL, RIS) & RIS_PLLLRIS) {
			*reg(SYSCTL, RCC) = rcc & ~RCC_BYPASS;
			return;
		}
	}
}

void stellaris_start(void)
{
	start_pll();
	*reg(SYSCTL, RCGC1) |= RCGC1_UART0;
	*reg(SYSCTL, RCGC2) |= RCGC2_PORT_A | RCGC2_EMAC0 | RCGC2_EPHY0;
	(void)*reg(SYSCTL, RCGC2);               /* a part answers three clocks later */
	*reg(PORT_A, AFSEL) |= UART0_PINS;
	*reg(PORT_A, DEN) |= UART0_PINS;
}
