/* SPDX-License-Identifier: MIT */
/* net/dev/virtio_net.c and kernel/dev/virtio.c against a device in memory that
 * plays its side of the rings, well and badly. */
/* sources: net/dev/virtio_net.c kernel/dev/virtio.c tests/unit/fake_virtio.c
 * tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "tests/unit/fake_virtio.h"

static int setup(void **state)
{
	int rc = device_open(ALL | 1ull << 15 | 1ull << 28);

	fake_log_lines = 0;
	return rc;
}

static int setup_plain(void **state)
{
	return device_open(VERSION_1 | MAC);
}

/* ---- Boot ------------------------------------------------------------------- */

static void test_open(void **state)
{
	assert_int_equal(dev.resets, 1);
	assert_int_equal(dev.taken, ALL);
	assert_int_equal(dev.status, 0xf);
	assert_memory_equal(nd.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(nd.mtu, 1500);
	assert_true(nd.tx_csum && nd.rx_csum && virtio_net.link(&nd));
	assert_int_equal(nd.rx_count, 256);
	assert_int_equal(dev.rings[0], 1);
	assert_string_equal(nd.where, "fake");
	assert_null(dev.gate[0].staged);
	for (unsigned i = 0; i < 256; i++) {
		struct vring_desc *d = &dev.queue[0]->desc[i];

		assert_true((char *)(uintptr_t)d->addr >= pool);
		assert_true((char *)(uintptr_t)d->addr + d->len <= pool + POOL);
		assert_int_equal(d->flags, VRING_DESC_WRITE);
		assert_int_equal(d->len, HDR + NETDEV_FRAME_MAX);
		assert_int_equal((d->addr + HDR + 14) % 4, 0);
	}
	/* Descriptor tables lie in sealed pages, nothing else does. */
	assert_true((char *)dev.queue[1]->desc >= sealed);
	assert_true((char *)(dev.queue[1]->desc + 256) <= sealed + sizeof(sealed));
}

static void test_open_refused(void **state)
{
	static const struct device at = { .kind = DEV_VIRTIO_MMIO };

	assert_int_equal(device_open(MAC | CSUM), -ENOTSUP);
	assert_int_equal(dev.status & VIRTIO_FAILED, VIRTIO_FAILED);

	device_new(ALL);
	dev.busy_for_ever = true;
	assert_int_equal(virtio_net.open(&nd, &at), -EIO);

	device_new(ALL);
	dev.refuses_features = true;
	assert_int_equal(virtio_net.open(&nd, &at), -ENOTSUP);

	device_new(ALL);
	dev.restless = true;
	assert_int_equal(virtio_net.open(&nd, &at), -EIO);

	device_new(ALL);
	dev.queue_max[1] = 0;
	assert_int_equal(virtio_net.open(&nd, &at), -ENODEV);
	assert_int_equal(dev.status & VIRTIO_DRIVER_OK, 0);
	assert_true(fake_log_lines > 0);
}

static void test_open_odd(void **state)
{
	static const struct device at = { .kind = DEV_VIRTIO_MMIO };

	/* No MAC, no STATUS, a queue that is no power of two and tiny. */
	device_new(VERSION_1);
	dev.queue_max[0] = 100;
	dev.queue_max[1] = 1;
	assert_int_equal(virtio_net.open(&nd, &at), 0);
	assert_int_equal(nd.rx_count, 64);
	assert_int_equal(nd.mac[0], 0xfe);
	assert_true(virtio_net.link(&nd));
	assert_false(nd.tx_csum || nd.rx_csum);

	device_new(ALL | MTU);
	dev.config[6] = 0;
	dev.config[10] = 1280 & 0xff, dev.config[11] = 1280 >> 8;
	assert_int_equal(virtio_net.open(&nd, &at), 0);
	assert_int_equal(nd.mtu, 1280);
	assert_false(virtio_net.link(&nd));
	assert_true(dev.taken & MTU);

	device_new(ALL | MTU);
	dev.config[10] = 9000 & 0xff, dev.config[11] = 9000 >> 8;
	assert_int_equal(virtio_net.open(&nd, &at), 0);
	assert_int_equal(nd.mtu, 1500);
	assert_false(dev.taken & MTU);
}

/* ---- The legacy interface ----------------------------------------------------- */

static int open_legacy(uint64_t offered, unsigned size)
{
	static const struct device at = { .kind = DEV_VIRTIO_MMIO };

	device_new(offered);
	dev.legacy = true;
	dev.queue_max[0] = dev.queue_max[1] = size;
	return virtio_net.open(&nd, &at);
}

/* A queue longer than there are buffers: each slot has one all the same. */
static void test_legacy(void **state)
{
	struct virtqueue *q;

	assert_int_equal(open_legacy(LEGACY, 1024), 0);
	assert_int_equal(dev.status & (VIRTIO_DRIVER_OK | VIRTIO_FEATURES_OK), VIRTIO_DRIVER_OK);
	assert_int_equal(nd.rx_count, 256);
	for (unsigned i = 0; i < 2; i++) {
		q = dev.queue[i];
		assert_int_equal(q->size, 1024);
		assert_int_equal((uintptr_t)q->desc % PAGE_SIZE, 0);
		assert_ptr_equal(q->avail, q->desc + 1024);
		assert_ptr_equal(q->used, (char *)q->avail + PAGE_SIZE);
	}
	for (unsigned i = 0; i < 3000; i++) {
		struct frame *f;
		uint8_t *p = virtio_net.tx_get(&nd);
		int id;

		memset(p, (int)i, 60);
		virtio_net.tx_put(&nd, 60, no_csum);
		virtio_net.flush(&nd);
		id = take(1);
		assert_int_equal(id, i % 1024);
		assert_int_equal(dev.queue[1]->desc[id].len, 70);
		assert_ptr_equal((uint8_t *)(uintptr_t)dev.queue[1]->desc[id].addr + 10, p);
		complete(1, (uint32_t)id, 0);

		assert_true(deliver(0, (uint8_t)i, 60) < 256);
		f = virtio_net.recv(&nd);
		assert_int_equal(f->len, 60);
		assert_int_equal(f->data[59], i & 0xff);
		assert_int_equal(((uintptr_t)f->data + 14) % 4, 0);
		virtio_net.release(&nd, f);
		virtio_net.flush(&nd);
	}
	/* A descriptor that no buffer is behind. */
	complete(0, 300, 70);
	assert_null(virtio_net.recv(&nd));
	assert_int_equal(count("virtio_net_rx_bad_total"), 1);
}

static void test_legacy_full(void **state)
{
	unsigned sent = 0;

	assert_int_equal(open_legacy(LEGACY, 1024), 0);
	for (; virtio_net.tx_get(&nd); sent++)
		virtio_net.tx_put(&nd, 60, no_csum);
	assert_int_equal(sent, 256);
	virtio_net.flush(&nd);
	complete(1, (uint32_t)take(1), 0);
	assert_non_null(virtio_net.tx_get(&nd));
}

static void test_legacy_refused(void **state)
{
	assert_int_equal(open_legacy(LEGACY & ~ANY_LAYOUT, 256), -ENOTSUP);
	assert_int_equal(dev.status & VIRTIO_FAILED, VIRTIO_FAILED);
	assert_int_equal(open_legacy(LEGACY, 128), -ENOTSUP);   /* the table would share a page */
	assert_int_equal(open_legacy(LEGACY, 300), -ENOTSUP);
	assert_int_equal(open_legacy(LEGACY, 8192), -ENOTSUP);
	assert_int_equal(dev.status & VIRTIO_DRIVER_OK, 0);
}

/* Closes it, and opens one with queues of that size. */
static int reopen_legacy(unsigned size)
{
	static const struct device at = { .kind = DEV_VIRTIO_MMIO };

	virtio_net.close(&nd);
	assert_int_equal(dev.status & VIRTIO_DRIVER_OK, 0);
	mem_dma_release((uintptr_t)pool);
	dev.gates = 0;
	dev.queue_max[0] = dev.queue_max[1] = size;
	return virtio_net.open(&nd, &at);
}

/* One after the other with the longest queues that there are: sealed pages for one are enough. */
static void test_legacy_in_turn(void **state)
{
	struct vring_desc *rx, *tx;

	assert_int_equal(open_legacy(LEGACY, 4096), 0);
	rx = dev.queue[0]->desc;
	tx = dev.queue[1]->desc;
	for (unsigned i = 0; i < 5; i++) {
		rx[4095].len = tx[4095].next = 7;
		assert_int_equal(reopen_legacy(4096), 0);
		assert_true(dev.queue[0]->desc == rx || dev.queue[0]->desc == tx);
		assert_true(dev.queue[1]->desc == rx || dev.queue[1]->desc == tx);
		assert_ptr_not_equal(dev.queue[0]->desc, dev.queue[1]->desc);
		assert_int_equal(rx[4095].len | tx[4095].next, 0);
	}
}

/* Where there are none one line says so, and what was open before can be opened again. */
static void test_legacy_without_pages(void **state)
{
	assert_int_equal(open_legacy(LEGACY, 1024), 0);
	sealed_left = 40 * PAGE_SIZE;           /* for one queue */
	fake_log_lines = 0;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(reopen_legacy(4096), -ENOMEM);
		assert_int_equal(fake_log_lines, i);
	}
	assert_int_equal(reopen_legacy(1024), 0);
}

