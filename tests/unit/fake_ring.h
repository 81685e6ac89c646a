/* SPDX-License-Identifier: MIT */
/* What a PCI NIC on QUEUE_RING needs of the kernel: its BARs, its interrupt, sealed pages and the
 * warden, which is as strict as the real one. */
#pragma once

#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "tests/unit/fake_mmio.h"
#include "tests/unit/fake_nic.h"

#define FAKE_BARS 2
#define FAKE_GATES 3

struct fake_pci {
	uintptr_t bar[FAKE_BARS];               /* 0: cannot be mapped */
	enum pci_irq irq;                       /* what pci_interrupt() says */
	volatile void *irq_status;              /* and what it was told */
	bool irq_acks;
	struct arch_queue gate[FAKE_GATES];
	uint32_t next[FAKE_GATES];              /* index behind the last descriptor submitted */
	unsigned submits[FAKE_GATES];
	unsigned gates;
	unsigned resets;                        /* since pci_enable(): the model counts them */
	bool master;                            /* pci_master() was called, after a reset */
	unsigned gates_max;                     /* then the warden's table is full */
};
extern struct fake_pci fake_pci;

/* Before each test: everything works, nothing is mapped. */
void fake_pci_new(void);
