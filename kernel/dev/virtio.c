/* SPDX-License-Identifier: MIT */
/* What every virtio device has in common: reset, feature negotiation, reading
 * its configuration and laying out split virtqueues (virtio 1.2 §2 and §3.1).
 * Runs at boot only. */
#include "kernel/dev/virtio.h"

#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/mem.h"

#define RESET_MS 200
#define CONFIG_TRIES 16
#define RING_ALIGN 64u
#define LEGACY_TABLE_MAX (64u << 10)   /* 4096 entries */
#define GIVEN_BACK_MAX 8u

static void add_status(struct virtio *v, uint8_t bit)
{
	v->via->set_status(v, v->via->status(v) | bit);
}

int virtio_fail(struct virtio *v, int rc)
{
	add_status(v, VIRTIO_FAILED);
	return rc;
}

int virtio_reset(struct virtio *v)
{
	ktime deadline = clock_after_ms(RESET_MS), now;
	bool busy;

	/* Step 1; §4.1.4.3.2 asks to wait until the status reads 0. */
	v->via->set_status(v, 0);
	do {
		now = clock_now();
		busy = v->via->status(v) != 0;
	} while (busy && now <= deadline);
	if (busy) {
		log_error("%s: still busy %d ms after its reset", v->where, RESET_MS);
		return -EIO;
	}

	/* Steps 2 and 3. */
	add_status(v, VIRTIO_ACKNOWLEDGE);
	add_status(v, VIRTIO_DRIVER);
	v->offered = v->via->features(v, 0) | (uint64_t)v->via->features(v, 1) << 32;
	return 0;
}

/* §3.1.2: without steps 5 and 6. */
static int negotiate_legacy(struct virtio *v, uint64_t want)
{
	if (!(v->offered & VIRTIO_F_ANY_LAYOUT)) {
		log_error("%s: legacy virtio without ANY_LAYOUT", v->where);
		return virtio_fail(v, -ENOTSUP);
	}
	v->features = v->offered & (want | VIRTIO_F_ANY_LAYOUT);
	v->via->set_features(v, 0, (uint32_t)v->features);
	return 0;
}

int virtio_negotiate(struct virtio *v, uint64_t want)
{
	if (v->legacy)
		return negotiate_legacy(v, want);

	/* Step 4. */
	if (!(v->offered & VIRTIO_F_VERSION_1)) {
		log_error("%s: offers no VERSION_1 (legacy device)", v->where);
		return virtio_fail(v, -ENOTSUP);
	}
	v->features = v->offered & (want | VIRTIO_F_VERSION_1);
	v->via->set_features(v, 0, (uint32_t)v->features);
	v->via->set_features(v, 1, (uint32_t)(v->features >> 32));

	/* Steps 5 and 6. */
	add_status(v, VIRTIO_FEATURES_OK);
	if (!(v->via->status(v) & VIRTIO_FEATURES_OK)) {
		log_error("%s: refuses features %#llx of %#llx", v->where,
			  (unsigned long long)v->features, (unsigned long long)v->offered);
		return virtio_fail(v, -ENOTSUP);
	}
	return 0;
}

int virtio_config(struct virtio *v, unsigned offset, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (unsigned tries = 0; tries < CONFIG_TRIES; tries++) {
		uint32_t before = v->via->generation(v);

		for (size_t i = 0; i < len; i++)
			p[i] = v->via->config(v, offset + (unsigned)i);
		if (v->via->generation(v) == before)
			return 0;
	}
	log_error("%s: its configuration changes all the time", v->where);
	return -EIO;
}

/* Tables of queues that are no more, a legacy queue's with its rings. The warden may still know of
 * them, so that each can become that of a queue of the same layout, and of no other. */
static struct given_back {
	struct vring_desc *desc;
	uint16_t size;
	bool legacy;
} given_back[GIVEN_BACK_MAX];

void virtio_queue_end(const struct virtio *v, struct virtqueue *q)
{
	for (unsigned i = 0; q->desc && i < GIVEN_BACK_MAX; i++) {
		if (given_back[i].desc)
			continue;
		given_back[i] = (struct given_back){ q->desc, q->size, v->legacy };
		q->desc = NULL;
	}
	q->desc = NULL;
}

/* One of `size` entries and `bytes`, cleared, or NULL. */
static void *take_back(const struct virtio *v, uint16_t size, size_t bytes)
{
	for (unsigned i = 0; i < GIVEN_BACK_MAX; i++) {
		struct given_back g = given_back[i];

		if (!g.desc || g.size != size || g.legacy != v->legacy)
			continue;
		given_back[i].desc = NULL;
		return memset(g.desc, 0, bytes);
	}
	return NULL;
}

