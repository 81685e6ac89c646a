/* SPDX-License-Identifier: MIT */
/* Virtio over PCI, the modern interface (virtio 1.2 §4.1), alone or beside the
 * legacy one of a transitional device; where there is but that, virtio_legacy.c.
 *
 * Interrupts are MSI-X vector 0 for every queue, or the pin, whose status register
 * the warden reads (§4.1.4.5). After the seal the warden alone rings doorbells, and
 * no register is mapped. */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

#define VENDOR 0x1af4u
#define MODERN_BASE 0x1040u            /* device id = this + type (§4.1.2.1) */
#define CAPS_MAX 48                    /* as many as there is room for */
#define CAP_VENDOR 0x09
#define NO_VECTOR 0xffffu
#define NOTIFY_BYTES_MAX (64u << 10)
#define ISR_BYTES 4u                   /* the warden reads a word; the first byte is it */
#define CONFIG_BYTES 64u               /* as much of it as any driver here reads */

/* Which structure a capability describes (§4.1.4). */
enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4 };

/* Common configuration (§4.1.4.3). */
enum {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_MSIX_VECTOR = 0x10,
	DEVICE_STATUS = 0x14,
	CONFIG_GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_MSIX_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
	COMMON_SIZE = 0x38,
};

static uint16_t get16(struct virtio *v, unsigned reg)
{
	return *(volatile uint16_t *)(v->regs + reg);
}

static void set16(struct virtio *v, unsigned reg, uint16_t value)
{
	*(volatile uint16_t *)(v->regs + reg) = value;
}

static void set32(struct virtio *v, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(v->regs + reg) = value;
}

/* §4.1.3.1: a 64-bit field as two halves. */
static void set_address(struct virtio *v, unsigned reg, const volatile void *p)
{
	uint64_t address = mem_dma_addr(p);

	set32(v, reg, (uint32_t)address);
	set32(v, reg + 4, (uint32_t)(address >> 32));
}

static uint8_t pci_status(struct virtio *v)
{
	return v->regs[DEVICE_STATUS];
}

/* What is acknowledged has been reset. */
static void pci_set_status(struct virtio *v, uint8_t status)
{
	if (status == VIRTIO_ACKNOWLEDGE)
		pci_master(v->dev);
	v->regs[DEVICE_STATUS] = status;
}

static uint32_t pci_features(struct virtio *v, unsigned half)
{
	set32(v, DEVICE_FEATURE_SELECT, half);
	return *(volatile uint32_t *)(v->regs + DEVICE_FEATURE);
}

static void pci_set_features(struct virtio *v, unsigned half, uint32_t bits)
{
	set32(v, DRIVER_FEATURE_SELECT, half);
	set32(v, DRIVER_FEATURE, bits);
}

static unsigned pci_queue_max(struct virtio *v, unsigned index)
{
	set16(v, QUEUE_SELECT, (uint16_t)index);
	return get16(v, QUEUE_SIZE);
}

/* §4.1.5.1.3. */
static int pci_queue_set(struct virtio *v, struct virtqueue *q)
{
	uint64_t bell;

	set16(v, QUEUE_SELECT, q->index);
	set16(v, QUEUE_SIZE, q->size);
	set_address(v, QUEUE_DESC, q->desc);
	set_address(v, QUEUE_DRIVER, q->avail);
	set_address(v, QUEUE_DEVICE, q->used);

	/* §4.1.5.1.2: the vector reads back, or the device had none left. */
	if (v->msix) {
		set16(v, QUEUE_MSIX_VECTOR, 0);
		if (get16(v, QUEUE_MSIX_VECTOR) != 0) {
			log_error("%s: no vector for queue %u", v->where, q->index);
			return -EIO;
		}
	}

	/* §4.1.4.4: where its doorbell is. */
	bell = (uint64_t)get16(v, QUEUE_NOTIFY_OFF) * v->notify_step;
	if (bell > v->notify_bytes - 2 || bell % 2) {
		log_error("%s: doorbell of queue %u out of reach", v->where, q->index);
		return -EIO;
	}
	q->doorbell = v->notify + bell;
	q->doorbell_width = 2;
	set16(v, QUEUE_ENABLE, 1);
	return 0;
}

