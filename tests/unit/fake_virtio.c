/* SPDX-License-Identifier: MIT */
/* See fake_virtio.h. */
#include "tests/unit/fake_virtio.h"

/* ---- The kernel ------------------------------------------------------------- */

char sealed[SEALED_ALL] __attribute__((aligned(4096)));
size_t sealed_left;
static size_t sealed_used;

void *mem_half_sealed_pages(unsigned n, unsigned open)
{
	void *p = sealed + sealed_used;
	size_t size = (n + open) * PAGE_SIZE;

	if (size > sealed_left)
		return NULL;
	sealed_left -= size;
	sealed_used += size;
	assert_true(sealed_used <= sizeof(sealed));
	return p;
}

void *mem_sealed_pages(unsigned n)
{
	return mem_half_sealed_pages(n, 0);
}

/* ---- The device ------------------------------------------------------------- */

struct fake_device dev;

static uint8_t get_status(struct virtio *v)
{
	return dev.busy_for_ever ? 0x40 : dev.status;
}

static void set_status(struct virtio *v, uint8_t s)
{
	if (s == 0)
		dev.resets++;
	if (dev.refuses_features)
		s &= ~VIRTIO_FEATURES_OK;
	dev.status = s;
}

static uint32_t get_features(struct virtio *v, unsigned half)
{
	return (uint32_t)(dev.offered >> half * 32);
}

static void set_features(struct virtio *v, unsigned half, uint32_t bits)
{
	dev.taken &= ~(0xffffffffull << half * 32);
	dev.taken |= (uint64_t)bits << half * 32;
}

static unsigned queue_max(struct virtio *v, unsigned i)
{
	return i < ARRAY_LEN(dev.queue_max) ? dev.queue_max[i] : 0;
}

static int queue_set(struct virtio *v, struct virtqueue *q)
{
	dev.queue[q->index] = q;
	q->doorbell = &dev;
	q->doorbell_width = 4;
	return 0;
}

static uint32_t generation(struct virtio *v)
{
	return dev.restless ? dev.generation++ : dev.generation;
}

static uint8_t config(struct virtio *v, unsigned offset)
{
	assert_true(offset < sizeof(dev.config));
	return dev.config[offset];
}

static int interrupt(struct virtio *v)
{
	return 0;
}

static const struct virtio_transport fake = {
	.status = get_status,
	.set_status = set_status,
	.features = get_features,
	.set_features = set_features,
	.queue_max = queue_max,
	.queue_set = queue_set,
	.generation = generation,
	.config = config,
	.interrupt = interrupt,
};

bool virtio_mmio_is(const struct device *d, unsigned type)
{
	return type == (dev.type ? dev.type : VIRTIO_NET);
}

bool virtio_pci_is(const struct device *d, unsigned type)
{
	return false;
}

int virtio_mmio_open(struct virtio *v, const struct device *d, unsigned type)
{
	*v = (struct virtio){ .via = &fake, .dev = d, .where = "fake", .legacy = dev.legacy };
	return type == (dev.type ? dev.type : VIRTIO_NET) ? 0 : -ENODEV;
}

int virtio_pci_open(struct virtio *v, const struct device *d, unsigned type)
{
	return -ENODEV;
}

/* ---- The warden ------------------------------------------------------------- */

int arch_queue_add(const struct arch_queue *q)
{
	dev.gate[dev.gates] = *q;
	return (int)dev.gates++;
}

static bool wants_bell(const struct arch_queue *g, uint16_t from, uint16_t to)
{
	return !g->event || (uint16_t)(to - *g->event - 1) < (uint16_t)(to - from);
}

int arch_submit(unsigned n_gate, unsigned n)
{
	struct arch_queue *g = &dev.gate[n_gate];
	const struct vring_desc *staged = g->staged;
	struct vring_desc *desc = g->desc;
	uint16_t idx = g->avail[1];

	assert_non_null(staged);
	assert_in_range(n, 1, g->size);
	for (unsigned i = 0; i < n; i++) {
		unsigned slot = (idx + i) & (g->size - 1u);
		uintptr_t a = staged[slot].addr;

		assert_true(a >= (uintptr_t)pool && a + staged[slot].len <= (uintptr_t)pool + POOL);
		assert_int_equal(staged[slot].flags, 0);
		desc[slot] = staged[slot];
	}
	g->avail[1] = (uint16_t)(idx + n);
	if (wants_bell(g, idx, (uint16_t)(idx + n)))
		dev.rings[n_gate]++;
	return 0;
}

void arch_notify(unsigned n_gate)
{
	assert_in_range(n_gate, 0, 1);
	dev.rings[n_gate]++;
	if (dev.on_bell)
		dev.on_bell();
}

/* ---- Playing the device ----------------------------------------------------- */

void complete(unsigned qi, uint32_t id, uint32_t len)
{
	struct virtqueue *q = dev.queue[qi];

	q->used->ring[dev.used_idx[qi] & q->mask].id = id;
	q->used->ring[dev.used_idx[qi] & q->mask].len = len;
	q->used->idx = ++dev.used_idx[qi];
}

int take(unsigned qi)
{
	struct virtqueue *q = dev.queue[qi];
	uint16_t id;

	if (dev.taken_idx[qi] == q->avail->idx)
		return -1;
	id = q->avail->ring[dev.taken_idx[qi]++ & q->mask];
	*q->avail_event = dev.taken_idx[qi];
	assert_in_range(id, 0, q->size - 1);
	return id;
}

int deliver(uint8_t flags, uint8_t fill, unsigned len)
{
	unsigned hdr = dev.legacy ? HDR - 2 : HDR;
	int id = take(0);
	struct vring_desc *d;

	if (id < 0)
		return id;
	d = &dev.queue[0]->desc[id];
	assert_true(d->flags & VRING_DESC_WRITE);
	assert_true(hdr + len <= d->len);
	memset((void *)(uintptr_t)d->addr, 0, hdr);
	*(uint8_t *)(uintptr_t)d->addr = flags;
	memset((char *)(uintptr_t)d->addr + hdr, fill, len);
	complete(0, (uint32_t)id, hdr + len);
	return id;
}

void device_new(uint64_t offered)
{
	memset(&dev, 0, sizeof(dev));
	sealed_left = SEALED_BYTES;
	fake_nic_new();
	dev.offered = offered;
	dev.queue_max[0] = dev.queue_max[1] = 256;
	memcpy(dev.config, "\x52\x54\x00\x12\x34\x56\x01\x00", 8);
	dev.status = 0xf;                       /* as firmware left it */
}

int device_open(uint64_t offered)
{
	static const struct device at = { .kind = DEV_VIRTIO_MMIO };

	device_new(offered);
	return virtio_net.open(&nd, &at);
}