/* Descriptor tables of all queues share sealed pages; they never end. */
static void *table_alloc(size_t bytes)
{
	static char *at;
	static size_t left;
	void *table;

	bytes = ALIGN_UP(bytes, (size_t)RING_ALIGN);
	if (bytes > left) {
		unsigned pages = (unsigned)(ALIGN_UP(bytes, (size_t)PAGE_SIZE) / PAGE_SIZE);

		at = mem_sealed_pages(pages);
		if (!at) {
			left = 0;
			return NULL;
		}
		left = pages * (size_t)PAGE_SIZE;
	}
	table = at;
	at += bytes;
	left -= bytes;
	return table;
}

/* §2.7: the largest power of two that the device and the driver allow. */
static uint16_t queue_size(unsigned max, unsigned want)
{
	unsigned size = 1;

	while (size * 2 <= want && size * 2 <= max)
		size *= 2;
	return (uint16_t)size;
}

/* §2.7: table, avail and used ring; both rings carry an event index behind the last entry. */
static int place(struct virtio *v, struct virtqueue *q)
{
	size_t avail_bytes = sizeof(struct vring_avail) + (q->size + 1u) * sizeof(uint16_t);
	size_t used_bytes = sizeof(struct vring_used) +
			    q->size * sizeof(struct vring_used_elem) + 2;
	size_t table = q->size * sizeof(struct vring_desc);
	char *rings;

	if (v->legacy) {
		/* §2.7.2: one piece, the used ring on a page of its own. */
		avail_bytes = ALIGN_UP(avail_bytes, (size_t)PAGE_SIZE);
		used_bytes = ALIGN_UP(used_bytes, (size_t)PAGE_SIZE);
		if (table % PAGE_SIZE || table > LEGACY_TABLE_MAX)
			return -ENOTSUP;
		q->desc = take_back(v, q->size, table + avail_bytes + used_bytes);
		if (!q->desc)
			q->desc = mem_half_sealed_pages(
				(unsigned)(table / PAGE_SIZE),
				(unsigned)((avail_bytes + used_bytes) / PAGE_SIZE));
		rings = (char *)q->desc + table;
	} else {
		avail_bytes = ALIGN_UP(avail_bytes, (size_t)RING_ALIGN);
		rings = mem_dma_alloc(avail_bytes + used_bytes, RING_ALIGN);
		q->desc = rings ? take_back(v, q->size, table) : NULL;
		if (rings && !q->desc)
			q->desc = table_alloc(table);
	}
	if (!q->desc)
		return -ENOMEM;
	q->avail = (void *)rings;
	q->used = (void *)(rings + avail_bytes);
	return 0;
}

int virtio_queue(struct virtio *v, struct virtqueue *q, unsigned index, unsigned want)
{
	unsigned max = v->via->queue_max(v, index);
	int rc;

	if (max == 0) {
		log_error("%s: has no queue %u", v->where, index);
		return -ENODEV;
	}
	memset(q, 0, sizeof(*q));
	q->index = (uint16_t)index;
	q->size = queue_size(max, v->legacy ? max : want);
	q->mask = q->size - 1;
	q->event_idx = v->features & VIRTIO_F_EVENT_IDX;
	q->gate = -1;
	rc = q->size == max || !v->legacy ? place(v, q) : -ENOTSUP;
	if (rc < 0) {
		log_error(rc == -ENOTSUP ? "%s: queue %u has %u entries, need a power of two from "
					   "256 to 4096"
					 : "%s: no memory for queue %u of %u entries",
			  v->where, index, max);
		return rc;
	}
	q->avail_event = (volatile uint16_t *)&q->used->ring[q->size];

	for (unsigned i = 0; i < q->size; i++)
		q->avail->ring[i] = (uint16_t)i;
	virtq_quiet(q);
	return v->via->queue_set(v, q);
}

int virtio_queue_gate(struct virtqueue *q, const struct vring_desc *staged)
{
	struct arch_queue gate = {
		.staged = staged,
		.desc = q->desc,
		.avail = (volatile uint16_t *)q->avail,
		.event = q->event_idx ? q->avail_event : NULL,
		.notify = q->doorbell,
		.notify_value = q->index,
		.size = q->size,
		.notify_width = q->doorbell_width,
	};

	q->gate = arch_queue_add(&gate);
	if (q->gate < 0)
		log_error("virtio: the warden's queue table is full");
	return MIN(q->gate, 0);
}

void virtio_ready(struct virtio *v)
{
	add_status(v, VIRTIO_DRIVER_OK);
}

/* Before the seal the doorbell is the driver's own. */
static void ring(struct virtqueue *q)
{
	if (q->doorbell_width == 4)
		*(volatile uint32_t *)q->doorbell = q->index;
	else
		*(volatile uint16_t *)q->doorbell = q->index;
}

int virtio_ask(struct virtqueue *q, unsigned ms)
{
	ktime deadline = clock_after_ms(ms), now;
	int pending;

	virtq_post(q, 0);
	if (virtq_publish(q))
		ring(q);
	do {
		now = clock_now();
		pending = virtq_pending(q);
	} while (pending == 0 && now <= deadline);
	if (pending == 0)
		return -ETIMEDOUT;
	return pending > 0 && virtq_take(q).id == 0 ? 0 : -EIO;
}
