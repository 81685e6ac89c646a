/* SPDX-License-Identifier: MIT */
/* CONTRACT transport -> virtio driver, and split virtqueues (virtio 1.2 §2.7).
 *
 * Boot only, except the inline functions at the end: after arch_seal() a driver
 * touches rings and buffers, and the warden alone rings doorbells. A device is
 * never trusted: used rings are read once and checked. Little endian CPUs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/machine.h"

/* Device types (§5). */
enum { VIRTIO_NET = 1, VIRTIO_BLK = 2, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4, VIRTIO_SCSI = 8 };

/* Feature bits (§6); those of one device type stand with its driver. */
#define VIRTIO_F_ANY_LAYOUT (1ull << 27)       /* legacy: the header need not stand alone */
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

/* Device status (§2.1). */
enum {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_FAILED = 128,
};

/* §2.7.5, §2.7.6, §2.7.8. The ring[] of avail is followed by used_event, that
 * of used by avail_event. */
enum { VRING_DESC_NEXT = 1, VRING_DESC_WRITE = 2 };
enum { VRING_NO_INTERRUPT = 1, VRING_NO_NOTIFY = 1 };

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct vring_avail {
	uint16_t flags, idx;
	uint16_t ring[];
};

struct vring_used_elem {
	uint32_t id, len;
};

struct vring_used {
	uint16_t flags, idx;
	struct vring_used_elem ring[];
};

struct virtqueue {
	/* Set at boot. */
	struct vring_desc *desc;            /* the device's; read-only after the seal */
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	volatile uint16_t *avail_event;     /* behind the used ring: the device's */
	uint16_t size, mask;
	bool event_idx;
	int gate;                           /* number for arch_submit and arch_notify */
	volatile void *doorbell;            /* filled by the transport */
	uint8_t doorbell_width;
	uint16_t index;                     /* of this queue in the device */

	/* Moves. */
	uint16_t next;                      /* avail index of the next entry to fill */
	uint16_t published;                 /* avail index that the device may see */
	uint16_t seen;                      /* used index of the next completion to take */
};

struct virtio;

/* One transport: virtio_mmio.c, virtio_pci.c, or a test's. */
struct virtio_transport {
	uint8_t (*status)(struct virtio *);
	void (*set_status)(struct virtio *, uint8_t);
	uint32_t (*features)(struct virtio *, unsigned half);        /* half 0: bits 0-31 */
	void (*set_features)(struct virtio *, unsigned half, uint32_t bits);
	unsigned (*queue_max)(struct virtio *, unsigned index);      /* 0: no such queue */
	/* Tells the device where q lies, enables it, fills q's doorbell. */
	int (*queue_set)(struct virtio *, struct virtqueue *q);
	uint32_t (*generation)(struct virtio *);
	uint8_t (*config)(struct virtio *, unsigned offset);         /* one byte of §2.5 */
	/* Routes the queues' interrupt so that it ends arch_idle(); before any
	 * queue_set. 0 or -errno, logged. */
	int (*interrupt)(struct virtio *);
};

/* One device. */
struct virtio {
	const struct virtio_transport *via;
	const struct device *dev;
	volatile uint8_t *regs;             /* MMIO: the register page; PCI: common configuration */
	volatile uint8_t *cfg;              /* PCI: device configuration */
	volatile uint8_t *notify;           /* PCI: doorbells, and the step between them */
	uint32_t notify_step;
	uint32_t cfg_bytes, notify_bytes;   /* PCI: as long as these are */
	bool msix;                          /* PCI: vector 0 is routed */
	bool polled;                        /* no interrupt is */
	bool legacy;                        /* by I/O ports, from this one on */
	unsigned ports;
	uint64_t offered, features;
	char where[32];                     /* "virtio-mmio 0xfeb00e00" */
};

/* Looks whether `dev` is a virtio device of type `type` and fills *v. 0,
 * -ENODEV: it is something else or an empty slot; -ENOTSUP, logged: it is one,
 * but speaks only the legacy interface. */
int virtio_mmio_open(struct virtio *v, const struct device *dev, unsigned type);
int virtio_pci_open(struct virtio *v, const struct device *dev, unsigned type);

/* virtio_pci_open()'s for a device without the modern interface, of which v->dev and
 * v->where are known. 0, or -errno as above. */
int virtio_legacy_open(struct virtio *v, unsigned type);

/* Whether `dev` is a virtio device of that type; changes nothing. */
bool virtio_mmio_is(const struct device *dev, unsigned type);
bool virtio_pci_is(const struct device *dev, unsigned type);

