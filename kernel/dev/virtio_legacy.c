/* SPDX-License-Identifier: MIT */
/* Virtio over PCI, the legacy interface: registers are I/O ports, a queue is as long as the
 * device says and lies in one piece (virtio 1.2 §4.1.4.10, §2.7.2). x86 only. QEMU:
 * -device virtio-net-pci,disable-modern=on; what clouds had before virtio 1.0.
 *
 * A queue's descriptor table fills whole pages, so that it can be sealed, from 256
 * entries on; interrupts are MSI-X vector 0, or none: nothing reads a status by port. */
#include <errno.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

/* Ports from that of BAR 0 on. */
enum {
	DEVICE_FEATURES = 0x00,
	DRIVER_FEATURES = 0x04,
	QUEUE_PAGE = 0x08,
	QUEUE_SIZE = 0x0c,
	QUEUE_SELECT = 0x0e,
	QUEUE_NOTIFY = 0x10,
	DEVICE_STATUS = 0x12,
	CONFIG_MSIX_VECTOR = 0x14,
	QUEUE_MSIX_VECTOR = 0x16,
	CONFIG = 0x14,                 /* of the device; with MSI-X behind the vectors */
	CONFIG_MSIX = 0x18,
};

#define NO_VECTOR 0xffffu
#define BAR0 0x10u
#define BAR_PORTS 1u

static uint16_t port(const struct virtio *v, unsigned reg)
{
	return (uint16_t)(v->ports + reg);
}

static uint8_t legacy_status(struct virtio *v)
{
	return in8(port(v, DEVICE_STATUS));
}

/* As in virtio_pci.c. */
static void legacy_set_status(struct virtio *v, uint8_t status)
{
	if (status == VIRTIO_ACKNOWLEDGE)
		pci_master(v->dev);
	out8(port(v, DEVICE_STATUS), status);
}

static uint32_t legacy_features(struct virtio *v, unsigned half)
{
	return half ? 0 : in32(port(v, DEVICE_FEATURES));
}

static void legacy_set_features(struct virtio *v, unsigned half, uint32_t bits)
{
	if (half == 0)
		out32(port(v, DRIVER_FEATURES), bits);
}

static unsigned legacy_queue_max(struct virtio *v, unsigned index)
{
	out16(port(v, QUEUE_SELECT), (uint16_t)index);
	return in16(port(v, QUEUE_SIZE));
}

static int legacy_queue_set(struct virtio *v, struct virtqueue *q)
{
	uint64_t page = mem_dma_addr(q->desc) / PAGE_SIZE;

	out16(port(v, QUEUE_SELECT), q->index);
	if (v->msix) {
		out16(port(v, QUEUE_MSIX_VECTOR), 0);
		if (in16(port(v, QUEUE_MSIX_VECTOR)) != 0) {
			log_error("%s: no vector for queue %u", v->where, q->index);
			return -EIO;
		}
	}
	if (page > UINT32_MAX)
		return -ENOMEM;
	out32(port(v, QUEUE_PAGE), (uint32_t)page);
	q->doorbell = (volatile void *)(uintptr_t)port(v, QUEUE_NOTIFY);
	q->doorbell_width = 0;
	return 0;
}

static uint32_t legacy_generation(struct virtio *v)
{
	return 0;
}

static uint8_t legacy_config(struct virtio *v, unsigned offset)
{
	return in8(port(v, (v->msix ? CONFIG_MSIX : CONFIG) + offset));
}

static int legacy_interrupt(struct virtio *v)
{
	v->msix = pci_interrupt(v->dev, NULL, false) == PCI_MSIX;
	v->polled = !v->msix;
	if (v->msix)
		out16(port(v, CONFIG_MSIX_VECTOR), NO_VECTOR);
	return 0;
}

static const struct virtio_transport legacy = {
	.status = legacy_status,
	.set_status = legacy_set_status,
	.features = legacy_features,
	.set_features = legacy_set_features,
	.queue_max = legacy_queue_max,
	.queue_set = legacy_queue_set,
	.generation = legacy_generation,
	.config = legacy_config,
	.interrupt = legacy_interrupt,
};

int virtio_legacy_open(struct virtio *v, unsigned type)
{
	uint32_t bar = pci_read(v->dev, BAR0);

	if (type != VIRTIO_NET)
		return -ENODEV;            /* the others' queues are too short to be sealed */
	v->ports = bar & 0xfffcu;
	if (!(bar & BAR_PORTS) || !v->ports) {
		log_error("%s: no firmware has placed its ports", v->where);
		return -ENOTSUP;
	}
	v->via = &legacy;
	v->legacy = true;
	pci_enable_ports(v->dev);
	return 0;
}
