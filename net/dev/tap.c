/* SPDX-License-Identifier: MIT */
/* BOARD=host's NIC: a Linux TAP device, one frame for each read() and write()
 * (Linux Documentation/networking/tuntap.rst). The descriptor does not block
 * and was opened with IFF_TAP | IFF_NO_PI. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/arch.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/netdev.h"

#define RX_COUNT 64
#define FRAME_MIN 14
#define BUFFER_SIZE 1536

static int fd = -1;
static struct frame frames[RX_COUNT];
static struct frame *free_frames[RX_COUNT];
static unsigned free_count;
static uint8_t *tx;

enum { RX_INVALID, TX_DROPPED };
static struct counter counters[] = {
	[RX_INVALID] = { "tap_rx_invalid_total", 0 },
	[TX_DROPPED] = { "tap_tx_dropped_total", 0 },
};

static int tap_open(struct netdev *nd, const struct device *dev)
{
	uint8_t *buffers = mem_dma_alloc((RX_COUNT + 1) * BUFFER_SIZE, 64);

	if (!buffers)
		return -ENOMEM;
	fd = (int)dev->irq;
	for (unsigned i = 0; i < RX_COUNT; i++) {
		frames[i].data = buffers + i * BUFFER_SIZE;
		frames[i].index = (uint16_t)i;
		free_frames[free_count++] = &frames[i];
	}
	tx = buffers + RX_COUNT * BUFFER_SIZE;

	random_bytes(nd->mac, sizeof(nd->mac));
	nd->mac[0] = (nd->mac[0] & 0xfc) | 2;   /* locally administered, one station */
	nd->mtu = 1500;
	nd->rx_count = RX_COUNT;
	snprintf(nd->where, sizeof(nd->where), "tap, descriptor %d", fd);
	counters_add(counters, ARRAY_LEN(counters));
	arch_irq_enable(dev->irq, NULL, NULL);
	return 0;
}

static struct frame *tap_recv(struct netdev *nd)
{
	while (free_count > 0) {
		struct frame *f = free_frames[free_count - 1];
		ssize_t n = read(fd, f->data, BUFFER_SIZE);

		if (n < 0)
			return NULL;
		if (n < FRAME_MIN || n > NETDEV_FRAME_MAX) {
			counters[RX_INVALID].n++;
			continue;
		}
		f->len = (uint16_t)n;
		f->csum_ok = false;
		free_count--;
		return f;
	}
	return NULL;
}

static void tap_release(struct netdev *nd, struct frame *f)
{
	ASSERT(free_count < RX_COUNT);
	free_frames[free_count++] = f;
}

static uint8_t *tap_tx_get(struct netdev *nd)
{
	return tx;
}

static void tap_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	if (write(fd, tx, len) != (ssize_t)len)
		counters[TX_DROPPED].n++;
}

static void tap_flush(struct netdev *nd)
{
}

/* arch_idle() ends at once while the descriptor is readable: nothing is lost. */
static bool tap_arm(struct netdev *nd)
{
	return false;
}

static bool tap_link(struct netdev *nd)
{
	return true;
}

extern const struct netdev_ops tap_netdev;
const struct netdev_ops tap_netdev = {
	.name = "tap", .kind = DEV_HOST_TAP,
	.open = tap_open, .recv = tap_recv, .release = tap_release,
	.tx_get = tap_tx_get, .tx_put = tap_tx_put, .flush = tap_flush,
	.arm = tap_arm, .link = tap_link,
};
