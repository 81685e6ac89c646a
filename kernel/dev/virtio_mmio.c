/* SPDX-License-Identifier: MIT */
/* Virtio over MMIO, register layout version 2 (virtio 1.2 §4.2.2).
 *
 * QEMU gives version 1 unless told otherwise; it must be started with
 * -global virtio-mmio.force-legacy=false. After the seal the register page is
 * the warden's: it rings QueueNotify and acknowledges interrupts. */
#include <errno.h>
#include <stdio.h>

#include "kernel/arch.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

enum {
	MAGIC_VALUE = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	QUEUE_DESC = 0x080,            /* each address: low word, high word */
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
	REGS_SIZE = 0x200,
};

#define MAGIC 0x74726976u              /* "virt" */

static uint32_t get(struct virtio *v, unsigned reg)
{
	return *(volatile uint32_t *)(v->regs + reg);
}

static void set(struct virtio *v, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(v->regs + reg) = value;
}

static void set_address(struct virtio *v, unsigned reg, const volatile void *p)
{
	uint64_t address = mem_dma_addr(p);

	set(v, reg, (uint32_t)address);
	set(v, reg + 4, (uint32_t)(address >> 32));
}

static uint8_t mmio_status(struct virtio *v)
{
	return (uint8_t)get(v, STATUS);
}

static void mmio_set_status(struct virtio *v, uint8_t status)
{
	set(v, STATUS, status);
}

static uint32_t mmio_features(struct virtio *v, unsigned half)
{
	set(v, DEVICE_FEATURES_SEL, half);
	return get(v, DEVICE_FEATURES);
}

static void mmio_set_features(struct virtio *v, unsigned half, uint32_t bits)
{
	set(v, DRIVER_FEATURES_SEL, half);
	set(v, DRIVER_FEATURES, bits);
}

static unsigned mmio_queue_max(struct virtio *v, unsigned index)
{
	set(v, QUEUE_SEL, index);
	return get(v, QUEUE_NUM_MAX);
}

/* §4.2.3.2. */
static int mmio_queue_set(struct virtio *v, struct virtqueue *q)
{
	/* Steps 1 and 2: select it; it must not be in use. */
	set(v, QUEUE_SEL, q->index);
	if (get(v, QUEUE_READY) != 0) {
		log_error("%s: queue %u is in use after the reset", v->where, q->index);
		return -EBUSY;
	}

	/* Steps 5 to 7: size, addresses, ready. */
	set(v, QUEUE_NUM, q->size);
	set_address(v, QUEUE_DESC, q->desc);
	set_address(v, QUEUE_DRIVER, q->avail);
	set_address(v, QUEUE_DEVICE, q->used);
	set(v, QUEUE_READY, 1);

	q->doorbell = v->regs + QUEUE_NOTIFY;
	q->doorbell_width = 4;
	return 0;
}

static uint32_t mmio_generation(struct virtio *v)
{
	return get(v, CONFIG_GENERATION);
}

static uint8_t mmio_config(struct virtio *v, unsigned offset)
{
	return v->regs[CONFIG + offset];
}

static int mmio_interrupt(struct virtio *v)
{
	arch_irq_enable(v->dev->irq, v->regs + INTERRUPT_STATUS, v->regs + INTERRUPT_ACK);
	return 0;
}

static const struct virtio_transport mmio = {
	.status = mmio_status,
	.set_status = mmio_set_status,
	.features = mmio_features,
	.set_features = mmio_set_features,
	.queue_max = mmio_queue_max,
	.queue_set = mmio_queue_set,
	.generation = mmio_generation,
	.config = mmio_config,
	.interrupt = mmio_interrupt,
};

bool virtio_mmio_is(const struct device *dev, unsigned type)
{
	struct virtio v = { .regs = arch_boot_map(dev->base, REGS_SIZE) };

	return v.regs && get(&v, MAGIC_VALUE) == MAGIC && get(&v, DEVICE_ID) == type;
}

int virtio_mmio_open(struct virtio *v, const struct device *dev, unsigned type)
{
	*v = (struct virtio){ .via = &mmio, .dev = dev };
	snprintf(v->where, sizeof(v->where), "virtio-mmio 0x%llx", (unsigned long long)dev->base);
	v->regs = arch_boot_map(dev->base, REGS_SIZE);
	if (!v->regs)
		return -ENODEV;

	/* §4.2.3.1.1: magic value, then device id (0 is an empty slot). */
	if (get(v, MAGIC_VALUE) != MAGIC || get(v, DEVICE_ID) != type)
		return -ENODEV;
	if (get(v, VERSION) != 2) {
		log_error("%s: version %u, need 2 (QEMU: -global virtio-mmio.force-legacy=false)",
			  v->where, (unsigned)get(v, VERSION));
		return -ENOTSUP;
	}
	return 0;
}