/* ---- Receive ---------------------------------------------------------------- */

static void test_receive(void **state)
{
	struct frame *a, *b;

	assert_null(virtio_net.recv(&nd));
	assert_int_equal(deliver(0, 0xaa, 60), 0);
	assert_int_equal(deliver(1, 0xbb, NETDEV_FRAME_MAX), 1);
	assert_int_equal(deliver(2, 0xcc, 14), 2);

	a = virtio_net.recv(&nd);
	b = virtio_net.recv(&nd);
	assert_int_equal(a->len, 60);
	assert_int_equal(a->data[59], 0xaa);
	assert_false(a->csum_ok);
	assert_int_equal(b->len, NETDEV_FRAME_MAX);
	assert_int_equal(b->data[NETDEV_FRAME_MAX - 1], 0xbb);
	assert_true(b->csum_ok);
	assert_int_equal(b->index, 1);

	/* Given back out of order; seen by the device only after flush. */
	virtio_net.release(&nd, b);
	virtio_net.release(&nd, a);
	assert_true(virtio_net.recv(&nd)->csum_ok);
	assert_int_equal(dev.queue[0]->avail->idx, 256);
	virtio_net.flush(&nd);
	assert_int_equal(dev.queue[0]->avail->idx, 258);
	assert_int_equal(dev.queue[0]->avail->ring[0], 1);
	assert_int_equal(dev.queue[0]->avail->ring[1], 0);
	/* The device still has 253 buffers and did not ask for a doorbell. */
	assert_int_equal(dev.rings[0], 1);
}

