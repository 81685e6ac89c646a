/* SPDX-License-Identifier: MIT */
/* The seal: ports closed, tables switched, the gate's boot calls gone.
 * Intel SDM volume 3A §2.5 (CR4); volume 1 §19.5.2 (port bitmap). */
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/x86.h"

#define CR4_BASE 0x620u                    /* PAE OSFXSR OSXMMEXCPT */
#define CR4_UMIP (1u << 11)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define PORT_RANGES 8

static struct { uint16_t port, n; } open_ports[PORT_RANGES];
static unsigned open_count;

void port_allow(uint16_t port, unsigned n)
{
	if (open_count == PORT_RANGES)
		panic("seal: more than %d port ranges", PORT_RANGES);
	open_ports[open_count].port = port;
	open_ports[open_count++].n = (uint16_t)n;
}

static void close_ports(void)
{
	memset(warden_tss.ports, 0xff, sizeof(warden_tss.ports));
	for (unsigned r = 0; r < open_count; r++) {
		for (unsigned i = 0; i < open_ports[r].n; i++) {
			unsigned port = open_ports[r].port + i;

			warden_tss.ports[port / 8 % PORT_BITMAP] &= (uint8_t)~(1u << port % 8);
		}
	}
}

void arch_seal(struct region dma)
{
	uint64_t cr4 = CR4_BASE, cr3;

	tsc_finish();
	warden_dma[0] = dma.base;
	warden_dma[1] = dma.size;
	if (cpu.smep)
		cr4 |= CR4_SMEP;
	if (cpu.smap)
		cr4 |= CR4_SMAP;
	if (cpu.umip)
		cr4 |= CR4_UMIP;
	close_ports();
	cr3 = mmu_finish();
	gate(GATE_SEAL, cr3, cr4, 0);
}
