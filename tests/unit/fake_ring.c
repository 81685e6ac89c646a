/* SPDX-License-Identifier: MIT */
/* See fake_ring.h. */
#include "tests/unit/fake_ring.h"

#include <stdio.h>

#define SEALED_PAGES 8

struct fake_pci fake_pci;
static char sealed[SEALED_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned sealed_used;

void fake_pci_new(void)
{
	fake_nic_new();
	memset(&fake_pci, 0, sizeof(fake_pci));
	memset(sealed, 0, sizeof(sealed));
	fake_pci.gates_max = FAKE_GATES;
	sealed_used = 0;
}

void *mem_sealed_pages(unsigned n)
{
	void *p = sealed + sealed_used * PAGE_SIZE;

	sealed_used += n;
	assert_true(sealed_used <= SEALED_PAGES);
	return p;
}

/* ---- PCI -------------------------------------------------------------------- */

void pci_name(const struct device *fn, char *buf, size_t len)
{
	snprintf(buf, len, "fake");
}

int pci_enable(const struct device *fn)
{
	fake_pci.resets = 0;
	return 0;
}

void pci_master(const struct device *fn)
{
	assert_true(fake_pci.resets > 0);
	fake_pci.master = true;
}

volatile void *pci_map(const struct device *fn, unsigned bar, uint64_t offset, uint64_t len)
{
	assert_true(bar < FAKE_BARS && offset == 0);
	return (volatile void *)fake_pci.bar[bar];
}

const volatile void *pci_show(const struct device *fn, unsigned bar, uint64_t offset)
{
	return pci_map(fn, bar, offset, PAGE_SIZE);
}

enum pci_irq pci_interrupt(const struct device *fn, volatile void *status, bool acks)
{
	fake_pci.irq_status = status;
	fake_pci.irq_acks = acks;
	return fake_pci.irq;
}

/* ---- The warden ------------------------------------------------------------- */

int arch_queue_add(const struct arch_queue *q)
{
	if (fake_pci.gates == fake_pci.gates_max)
		return -ENOSPC;
	if (q->staged)
		assert_int_equal(q->kind, QUEUE_RING);
	assert_true(q->size && !(q->size & (q->size - 1u)));
	assert_int_equal(q->notify_width, 4);
	fake_pci.gate[fake_pci.gates] = *q;
	return (int)fake_pci.gates++;
}

int arch_submit(unsigned g, unsigned n)
{
	const struct arch_queue *q = &fake_pci.gate[g];
	const struct ring_desc *staged = q->staged;
	struct ring_desc *desc = q->desc;

	assert_non_null(staged);
	assert_in_range(n, 1, q->size);
	for (; n > 0; n--) {
		unsigned i = fake_pci.next[g];

		assert_true(staged[i].addr >= (uintptr_t)pool);
		assert_true(staged[i].addr + q->span <= (uintptr_t)pool + POOL);
		desc[i].addr = staged[i].addr;
		desc[i].word = staged[i].word & q->keep;
		fake_pci.next[g] = (i + 1) & (q->size - 1u);
	}
	fake_pci.submits[g]++;
	*(volatile uint32_t *)q->notify = fake_pci.next[g];
	return 0;
}

void arch_notify(unsigned g)
{
	*(volatile uint32_t *)fake_pci.gate[g].notify = fake_pci.gate[g].notify_value;
}
