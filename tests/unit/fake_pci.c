/* SPDX-License-Identifier: MIT */
/* See fake_pci.h. */
#include "tests/unit/fake_pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/mem.h"

#define BLOCKS 64u
#define LONGEST (128u << 10)
#define BAR_FIRST 0x10u
#define BAR_LAST 0x24u
#define HEADER 3u                      /* word of the header type */
#define ELSEWHERE 0xd0000000u

struct fake_function fake_pci[FAKE_FUNCTIONS];
unsigned fake_pci_count;

static void *blocks[BLOCKS];
static unsigned block_count, accesses;
static bool scanned;

static struct fake_function *function(const struct device *fn)
{
	if (++accesses > FAKE_ACCESSES)
		abort();
	for (unsigned i = 0; i < fake_pci_count; i++)
		if (fake_pci[i].bdf == fn->irq)
			return &fake_pci[i];
	return NULL;
}

static uint32_t fake_read(const struct device *fn, unsigned offset)
{
	struct fake_function *f = function(fn);

	if (offset % 4)
		abort();
	return f && offset < FAKE_BYTES ? f->space[offset / 4] : UINT32_MAX;
}

/* Ones, or what was there, to find its size; else a place. */
static void check_bar(const struct fake_function *f, unsigned offset, uint32_t value)
{
	if (offset < BAR_FIRST || offset > BAR_LAST || f->space[HEADER] >> 16 & 0x7f)
		return;
	if (value > 15 && value != UINT32_MAX && value < FAKE_WINDOW)
		abort();
}

static void fake_write(const struct device *fn, unsigned offset, uint32_t value)
{
	struct fake_function *f = function(fn);
	uint32_t mask;

	if (offset % 4)
		abort();
	if (!f || offset >= FAKE_BYTES)
		return;
	check_bar(f, offset, value);
	mask = f->writable[offset / 4];
	f->space[offset / 4] = (f->space[offset / 4] & ~mask) | (value & mask);
}

static void fake_locate(const struct device *on, unsigned bdf, struct device *fn)
{
	fn->base = bdf;
	fn->size = FAKE_BYTES;
}

/* pci.c goes on where it was in a window: a BAR in another one makes it begin again. */
static void leave_window(void)
{
	static const struct device dev = { .base2 = ELSEWHERE, .size2 = PAGE_SIZE };

	fake_pci[0] = (struct fake_function){ .writable = { [BAR_FIRST / 4] = ~(PAGE_SIZE - 1) } };
	fake_pci_count = 1;
	pci_enable(&dev);              /* no room: it is there already */
}

void fake_pci_reset(void)
{
	while (block_count > 0)
		free(blocks[--block_count]);
	if (scanned)
		leave_window();
	fake_pci_count = machine.dev_count = accesses = 0;
	memset(fake_pci, 0, sizeof(fake_pci));
}

void fake_pci_scan(void)
{
	static const struct pci_access access = { fake_read, fake_write, fake_locate };
	static const struct device host = { .kind = DEV_PCI_ECAM, .base2 = FAKE_WINDOW,
					    .size2 = FAKE_WINDOW_SIZE };

	pci_scan(&host, &access, 256);
	scanned = true;
}

/* ---- The kernel ----------------------------------------------------------------- */

void *arch_boot_map(uint64_t pa, size_t len)
{
	if (len > LONGEST || pa % PAGE_SIZE)
		abort();
	if (block_count == BLOCKS || pa >> 46)
		return NULL;
	blocks[block_count] = aligned_alloc(PAGE_SIZE, len);
	return memset(blocks[block_count++], (int)(((pa >> 12) + 1) & 0xff), len);
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot) {}

int arch_msi(uint64_t *address, uint32_t *data, volatile void *status)
{
	*address = 0xfee00000;
	*data = 0x41;
	return 0;
}

int arch_intx(uint32_t bdf, unsigned pin, unsigned line, volatile void *status)
{
	return pin & 1 ? 0 : -ENOENT;
}

void config_declare(const struct setting *table, unsigned n) {}

uint64_t mem_dma_addr(const volatile void *p)
{
	return (uintptr_t)p;
}
