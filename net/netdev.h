/* SPDX-License-Identifier: MIT */
/* CONTRACT NIC -> net. One const table per driver, one file per driver in
 * net/dev; boards/BOARD/board.c lists those that the image carries. It speaks
 * of frames, buffers and features, not of rings: virtio, a LAN9118 FIFO and a
 * TAP fit alike. No function waits; all are called from the net loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/machine.h"

struct netdev;

/* A received frame: the driver's buffer, lent until release(). */
struct frame {
	uint8_t *data;             /* Ethernet header first */
	uint16_t len;              /* without FCS; at most netdev.mtu and the Ethernet header */
	uint16_t index;            /* of this buffer, below netdev.rx_count: for the borrower */
	bool csum_ok;              /* the device vouches for the TCP/UDP checksum */
};

#define NETDEV_FRAME_MAX 1514      /* but with a larger netdev.mtu */

/* Transmit checksum: the device sums from `start` and stores at start +
 * `offset`, the field holding the pseudo-header's sum (virtio 1.2 §5.1.6.2).
 * Only with netdev.tx_csum; start 0 means none wanted. */
struct tx_csum {
	uint16_t start, offset;
};

struct netdev_ops {
	const char *name;          /* "virtio-net" */
	enum device_kind kind;

	/* Boot. Whether `dev` may be this NIC; touches nothing of an open one. NULL where a
	 * board has but one. */
	bool (*is)(const struct device *dev);

	/* Boot. Resets the device first, then sets it up and fills mac, mtu,
	 * rx_count and features. 0; -ENODEV when `dev` is not this NIC (try the
	 * next driver); other negative errno, logged, when it is broken. */
	int (*open)(struct netdev *, const struct device *dev);

	/* Next received frame, or NULL: ours, broadcast and all multicast. Invalid lengths and ids
	 * from the device are counted and skipped, never trusted. */
	struct frame *(*recv)(struct netdev *);

	/* Gives a frame's buffer back. Reaches the device with the next flush(). */
	void (*release)(struct netdev *, struct frame *);

	/* A buffer for the next frame to send (netdev.mtu and the Ethernet header), or NULL
	 * while the ring is full. Asking twice without tx_put gives the same. */
	uint8_t *(*tx_get)(struct netdev *);

	/* Queues that buffer with `len` bytes of frame in it. */
	void (*tx_put)(struct netdev *, size_t len, struct tx_csum csum);

	/* Hands queued frames and released buffers to the device, with at most
	 * one doorbell each. */
	void (*flush)(struct netdev *);

	/* Asks for an interrupt at the next received frame. True when one came
	 * in meanwhile: look again instead of waiting. */
	bool (*arm)(struct netdev *);

	/* Boot, after open(): resets the device, so that it neither touches memory nor
	 * raises an interrupt: 0, or -EIO, and it keeps the memory that it has. NULL where a
	 * board has but one. */
	int (*close)(struct netdev *);

	/* Carrier; true where the device cannot tell. */
	bool (*link)(struct netdev *);
};

struct netdev {
	const struct netdev_ops *ops;
	uint8_t mac[6];
	uint16_t mtu_wanted;       /* before open(): more than 1500 where the driver can */
	uint16_t mtu;              /* what it carries: no less than 1500 is asked for */
	uint16_t rx_count;         /* receive buffers */
	bool rx_csum, tx_csum;
	bool polled;               /* it has no interrupt: recv() is to be asked every so often */
	bool tx_csum_ip4;          /* tx_csum is for IPv4 alone */
	char where[32];            /* "virtio-mmio 0xfeb00e00", "pci 00:02.0" */
};

/* Drivers of this image, in the order tried, ended by NULL. */
extern const struct netdev_ops *const board_netdevs[];
