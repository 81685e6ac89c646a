/* SPDX-License-Identifier: MIT */
/* kernel/dev/blk_virtio.c against a device that answers well, late, badly and never. Whatever it
 * does, it ends reset, and what it was given of the DMA pool is free again. */
/* sources: kernel/dev/blk_virtio.c kernel/dev/drive.c kernel/dev/virtio.c net/dev/virtio_net.c
 * tests/unit/fake_virtio.c tests/unit/fake_nic.c tests/unit/fake_kernel.c */
/* cflags: -Wl,--wrap=clock_now */
#include "tests/unit/fake_virtio.h"

#include "kernel/clock.h"
#include "kernel/config_drive.h"
#include "kernel/dev.h"

#define SECTORS 8192u

extern const struct source blk_virtio, blk_virtio_pci;
static const struct device at = { .kind = DEV_VIRTIO_MMIO };

/* What the device does with a request. */
static enum { WELL, NEVER, ERROR, OTHER_ID, JUMP } how;
static unsigned requests;
static void (*reader)(struct block *b);
static int found;

static void answer(void)
{
	struct vring_desc *d;
	const struct { uint32_t type, reserved; uint64_t sector; } *request;

	if (how == NEVER || !(dev.status & VIRTIO_DRIVER_OK) || !dev.queue[0] || take(0) < 0)
		return;
	requests++;
	d = dev.queue[0]->desc;
	request = (void *)(uintptr_t)d[0].addr;
	assert_int_equal(d[0].len, 16);
	assert_int_equal(d[0].flags, 1);
	assert_int_equal(request->type, 0);
	assert_int_equal(d[d[0].next].flags, 3);
	assert_int_equal(d[d[d[0].next].next].flags, 2);
	assert_int_equal(d[2].len, 1);
	assert_true(request->sector + d[1].len / BLOCK_SECTOR <= SECTORS);
	memset((void *)(uintptr_t)d[1].addr, (int)request->sector + 1, d[1].len);
	*(uint8_t *)(uintptr_t)d[2].addr = how == ERROR;
	complete(0, how == OTHER_ID, d[1].len + 1);
	if (how == JUMP)
		dev.queue[0]->used->idx += 1000;
}

/* The driver looks at the clock while it waits. */
ktime __real_clock_now(void);
ktime __wrap_clock_now(void);
ktime __wrap_clock_now(void)
{
	answer();
	return __real_clock_now();
}

int config_drive_apply(struct block *b)
{
	assert_int_equal(b->sectors, SECTORS);
	assert_string_equal(b->where, "fake");
	if (reader)
		reader(b);
	return found;
}

static int open_with(int device, void (*fn)(struct block *b))
{
	int rc;

	device_new(VERSION_1 | EVENT_IDX);
	dev.type = VIRTIO_BLK;
	memcpy(dev.config, "\0\x20\0\0\0\0\0\0", 8);
	how = device;
	reader = fn;
	requests = 0;
	rc = blk_virtio.apply(&at);
	assert_int_equal(dev.status & VIRTIO_DRIVER_OK, 0);
	assert_int_equal(mem_dma_mark(), (uintptr_t)pool);
	for (size_t i = 0; i < POOL; i++)
		if (pool[i] == 6)
			fail_msg("what was read is still there");
	return rc;
}

static void read_well(struct block *b)
{
	const uint8_t *p = b->read(b, 5, 1);

	assert_int_equal(p[0], 6);
	assert_int_equal(p[511], 6);
	assert_ptr_equal(b->read(b, 5, 1), p);         /* is there */
	assert_int_equal(requests, 1);
	p = b->read(b, SECTORS - 8, 8);
	assert_int_equal(p[4095], (uint8_t)(SECTORS - 7));
	p = block_bytes(b, 5 * 512 + 500, 20);
	assert_int_equal(*p, 6);
	assert_null(block_bytes(b, (uint64_t)SECTORS * 512 - 1, 2));
	assert_null(block_bytes(b, UINT64_MAX, 1));
	assert_null(block_bytes(b, 1, 4096));
	assert_null(block_bytes(b, 0, 0));
	assert_int_equal(requests, 3);
}

static void test_well(void **state)
{
	found = 0;
	assert_int_equal(open_with(WELL, read_well), 0);
	found = -ENODEV;
	assert_int_equal(open_with(WELL, read_well), -ENODEV);
	assert_int_equal(dev.gates, 0);
	assert_int_equal(fake_log_lines, 0);
}

static void read_badly(struct block *b)
{
	assert_null(b->read(b, 5, 1));
	how = WELL;
	assert_null(b->read(b, 5, 1));                 /* not asked a second time */
}

static void test_badly(void **state)
{
	found = -ENODEV;
	for (int i = NEVER; i <= JUMP; i++) {
		assert_int_equal(open_with(i, read_badly), -ENODEV);
		assert_int_equal(fake_log_lines, 1);
		assert_int_equal(requests, i != NEVER);
		assert_string_equal(fake_log, i == NEVER ?
				    "fake: cannot be read (no answer in time)" :
				    "fake: cannot be read (it says so)");
	}
}

static void test_refuses(void **state)
{
	device_new(0);
	dev.type = VIRTIO_BLK;
	reader = NULL;
	assert_int_equal(blk_virtio.apply(&at), -ENODEV);
	device_new(VERSION_1);
	dev.type = VIRTIO_BLK;
	dev.queue_max[0] = 2;
	assert_int_equal(blk_virtio.apply(&at), -ENODEV);
	assert_string_equal(fake_log, "fake: is not looked at for a config drive: error 12");
	assert_int_equal(mem_dma_mark(), (uintptr_t)pool);
	device_new(VERSION_1);
	assert_int_equal(blk_virtio.apply(&at), -ENODEV);      /* another kind of device */
	assert_int_equal(dev.resets, 0);
	assert_int_equal(blk_virtio_pci.apply(&at), -ENODEV);
	/* One that stays busy may still write: what it has is not given to another. */
	device_new(VERSION_1);
	dev.type = VIRTIO_BLK;
	dev.busy_for_ever = true;
	assert_int_equal(blk_virtio.apply(&at), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_badly),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