static uint32_t pci_generation(struct virtio *v)
{
	return v->regs[CONFIG_GENERATION];
}

static uint8_t pci_config(struct virtio *v, unsigned offset)
{
	return offset < v->cfg_bytes ? v->cfg[offset] : 0;
}

bool virtio_pci_is(const struct device *dev, unsigned type)
{
	uint32_t id = dev->arg;
	static const uint16_t transitional[] = {
		[VIRTIO_NET] = 0x1000, [VIRTIO_BLK] = 0x1001, [VIRTIO_CONSOLE] = 0x1003,
		[VIRTIO_SCSI] = 0x1004, [VIRTIO_RNG] = 0x1005,
	};

	return id == (VENDOR << 16 | (MODERN_BASE + type)) ||
	       (type < ARRAY_LEN(transitional) && transitional[type] &&
		id == (VENDOR << 16 | transitional[type]));
}

/* §4.1.4: maps the first usable structure of kind `kind`, at most `*bytes` of
 * it, which is then as much as there is; NULL when there is none of `least` bytes.
 * *at: the capability. */
static volatile void *find(struct virtio *v, uint8_t kind, uint32_t least, uint32_t *bytes,
			   unsigned *at)
{
	const struct device *fn = v->dev;
	unsigned cap = 0, n = 0;

	while (n++ < CAPS_MAX && (cap = pci_cap(fn, CAP_VENDOR, cap)) != 0) {
		uint32_t offset = pci_read(fn, cap + 8), length = pci_read(fn, cap + 12);
		volatile void *p;

		if (pci_read8(fn, cap + 3) != kind || length < least || offset % 4)
			continue;
		p = pci_map(fn, pci_read8(fn, cap + 4), offset, MIN(length, *bytes));
		if (!p)
			continue;
		*at = cap;
		*bytes = MIN(length, *bytes);
		return p;
	}
	return NULL;
}

static int interrupt(struct virtio *v)
{
	unsigned at;
	uint32_t bytes = ISR_BYTES;
	volatile uint8_t *isr = find(v, CAP_ISR, 1, &bytes, &at);

	switch (pci_interrupt(v->dev, isr, false)) {
	case PCI_MSIX:
		set16(v, CONFIG_MSIX_VECTOR, NO_VECTOR);
		v->msix = true;
		break;
	case PCI_POLLED:
		v->polled = true;
		break;
	default:
		break;
	}
	return 0;
}

static const struct virtio_transport pci = {
	.status = pci_status,
	.set_status = pci_set_status,
	.features = pci_features,
	.set_features = pci_set_features,
	.queue_max = pci_queue_max,
	.queue_set = pci_queue_set,
	.generation = pci_generation,
	.config = pci_config,
	.interrupt = interrupt,
};

int virtio_pci_open(struct virtio *v, const struct device *dev, unsigned type)
{
	uint32_t common = COMMON_SIZE;
	unsigned at;
	int rc;

	if (!virtio_pci_is(dev, type))
		return -ENODEV;
	*v = (struct virtio){ .via = &pci, .dev = dev };
	pci_name(dev, v->where, sizeof(v->where));
	rc = pci_enable(dev);
	if (rc < 0)
		return rc;

	v->cfg_bytes = CONFIG_BYTES;
	v->cfg = find(v, CAP_DEVICE, 1, &v->cfg_bytes, &at);
	if (!v->cfg)
		v->cfg_bytes = 0;
	v->regs = find(v, CAP_COMMON, COMMON_SIZE, &common, &at);
	v->notify_bytes = NOTIFY_BYTES_MAX;
	v->notify = find(v, CAP_NOTIFY, 2, &v->notify_bytes, &at);
	if (!pci_cap(dev, CAP_VENDOR, 0))
		return virtio_legacy_open(v, type);
	if (!v->regs || !v->notify || (type == VIRTIO_NET && !v->cfg)) {
		log_error("%s: its registers cannot be mapped", v->where);
		return -ENOTSUP;
	}
	v->notify_step = pci_read(dev, at + 16);
	return 0;
}