/* §3.1.1 steps 1 to 3: resets the device and waits until it has, says that a
 * driver is there and reads v->offered. 0, or -EIO, logged: it stays busy. */
int virtio_reset(struct virtio *v);

/* §3.1.1 steps 4 to 6: takes VERSION_1 and what of `want` is offered, into
 * v->features; of a legacy device ANY_LAYOUT instead. 0, or -ENOTSUP, logged. */
int virtio_negotiate(struct virtio *v, uint64_t want);

/* Bytes of the device's configuration, read consistently (§2.5.1). 0, or -EIO:
 * it never stood still. */
int virtio_config(struct virtio *v, unsigned offset, void *buf, size_t len);

/* Makes queue `index` with at most `want` entries (a power of two; the device may
 * allow fewer, and a legacy device says how many): table in sealed pages, rings in the
 * DMA pool, of a legacy device right behind the table. Then registers it with the
 * warden: `staged` as in struct arch_queue. The avail ring is the identity; interrupts
 * are off. 0, -ENODEV: the device has no such queue, or -ENOMEM, -ENOSPC, -ENOTSUP: a
 * legacy queue whose table cannot be sealed; all logged. */
int virtio_queue(struct virtio *v, struct virtqueue *q, unsigned index, unsigned want);
int virtio_queue_gate(struct virtqueue *q, const struct vring_desc *staged);

/* Boot, after the device's reset: the queue, if there was one, is no more. Its sealed pages are for
 * the next of as many entries. */
void virtio_queue_end(const struct virtio *v, struct virtqueue *q);

/* Boot, for a queue that the warden does not know: shows the device the chain that begins with
 * descriptor 0 and waits, busy, until it is done with it. 0, -ETIMEDOUT after `ms`, or -EIO: what
 * the device says of its ring is nonsense. */
int virtio_ask(struct virtqueue *q, unsigned ms);

/* §3.1.1 step 8: the device is live. */
void virtio_ready(struct virtio *v);

/* Gives up on a device: status FAILED. Returns rc, for a tail call. */
int virtio_fail(struct virtio *v, int rc);

/* ---- Any time --------------------------------------------------------------- */

/* Completions not taken yet; negative when the device claims more than the
 * ring holds: it is broken, and nothing in the ring means anything. */
static inline int virtq_pending(const struct virtqueue *q)
{
	uint16_t n = q->used->idx - q->seen;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);        /* §2.7.14: idx before the elements */
	return n <= q->size ? n : -1;
}

/* The next completion, one of those that virtq_pending() counted. Neither id
 * nor len is checked. */
static inline struct vring_used_elem virtq_take(struct virtqueue *q)
{
	volatile struct vring_used_elem *slot = &q->used->ring[q->seen & q->mask];
	struct vring_used_elem e;

	e.id = slot->id;
	e.len = slot->len;
	q->seen++;
	return e;
}

/* Puts descriptor `id` into the avail ring; unseen until virtq_publish(). */
static inline void virtq_post(struct virtqueue *q, uint16_t id)
{
	q->avail->ring[q->next & q->mask] = id;
	q->next++;
}

/* Shows the device all that was posted. True when it wants its doorbell rung
 * (§2.7.10: EVENT_IDX, else the flag). */
static inline bool virtq_publish(struct virtqueue *q)
{
	uint16_t old = q->published;

	__atomic_thread_fence(__ATOMIC_RELEASE);        /* §2.7.13.3: entries before idx */
	q->avail->idx = q->next;
	q->published = q->next;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        /* §2.7.13.4: idx before the look */
	if (!q->event_idx)
		return !(q->used->flags & VRING_NO_NOTIFY);
	return (uint16_t)(q->next - *q->avail_event - 1) < (uint16_t)(q->next - old);
}

/* Asks for an interrupt at the next completion (§2.7.7). True when there are
 * completions already, for which none may come. */
static inline bool virtq_arm(struct virtqueue *q)
{
	if (q->event_idx)
		q->avail->ring[q->size] = q->seen;
	else
		q->avail->flags = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        /* §2.7.7.1: ask before the look */
	return q->used->idx != q->seen;
}

/* Wants no interrupt. With EVENT_IDX that is an event index just behind, which
 * holds for the next 65,535 completions. */
static inline void virtq_quiet(struct virtqueue *q)
{
	if (q->event_idx)
		q->avail->ring[q->size] = q->seen - 1;
	else
		q->avail->flags = VRING_NO_INTERRUPT;
}