static void test_receive_dry(void **state)
{
	struct frame *f[256];

	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(deliver(0, (uint8_t)i, 60), i);
	assert_int_equal(deliver(0, 0, 60), -1);
	for (unsigned i = 0; i < 256; i++) {
		f[i] = virtio_net.recv(&nd);
		assert_int_equal(f[i]->data[20], i);
	}
	assert_null(virtio_net.recv(&nd));
	for (unsigned i = 0; i < 256; i++)
		virtio_net.release(&nd, f[255 - i]);
	virtio_net.flush(&nd);
	assert_int_equal(dev.rings[0], 2);
	virtio_net.flush(&nd);
	assert_int_equal(dev.rings[0], 2);
	assert_int_equal(deliver(0, 7, 60), 255);
	assert_int_equal(virtio_net.recv(&nd)->data[0], 7);
}

static void test_receive_nonsense(void **state)
{
	static const uint32_t lens[] = { 0, 1, 11, 12, 25, HDR + NETDEV_FRAME_MAX + 1, 0xffffffff };
	struct frame *f;

	/* Ids out of range, and no endless loop over them. */
	complete(0, 256, 100);
	complete(0, 0xffffffff, 100);
	complete(0, 65536, 100);
	assert_null(virtio_net.recv(&nd));

	/* Impossible lengths: the buffer goes back to the device. */
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		complete(0, (uint32_t)take(0), lens[i]);
	assert_int_equal(deliver(0, 0x11, 60), ARRAY_LEN(lens));
	f = virtio_net.recv(&nd);
	assert_int_equal(f->data[0], 0x11);
	virtio_net.flush(&nd);
	assert_int_equal(dev.queue[0]->avail->idx, 256 + ARRAY_LEN(lens));

	/* The same buffer twice: the second is not believed. */
	complete(0, f->index, 100);
	assert_null(virtio_net.recv(&nd));
	assert_int_equal(f->len, 60);
	virtio_net.release(&nd, f);
	assert_int_equal(deliver(0, 0x12, 61), ARRAY_LEN(lens) + 1);
	assert_int_equal(virtio_net.recv(&nd)->len, 61);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(count("virtio_net_rx_bad_total"), 3 + ARRAY_LEN(lens) + 1);
	assert_int_equal(count("virtio_net_rx_frames_total"), 2);
}

