/* sources: kernel/dev/pci.c kernel/dev/virtio_pci.c kernel/dev/virtio_no_legacy.c
 * kernel/machine.c tests/unit/fake_pci.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: PCI functions of any bytes, of which any bits can be written (tests/unit/fake_pci.h):
 * what is found, placed and mapped of them, as they are and as virtio NICs. */
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/virtio.h"
#include "tests/unit/fake_pci.h"

#define VIRTIO_NIC 0x1af41041u
#define BARS 6u
#define QUEUES 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

/* Two bytes where it is, then its configuration; what can be written of a word is another. */
static void fill(const uint8_t *data, size_t size)
{
	while (size > 2 && fake_pci_count < FAKE_FUNCTIONS) {
		struct fake_function *f = &fake_pci[fake_pci_count++];
		size_t len = MIN(size - 2, sizeof(f->space));

		f->bdf = data[0] << 8 | data[1];
		memcpy(f->space, data + 2, len);
		for (unsigned i = 0; i < FAKE_BYTES / 4; i++)
			f->writable[i] = f->space[(i + 32) % (FAKE_BYTES / 4)];
		data += 2 + len;
		size -= 2 + len;
	}
}

static void open_virtio(struct device *dev)
{
	struct vring_desc desc[4];
	struct vring_avail avail;
	struct vring_used used;
	struct virtio v;

	dev->arg = VIRTIO_NIC;
	if (virtio_pci_open(&v, dev, VIRTIO_NET) < 0)
		return;
	v.via->interrupt(&v);
	for (unsigned i = 0; i < QUEUES; i++) {
		struct virtqueue q = { .desc = desc, .avail = &avail, .used = &used, .size = 4,
				       .index = (uint16_t)i };

		if (v.via->queue_max(&v, i) > 0 && v.via->queue_set(&v, &q) == 0)
			*(volatile uint16_t *)q.doorbell = (uint16_t)i;
	}
	for (unsigned i = 0; i < 256; i++)
		v.via->config(&v, i);
	v.via->set_status(&v, v.via->status(&v));
	v.via->set_features(&v, 1, v.via->features(&v, 0));
}

static void look_at(struct device *dev)
{
	char name[16];

	pci_name(dev, name, sizeof(name));
	for (unsigned id = 0; id < 20; id++)
		for (unsigned at = 0, n = 0; (at = pci_cap(dev, (uint8_t)id, at)) && n < 64; n++)
			if (at < 0x40 || at > 0xfc)
				abort();
	if (pci_enable(dev) == 0)
		for (unsigned bar = 0; bar <= BARS; bar++)
			pci_map(dev, bar, 0x10, 0x20);
	pci_interrupt(dev, NULL, false);
	open_virtio(dev);
	pci_disable(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fake_pci_reset();
	fill(data, size);
	fake_pci_scan();
	for (unsigned i = 0; i < machine.dev_count; i++)
		for (unsigned k = 0; k < i; k++)
			if (machine.dev[k].irq == machine.dev[i].irq)
				abort();
	for (unsigned i = 0; i < machine.dev_count; i++)
		look_at(&machine.dev[i]);
	return 0;
}
