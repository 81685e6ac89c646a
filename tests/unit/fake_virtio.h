/* SPDX-License-Identifier: MIT */
/* A network device in memory behind a transport of its own, and the warden's part
 * of its queues. Descriptions of the functions stand here. */
#pragma once

#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"
#include "tests/unit/fake_nic.h"

#define HDR 12u
#define EVENT_IDX (1ull << 29)
#define VERSION_1 (1ull << 32)
#define CSUM (1ull << 0)
#define GUEST_CSUM (1ull << 1)
#define MTU (1ull << 3)
#define MAC (1ull << 5)
#define STATUS (1ull << 16)
#define ANY_LAYOUT (1ull << 27)
#define LEGACY (ANY_LAYOUT | EVENT_IDX | CSUM | GUEST_CSUM | MAC | STATUS)
#define ALL (VERSION_1 | EVENT_IDX | CSUM | GUEST_CSUM | MAC | STATUS)
#define SEALED_BYTES (64 * PAGE_SIZE)      /* for each device_new() */
#define SEALED_ALL (64 * SEALED_BYTES)

extern const struct netdev_ops virtio_net, virtio_net_pci;

struct fake_device {
	unsigned type;                          /* 0: a network device */
	uint64_t offered, taken;
	uint8_t status;
	unsigned resets, queue_max[3];
	bool busy_for_ever, refuses_features, restless;
	bool legacy;                            /* by the legacy interface: headers of 10 bytes */
	uint32_t generation;
	uint8_t config[40];
	struct virtqueue *queue[3];
	struct arch_queue gate[2];
	unsigned gates, rings[2];               /* doorbells heard */
	void (*on_bell)(void);                  /* what it does at one, or NULL */
	uint16_t used_idx[3];
	uint16_t taken_idx[3];                  /* avail entries consumed */
};
extern struct fake_device dev;
extern char sealed[SEALED_ALL];
extern size_t sealed_left;               /* then there are no more */

/* A device as firmware left it, offering these features; and the driver's
 * open() on it. */
void device_new(uint64_t offered);
int device_open(uint64_t offered);

/* The device's side of queue qi: takes the next available descriptor (its
 * number, or -1); puts any element into the used ring; receives a frame of
 * `len` bytes `fill` as it should be (the descriptor's number, or -1). */
int take(unsigned qi);
void complete(unsigned qi, uint32_t id, uint32_t len);
int deliver(uint8_t flags, uint8_t fill, unsigned len);
