/* SPDX-License-Identifier: MIT */
/* Entropy device (virtio 1.2 §5.4): one request at boot, before the seal; then
 * the device is reset and left alone. */
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

/* Waits for the one request; bytes received, or negative errno. */
static int collect(struct virtqueue *q)
{
	ktime deadline = clock_after_ms(WAIT_MS);
	struct vring_used_elem done;
	int n;

	while ((n = virtq_pending(q)) == 0) {
		if (clock_now() > deadline)
			return -ETIMEDOUT;
	}
	if (n < 0)
		return -EIO;
	done = virtq_take(q);
	if (done.id != 0 || done.len == 0 || done.len > BYTES)
		return -EIO;
	return (int)done.len;
}

static int request(struct virtio *v, uint8_t *buf)
{
	struct virtqueue q;
	int rc;

	/* §5.4.2: queue 0 is requestq; there are no features. */
	rc = virtio_queue(v, &q, 0, 1);
	if (rc < 0)
		return rc;
	virtio_ready(v);

	/* §5.4.6.1: one buffer for the device to write. */
	q.desc[0] = (struct vring_desc){
		.addr = mem_dma_addr(buf), .len = BYTES, .flags = VRING_DESC_WRITE,
	};
	virtq_post(&q, 0);
	if (virtq_publish(&q)) {
		if (q.doorbell_width == 2)
			*(volatile uint16_t *)q.doorbell = q.index;
		else
			*(volatile uint32_t *)q.doorbell = q.index;
	}
	rc = collect(&q);
	if (rc < 0)
		log_warn("%s: no random bytes (%s)", v->where,
			 rc == -ETIMEDOUT ? "no answer in time" : "nonsense answer");
	return rc;
}

static int start(struct virtio *v)
{
	uint8_t *buf;
	int rc;

	rc = virtio_reset(v);
	if (rc < 0)
		return rc;
	rc = virtio_negotiate(v, 0);
	if (rc < 0)
		return rc;
	buf = mem_dma_alloc(BYTES, 64);
	if (!buf)
		return virtio_fail(v, -ENOMEM);
	rc = request(v, buf);

	/* Off again before the bytes are taken: it can write no more. */
	if (virtio_reset(v) < 0)
		return -EIO;
	v->via->set_status(v, 0);
	if (rc < 0)
		return rc;
	random_add(buf, (size_t)rc, "virtio-rng", (unsigned)rc * 8);
	memset(buf, 0, BYTES);
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
