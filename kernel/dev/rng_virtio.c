/* SPDX-License-Identifier: MIT */
/* Entropy device (virtio 1.2 §5.4): one request at boot, and another whenever the
 * generator asks, into the one buffer that the sealed descriptor names. The first
 * device that answers is used, and further ones are left alone. */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/dev.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"
#include "kernel/random.h"

#define BYTES 64u
#define WAIT_MS 10

static struct {
	struct virtqueue q;
	uint8_t *buf;
	bool live, asked;          /* asked: the buffer is the device's */
} rng;

static void take_back(struct virtqueue *q, uint32_t *len)
{
	struct vring_used_elem done = virtq_take(q);

	*len = done.id == 0 && done.len <= BYTES ? done.len : 0;
}

/* Waits for the first request; bytes received, or negative errno. */
static int collect(struct virtqueue *q)
{
	ktime deadline = clock_after_ms(WAIT_MS);
	uint32_t len;
	int n;

	while ((n = virtq_pending(q)) == 0) {
		if (clock_now() > deadline)
			return -ETIMEDOUT;
	}
	if (n < 0)
		return -EIO;
	take_back(q, &len);
	return len > 0 ? (int)len : -EIO;
}

/* §5.4.6.1: one buffer for the device to write. */
static void post(struct virtqueue *q)
{
	virtq_post(q, 0);
	if (virtq_publish(q))
		arch_notify((unsigned)q->gate);
}

static int request(struct virtio *v, struct virtqueue *q, uint8_t *buf)
{
	int rc;

	/* §5.4.2: queue 0 is requestq; there are no features. */
	rc = virtio_queue(v, q, 0, 1);
	if (rc < 0)
		return rc;
	rc = virtio_queue_gate(q, NULL);
	if (rc < 0)
		return rc;
	q->desc[0] = (struct vring_desc){
		.addr = mem_dma_addr(buf), .len = BYTES, .flags = VRING_DESC_WRITE,
	};
	virtio_ready(v);
	post(q);
	rc = collect(q);
	if (rc < 0)
		log_warn("%s: no random bytes (%s)", v->where,
			 rc == -ETIMEDOUT ? "no answer in time" : "nonsense answer");
	return rc;
}

/* An answer that is still on its way is as fresh as another would be. */
static void ask(void)
{
	uint32_t dropped;
	int n = virtq_pending(&rng.q);

	if (n < 0 || (rng.asked && n == 0))
		return;
	if (n > 0)
		take_back(&rng.q, &dropped);
	rng.asked = true;
	post(&rng.q);
}

static size_t take(uint8_t *buf, size_t max)
{
	uint32_t len;

	if (virtq_pending(&rng.q) <= 0)
		return 0;
	take_back(&rng.q, &len);
	rng.asked = false;
	len = MIN(len, (uint32_t)max);
	memcpy(buf, rng.buf, len);
	memset(rng.buf, 0, BYTES);
	return len;
}

static int start(struct virtio *v)
{
	static const struct random_source source = { "virtio-rng", ask, take };
	uint8_t *buf;
	int rc;

	if (rng.live)
		return 0;
	rc = virtio_reset(v);
	if (rc < 0)
		return rc;
	rc = virtio_negotiate(v, 0);
	if (rc < 0)
		return rc;
	buf = mem_dma_alloc(BYTES, 64);
	if (!buf)
		return virtio_fail(v, -ENOMEM);
	rc = request(v, &rng.q, buf);
	if (rc < 0) {
		v->via->set_status(v, 0);       /* it can write no more */
		return rc;
	}
	random_add(buf, (size_t)rc, "virtio-rng", (unsigned)rc * 8);
	memset(buf, 0, BYTES);
	rng.buf = buf;
	rng.live = true;
	random_set_source(&source);
	return 0;
}

static int open_mmio(const struct device *dev)
{
	struct virtio v;
	int rc = virtio_mmio_open(&v, dev, VIRTIO_RNG);

	return rc < 0 ? rc : start(&v);
}

static int open_pci(const struct device *dev)
{
	struct virtio v;
	int rc = virtio_pci_open(&v, dev, VIRTIO_RNG);

	return rc < 0 ? rc : start(&v);
}

const struct entropy rng_virtio = { .kind = DEV_VIRTIO_MMIO, .open = open_mmio };
const struct entropy rng_virtio_pci = { .kind = DEV_PCI_FUNCTION, .open = open_pci };