static void test_receive_jump(void **state)
{
	deliver(0, 1, 60);
	assert_non_null(virtio_net.recv(&nd));
	dev.queue[0]->used->idx += 257;
	for (unsigned i = 0; i < 1000; i++)
		assert_null(virtio_net.recv(&nd));
	assert_int_equal(fake_log_lines, 1);
	assert_false(virtio_net.arm(&nd));
	assert_null(virtio_net.tx_get(&nd));
	virtio_net.flush(&nd);

	/* Once broken, it stays so. */
	dev.queue[0]->used->idx = dev.used_idx[0];
	deliver(0, 1, 60);
	assert_null(virtio_net.recv(&nd));
}

static void test_release_twice(void **state)
{
	static struct frame foreign;
	struct frame *f;

	deliver(0, 1, 60);
	f = virtio_net.recv(&nd);
	virtio_net.release(&nd, f);
	assert_true(PANICS(virtio_net.release(&nd, f)));
	assert_true(PANICS(virtio_net.release(&nd, &foreign)));
}

/* ---- Send ------------------------------------------------------------------- */

static void test_send(void **state)
{
	uint8_t *buf = virtio_net.tx_get(&nd);
	struct vring_desc *d;
	uint16_t *hdr;
	int id;

	assert_ptr_equal(buf, virtio_net.tx_get(&nd));
	memset(buf, 0x55, 100);
	virtio_net.tx_put(&nd, 100, (struct tx_csum){ .start = 34, .offset = 16 });
	buf = virtio_net.tx_get(&nd);
	memset(buf, 0x66, NETDEV_FRAME_MAX);
	virtio_net.tx_put(&nd, NETDEV_FRAME_MAX, no_csum);
	assert_int_equal(take(1), -1);
	virtio_net.flush(&nd);
	assert_int_equal(dev.rings[1], 1);

	id = take(1);
	d = &dev.queue[1]->desc[id];
	hdr = (uint16_t *)(uintptr_t)d->addr;
	assert_int_equal(id, 0);
	assert_int_equal(d->len, HDR + 100);
	assert_int_equal(hdr[0], 1);
	assert_int_equal(hdr[3], 34);
	assert_int_equal(hdr[4], 16);
	assert_int_equal(((uint8_t *)hdr)[HDR + 99], 0x55);
	id = take(1);
	d = &dev.queue[1]->desc[id];
	hdr = (uint16_t *)(uintptr_t)d->addr;
	assert_int_equal(d->len, HDR + NETDEV_FRAME_MAX);
	assert_int_equal(hdr[0], 0);
	assert_int_equal(hdr[5], 0);

	/* The first slot again: nothing is left of the checksum wanted before. */
	complete(1, 0, 0);
	complete(1, 1, 0);
	for (unsigned i = 0; i < 255; i++) {
		assert_non_null(virtio_net.tx_get(&nd));
		virtio_net.tx_put(&nd, 60, no_csum);
	}
	d = &dev.queue[1]->desc[0];
	assert_int_equal(*(uint8_t *)(uintptr_t)d->addr, 0);
	assert_true(PANICS(virtio_net.tx_put(&nd, NETDEV_FRAME_MAX + 1, no_csum)));
	assert_true(PANICS(virtio_net.tx_put(&nd, 13, no_csum)));
}

