/* SPDX-License-Identifier: MIT */
/* kernel/dev/scsi_virtio.c against a host with a few units, which answers well, late, badly and
 * never. Whatever it does, it ends reset, and what it was given of the DMA pool is free again. */
/* sources: kernel/dev/scsi_virtio.c kernel/dev/scsi.c kernel/dev/drive.c kernel/dev/virtio.c
 * net/dev/virtio_net.c tests/unit/fake_virtio.c tests/unit/fake_nic.c tests/unit/fake_kernel.c */
/* cflags: -Wl,--wrap=clock_now */
#include "tests/unit/fake_virtio.h"

#include "kernel/clock.h"
#include "kernel/config_drive.h"
#include "kernel/dev.h"

#define BLOCKS 1000u
#define CD 4u                          /* the target that is one */

extern const struct source scsi_virtio;
static const struct device at = { .kind = DEV_VIRTIO_MMIO };

static enum { WELL, NEVER, BROKEN, EMPTY, ODD, READ_FAILS } how;
static unsigned commands, attentions, heard, last_target;
static uint32_t unit_len;
static void (*reader)(struct block *b);
static unsigned readers;

static void put_be32(uint8_t *p, uint32_t n)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* What unit `target` makes of a command: its status. */
static uint8_t execute(const uint8_t *cdb, uint8_t *data, uint32_t len)
{
	uint32_t first = (uint32_t)cdb[2] << 24 | cdb[3] << 16 | cdb[4] << 8 | cdb[5];
	unsigned n = cdb[7] << 8 | cdb[8];

	if (cdb[0] == 0x03) {
		assert_int_equal(cdb[4], len);
		attentions -= attentions > 0;
		heard++;
		return 0;
	}
	if (attentions > 0)
		return 2;
	switch (cdb[0]) {
	case 0x00:
		return how == EMPTY ? 2 : 0;
	case 0x25:
		assert_int_equal(len, 8);
		put_be32(data, BLOCKS - 1);
		put_be32(data + 4, how == ODD ? 2352 : unit_len);
		return 0;
	case 0x28:
		assert_true(n > 0 && first + n <= BLOCKS);
		assert_int_equal(len, n * unit_len);
		for (unsigned i = 0; i < n; i++)
			memset(data + i * unit_len, (int)(first + i + 1), unit_len);
		return how == READ_FAILS ? 8 : 0;
	default:
		fail_msg("command %u", cdb[0]);
		return 2;
	}
}

static void answer(void)
{
	struct vring_desc *d;
	const uint8_t *command;
	uint8_t *result;

	if (how == NEVER || !dev.queue[2] || take(2) < 0)
		return;
	commands++;
	d = dev.queue[2]->desc;
	assert_int_equal(d[0].len, 51);
	assert_int_equal(d[0].flags, VRING_DESC_NEXT);
	assert_int_equal(d[1].len, 108);
	assert_int_equal(d[1].flags & VRING_DESC_WRITE, VRING_DESC_WRITE);
	assert_int_equal(d[2].flags, VRING_DESC_WRITE);
	command = (const uint8_t *)(uintptr_t)d[0].addr;
	result = (uint8_t *)(uintptr_t)d[1].addr;
	assert_int_equal(command[0], 1);
	last_target = command[1];
	assert_int_equal(command[2], 0x40);
	result[11] = how == BROKEN ? 9 : last_target == CD ? 0 : 3;
	if (result[11] == 0)
		result[10] = execute(command + 19, (uint8_t *)(uintptr_t)d[2].addr,
				     d[1].flags & VRING_DESC_NEXT ? d[2].len : 0);
	complete(2, 0, 108);
}

ktime __real_clock_now(void);
ktime __wrap_clock_now(void);
ktime __wrap_clock_now(void)
{
	answer();
	return __real_clock_now();
}

int config_drive_apply(struct block *b)
{
	readers++;
	assert_int_equal(b->sectors, (uint64_t)BLOCKS * (unit_len / 512));
	if (reader)
		reader(b);
	return reader ? 0 : -ENODEV;
}

static int open_with(int device, uint32_t len, void (*fn)(struct block *b))
{
	int rc;

	device_new(VERSION_1 | EVENT_IDX);
	dev.type = VIRTIO_SCSI;
	dev.queue_max[2] = 128;
	dev.config[30] = 6;                    /* max_target */
	how = device;
	unit_len = len;
	reader = fn;
	commands = readers = 0;
	rc = scsi_virtio.apply(&at);
	assert_int_equal(dev.status & VIRTIO_DRIVER_OK, 0);
	assert_int_equal(mem_dma_mark(), (uintptr_t)pool);
	return rc;
}

/* Each sector holds what its logical block does. */
static void read_well(struct block *b)
{
	unsigned each = unit_len / 512, before;

	for (uint64_t first = 0; first + 8 <= b->sectors; first += 5) {
		const uint8_t *p = b->read(b, first, 8);

		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(p[i * 512], (uint8_t)((first + i) / each + 1));
	}
	assert_int_equal(*b->read(b, b->sectors - 1, 1), (uint8_t)BLOCKS);
	before = commands;
	assert_int_equal(*b->read(b, b->sectors - 1, 1), (uint8_t)BLOCKS);
	assert_int_equal(commands, before);
}

static void test_well(void **state)
{
	for (uint32_t len = 512; len <= 4096; len *= 2) {
		attentions = 2;
		heard = 0;
		assert_int_equal(open_with(WELL, len, read_well), 0);
		assert_int_equal(heard, 2);
		assert_int_equal(readers, 1);
		assert_int_equal(last_target, CD);
		assert_int_equal(fake_log_lines, 0);
	}
	assert_int_equal(open_with(WELL, 2048, NULL), -ENODEV);
	assert_int_equal(last_target, 6);
}

static void read_badly(struct block *b)
{
	assert_null(b->read(b, 0, 1));
	how = WELL;
	assert_null(b->read(b, 0, 1));
}

static void test_badly(void **state)
{
	assert_int_equal(open_with(NEVER, 2048, NULL), -ENODEV);
	assert_int_equal(fake_log_lines, 1);
	assert_string_equal(fake_log, "fake: is not looked at for a config drive: error 110");
	assert_int_equal(open_with(BROKEN, 2048, NULL), -ENODEV);
	assert_int_equal(commands, 1);
	assert_int_equal(fake_log_lines, 1);
	assert_string_equal(fake_log, "fake: is not looked at for a config drive: error 5");
	assert_int_equal(open_with(EMPTY, 2048, NULL), -ENODEV);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(open_with(ODD, 2048, NULL), -ENODEV);
	assert_int_equal(fake_log_lines, 1);
	assert_string_equal(fake_log, "fake: 1000 blocks of 2352 bytes: expected 1 to 2^48, of "
			    "512, 1024, 2048 or 4096");
	assert_int_equal(readers, 0);
	attentions = 100;
	assert_int_equal(open_with(WELL, 2048, NULL), -ENODEV);
	assert_int_equal(readers, 0);
	attentions = 0;
	assert_int_equal(fake_log_lines, 0);
	open_with(READ_FAILS, 2048, read_badly);
	assert_int_equal(fake_log_lines, 1);
	assert_string_equal(fake_log, "fake: cannot be read (it says so)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_badly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
