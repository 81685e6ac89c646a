/* sources: kernel/dev/pci.c kernel/dev/virtio_pci.c kernel/dev/virtio_no_legacy.c
 * kernel/machine.c tests/unit/fake_kernel.c tests/unit/fake_pci.c */
/* SPDX-License-Identifier: MIT */
/* PCI functions that say what they cannot mean (tests/unit/fake_pci.h): lists of capabilities that
 * loop or lead nowhere, BARs of no size, bridges that name a bus of somebody else's. */
#include <errno.h>
#include <string.h>

#include "kernel/dev/virtio.h"
#include "tests/unit/fake_kernel.h"
#include "tests/unit/fake_pci.h"

#define NIC 0x10411af4u
#define MSIX 0x11u
#define VENDOR 0x09u

/* Words of a function's configuration. */
enum { ID = 0, STATUS = 1, CLASS = 2, HEADER = 3, BAR0 = 4, BUSES = 6, CAPS = 13, FIRST = 16 };

static struct fake_function *add(uint32_t bdf, uint32_t id, uint32_t class)
{
	struct fake_function *f = &fake_pci[fake_pci_count++];

	f->bdf = bdf;
	f->space[ID] = id;
	f->space[CLASS] = class << 24;
	return f;
}

static struct fake_function *bridge(uint32_t bdf, unsigned secondary, unsigned subordinate)
{
	struct fake_function *f = add(bdf, 0x00011234, 6);

	f->space[HEADER] = 1 << 16;
	f->space[BUSES] = bdf >> 8 | secondary << 8 | subordinate << 16;
	f->writable[BUSES] = f->writable[8] = f->writable[9] = UINT32_MAX;
	return f;
}

/* A capability of virtio's in words `at` to `at` + 4. */
static void structure(struct fake_function *f, unsigned at, unsigned next, unsigned kind,
		      uint32_t offset, uint32_t length)
{
	f->space[at] = VENDOR | next << 10 | 20 << 16 | kind << 24;
	f->space[at + 2] = offset;
	f->space[at + 3] = length;
	f->space[at + 4] = 4;
}

static struct fake_function *nic(uint32_t notify_bytes)
{
	struct fake_function *f = add(8, NIC, 2);

	f->space[STATUS] = 1 << 20;
	f->space[CAPS] = 4 * FIRST;
	f->writable[BAR0] = ~0x3fffu;
	structure(f, FIRST, FIRST + 5, 1, 0, 0x38);
	structure(f, FIRST + 5, FIRST + 10, 2, 0x3000, notify_bytes);
	structure(f, FIRST + 10, 0, 4, 0x1ffc, 3);
	return f;
}

static int setup(void **state)
{
	fake_pci_reset();
	fake_log_lines = 0;
	return 0;
}

static void test_looping(void **state)
{
	struct fake_function *f = nic(0x1000);

	f->space[FIRST + 10] = VENDOR | FIRST << 10;
	fake_pci_scan();
	assert_int_equal(machine.dev_count, 1);
	assert_int_equal(pci_cap(&machine.dev[0], MSIX, 0), 0);
	f->space[FIRST] = MSIX | FIRST << 10;                   /* itself */
	assert_int_equal(pci_cap(&machine.dev[0], MSIX, 0), 4 * FIRST);
	assert_int_equal(pci_cap(&machine.dev[0], VENDOR, 0), 0);
}

static void test_leads_nowhere(void **state)
{
	struct fake_function *f = nic(0x1000);

	fake_pci_scan();
	for (unsigned at = 0; at < 0x40; at++) {
		f->space[CAPS] = at;
		assert_int_equal(pci_cap(&machine.dev[0], VENDOR, 0), 0);
	}
	f->space[CAPS] = 0xff;                                  /* the last word */
	f->space[63] = MSIX | 0xff00;
	assert_int_equal(pci_cap(&machine.dev[0], MSIX, 0), 0xfc);
	assert_int_equal(pci_interrupt(&machine.dev[0], NULL, false), PCI_POLLED);
	f->space[STATUS] = 0;
	assert_int_equal(pci_cap(&machine.dev[0], MSIX, 0), 0);
}