static void test_send_out_of_order(void **state)
{
	uint8_t *first = virtio_net.tx_get(&nd);

	for (unsigned i = 0; i < 256; i++) {
		assert_non_null(virtio_net.tx_get(&nd));
		virtio_net.tx_put(&nd, 60, no_csum);
	}
	assert_null(virtio_net.tx_get(&nd));
	virtio_net.flush(&nd);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(take(1), i);

	/* All but the first complete, in reverse: still nothing to give. */
	for (unsigned i = 255; i > 0; i--)
		complete(1, i, 0);
	assert_null(virtio_net.tx_get(&nd));
	/* It waits for that one: no false alarm, then a real one. */
	assert_false(virtio_net.arm(&nd));
	complete(1, 0, 0);
	assert_true(virtio_net.arm(&nd));
	for (unsigned i = 0; i < 256; i++) {
		uint8_t *buf = virtio_net.tx_get(&nd);

		assert_non_null(buf);
		if (i == 0)
			assert_ptr_equal(buf, first);
		virtio_net.tx_put(&nd, 60, no_csum);
	}
	assert_null(virtio_net.tx_get(&nd));
}

static void test_send_nonsense(void **state)
{
	for (unsigned i = 0; i < 256; i++) {
		assert_non_null(virtio_net.tx_get(&nd));
		virtio_net.tx_put(&nd, 60, no_csum);
	}
	/* Completed before it was sent: at most a ring is staged. */
	for (unsigned i = 0; i < 256; i++)
		complete(1, i, 0);
	assert_null(virtio_net.tx_get(&nd));
	virtio_net.flush(&nd);

	complete(1, 256, 0);
	complete(1, 0xffffffff, 0);
	complete(1, 3, 0);
	for (unsigned i = 0; i < 256; i++) {
		assert_non_null(virtio_net.tx_get(&nd));
		virtio_net.tx_put(&nd, 60, no_csum);
	}
	virtio_net.flush(&nd);
	assert_null(virtio_net.tx_get(&nd));
	assert_int_equal(count("virtio_net_tx_bad_total"), 2);
	complete(1, 3, 0);
	assert_null(virtio_net.tx_get(&nd));
	assert_int_equal(count("virtio_net_tx_bad_total"), 3);
	dev.queue[1]->used->idx += 300;
	assert_null(virtio_net.tx_get(&nd));
	assert_null(virtio_net.recv(&nd));
	assert_int_equal(fake_log_lines, 1);
	assert_int_equal(count("virtio_net_broken"), 1);
}

/* ---- Waiting ---------------------------------------------------------------- */

static void test_arm(void **state)
{
	struct virtqueue *q = dev.queue[0];

	assert_false(virtio_net.arm(&nd));
	assert_int_equal(q->avail->ring[q->size], 0);
	deliver(0, 1, 60);
	assert_true(virtio_net.arm(&nd));
	virtio_net.release(&nd, virtio_net.recv(&nd));
	assert_false(virtio_net.arm(&nd));
	assert_int_equal(q->avail->ring[q->size], 1);
	/* The send queue never asks. */
	q = dev.queue[1];
	assert_int_equal(q->avail->ring[q->size], 0xffff);
}

static void test_plain(void **state)
{
	struct virtqueue *q = dev.queue[0];
	struct frame *f;

	assert_int_equal(q->avail->flags, VRING_NO_INTERRUPT);
	assert_int_equal(dev.queue[1]->avail->flags, VRING_NO_INTERRUPT);
	assert_null(dev.gate[1].event);
	assert_false(virtio_net.arm(&nd));
	assert_int_equal(q->avail->flags, 0);
	virtio_net.flush(&nd);
	assert_null(virtio_net.recv(&nd));
	assert_int_equal(q->avail->flags, 0);   /* still asked for */
	deliver(1, 1, 60);
	f = virtio_net.recv(&nd);
	assert_int_equal(q->avail->flags, VRING_NO_INTERRUPT);
	assert_false(f->csum_ok);               /* not negotiated: not believed */
	virtio_net.release(&nd, f);
	q->used->flags = VRING_NO_NOTIFY;
	virtio_net.flush(&nd);
	assert_int_equal(dev.rings[0], 1);
	q->used->flags = 0;
	deliver(0, 1, 60);
	virtio_net.release(&nd, virtio_net.recv(&nd));
	virtio_net.flush(&nd);
	assert_int_equal(dev.rings[0], 2);
}

/* ---- Long run: a random device against a random stack ------------------------ */