/* Bits that can be written with others between them: the lowest counts. */
static void test_wild_size(void **state)
{
	struct fake_function *f = nic(0x1000);

	f->writable[BAR0] = 0xf0f0f000;
	f->writable[BAR0 + 1] = 0x00000010;
	f->space[BAR0 + 2] = 1;
	f->writable[BAR0 + 3] = 0x10000000;
	fake_pci_scan();
	assert_int_equal(pci_enable(&machine.dev[0]), 0);
	assert_int_equal(f->space[BAR0], FAKE_WINDOW);
	f->writable[BAR0 + 4] = 0x40000000;
	assert_int_equal(pci_enable(&machine.dev[0]), -ENOSPC);
	assert_string_equal(fake_log, "pci 00:01.0: no room for BAR 4 of 1073741824 bytes");
}

static void test_bridges(void **state)
{
	struct fake_function *unnumbered = bridge(0x10, 0, 0);

	bridge(0x18, 1, 0);                                     /* its last bus before its first */
	bridge(0x20, 0, 255);
	bridge(0x108, 1, 1);                                    /* itself */
	bridge(0x110, 0, 0);
	add(0x118, NIC, 2);
	fake_pci_scan();
	assert_int_equal(machine.dev_count, 1);
	assert_int_equal(unnumbered->space[BUSES], 0);          /* there is no number left */

	setup(state);
	unnumbered = bridge(0x10, 0, 0);
	bridge(0x18, 1, 0);
	add(0x118, NIC, 2);
	fake_pci_scan();
	assert_int_equal(machine.dev_count, 1);
	assert_int_equal(unnumbered->space[BUSES] >> 8 & 0xff, 2);
}

static void open_nic(struct virtio *v, struct fake_function *f, int rc)
{
	fake_pci_scan();
	assert_int_equal(virtio_pci_open(v, &machine.dev[0], VIRTIO_NET), rc);
	assert_int_equal(f->space[BAR0], FAKE_WINDOW);
}

/* A doorbell behind the end of what has them, or between two; nothing behind the configuration. */
static void test_doorbell(void **state)
{
	static struct vring_desc desc[4];
	static struct vring_avail avail;
	static struct vring_used used;
	struct virtqueue q = { .desc = desc, .avail = &avail, .used = &used, .size = 4 };
	struct virtio v;

	open_nic(&v, nic(0x406), 0);
	*(volatile uint16_t *)(v.regs + 0x1e) = 0x101;
	assert_int_equal(v.via->queue_set(&v, &q), 0);
	assert_true((volatile uint8_t *)q.doorbell == v.notify + 0x404);
	v.notify_bytes = 0x405;
	assert_int_equal(v.via->queue_set(&v, &q), -EIO);
	assert_string_equal(fake_log, "pci 00:01.0: doorbell of queue 0 out of reach");
	v.notify_bytes = 0x1000;
	v.notify_step = 1;
	assert_int_equal(v.via->queue_set(&v, &q), -EIO);
	v.notify_step = 0xff00ff01;                             /* times 0x101: 1 above 2^32 */
	assert_int_equal(v.via->queue_set(&v, &q), -EIO);
	assert_int_equal(v.via->config(&v, 2), 2);
	for (unsigned i = 3; i < 300; i++)
		assert_int_equal(v.via->config(&v, i), 0);
}

static void test_structures_nowhere(void **state)
{
	struct virtio v;
	struct fake_function *f = nic(1);

	open_nic(&v, f, -ENOTSUP);
	assert_string_equal(fake_log, "pci 00:01.0: its registers cannot be mapped");
	setup(state);
	f = nic(0x1000);
	f->space[FIRST + 1] = 6;                                /* there is no such BAR */
	open_nic(&v, f, -ENOTSUP);
	setup(state);
	f = nic(0x1000);
	f->space[FIRST + 2] = UINT32_MAX;
	open_nic(&v, f, -ENOTSUP);
	setup(state);
	f = nic(0x1000);
	f->space[FIRST + 3] = 0x37;
	open_nic(&v, f, -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_looping, setup),
		cmocka_unit_test_setup(test_leads_nowhere, setup),
		cmocka_unit_test_setup(test_wild_size, setup),
		cmocka_unit_test_setup(test_bridges, setup),
		cmocka_unit_test_setup(test_doorbell, setup),
		cmocka_unit_test_setup(test_structures_nowhere, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