static uint32_t rnd(void)
{
	static uint64_t s = 88172645463325252ull;

	s ^= s << 13, s ^= s >> 7, s ^= s << 17;
	return (uint32_t)(s >> 16);
}

static void random_device(bool hostile)
{
	unsigned room = 256u - (uint16_t)(dev.used_idx[0] - dev.queue[0]->seen);

	for (unsigned i = rnd() % 8; i > 0 && room > 0; i--, room--) {
		if (hostile && rnd() % 8 == 0)
			complete(0, rnd() % 512, rnd() % 2048);
		else if (deliver(0, (uint8_t)rnd(), 14 + rnd() % 1501) < 0)
			break;
	}
	room = 256u - (uint16_t)(dev.used_idx[1] - dev.queue[1]->seen);
	for (unsigned i = rnd() % 8; i > 0 && room > 0; i--, room--) {
		int id = hostile && rnd() % 8 == 0 ? (int)(rnd() % 300) : take(1);

		if (id < 0)
			break;
		complete(1, (uint32_t)id, rnd());
	}
}

static void random_stack(bool *mine, struct frame **held, unsigned *n)
{
	struct frame *f;

	while (*n < 256 && rnd() % 4 && (f = virtio_net.recv(&nd)) != NULL) {
		assert_false(mine[f->index]);
		assert_in_range(f->len, 14, NETDEV_FRAME_MAX);
		mine[f->index] = true;
		memset(f->data, 0xee, f->len);
		held[(*n)++] = f;
	}
	while (*n > 0 && rnd() % 4) {
		unsigned i = rnd() % *n;

		mine[held[i]->index] = false;
		virtio_net.release(&nd, held[i]);
		held[i] = held[--*n];
	}
	for (unsigned i = rnd() % 8; i > 0; i--) {
		uint8_t *buf = virtio_net.tx_get(&nd);

		if (!buf)
			break;
		memset(buf, 0x77, NETDEV_FRAME_MAX);
		virtio_net.tx_put(&nd, 14 + rnd() % 1501, no_csum);
	}
	if (rnd() % 2)
		virtio_net.flush(&nd);
	if (rnd() % 4 == 0)
		virtio_net.arm(&nd);
}

static void long_run(bool hostile)
{
	static bool mine[256];
	static struct frame *held[256];
	unsigned n = 0;

	memset(mine, 0, sizeof(mine));
	for (unsigned i = 0; i < 50000; i++) {
		random_device(hostile);
		random_stack(mine, held, &n);
	}
	assert_int_equal(fake_log_lines, 0);
	if (hostile)
		return;

	/* Nothing was lost on the way: the device can fill every buffer. */
	while (n > 0)
		virtio_net.release(&nd, held[--n]);
	for (struct frame *f; (f = virtio_net.recv(&nd)) != NULL;)
		virtio_net.release(&nd, f);
	virtio_net.flush(&nd);
	for (unsigned i = 0; i < 256; i++)
		assert_true(deliver(0, 1, 60) >= 0);
	assert_int_equal(deliver(0, 1, 60), -1);
}

static void test_long_run(void **state)
{
	long_run(false);
}

static void test_long_run_hostile(void **state)
{
	long_run(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_open, setup),
		cmocka_unit_test_setup(test_open_refused, setup),
		cmocka_unit_test_setup(test_open_odd, setup),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_legacy_full),
		cmocka_unit_test(test_legacy_in_turn),
		cmocka_unit_test(test_legacy_without_pages),
		cmocka_unit_test(test_legacy_refused),
		cmocka_unit_test_setup(test_receive, setup),
		cmocka_unit_test_setup(test_receive_dry, setup),
		cmocka_unit_test_setup(test_receive_nonsense, setup),
		cmocka_unit_test_setup(test_receive_jump, setup),
		cmocka_unit_test_setup(test_release_twice, setup),
		cmocka_unit_test_setup(test_send, setup),
		cmocka_unit_test_setup(test_send_out_of_order, setup),
		cmocka_unit_test_setup(test_send_nonsense, setup),
		cmocka_unit_test_setup(test_arm, setup),
		cmocka_unit_test_setup(test_plain, setup_plain),
		cmocka_unit_test_setup(test_long_run, setup),
		cmocka_unit_test_setup(test_long_run_hostile, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
