/* SPDX-License-Identifier: MIT */
/* kernel/dev/rng_virtio.c against a device that answers well, late, badly and never. The driver
 * keeps the first device that answered at boot, and so the tests run in this order. */
/* sources: kernel/dev/rng_virtio.c kernel/dev/virtio.c net/dev/virtio_net.c
 * tests/unit/fake_virtio.c tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "tests/unit/fake_virtio.h"

#include "kernel/dev.h"
#include "kernel/random.h"

#define BYTES 64

extern const struct entropy rng_virtio;
static const struct device at = { .kind = DEV_VIRTIO_MMIO };

static const struct random_source *source;
static unsigned added, added_bits;
static uint32_t answer_id, answer_len;

void random_add(const void *data, size_t len, const char *name, unsigned bits)
{
	added++;
	added_bits = bits;
	assert_int_equal(*(const uint8_t *)data, 0xa5);
}

void random_set_source(const struct random_source *s)
{
	source = s;
}

/* As the device does it, or, with another id or length, as it never should. */
static void answer(void)
{
	int id = take(0);
	struct vring_desc *d = &dev.queue[0]->desc[0];

	assert_int_equal(id, 0);
	assert_int_equal(d->len, BYTES);
	assert_int_equal(d->flags, VRING_DESC_WRITE);
	assert_true(d->addr >= (uintptr_t)pool && d->addr + BYTES <= (uintptr_t)pool + POOL);
	memset((void *)(uintptr_t)d->addr, 0xa5, BYTES);
	complete(0, answer_id, answer_len);
}

static int open_with(void (*on_bell)(void), uint32_t id, uint32_t len)
{
	device_new(VERSION_1);
	dev.type = VIRTIO_RNG;
	dev.on_bell = on_bell;
	answer_id = id;
	answer_len = len;
	added = 0;
	return rng_virtio.open(&at);
}

/* No answer, or nonsense: the device is turned off, and nothing is asked of it later. */
static void test_bad_at_boot(void **state)
{
	assert_int_equal(open_with(NULL, 0, 0), -ETIMEDOUT);
	assert_int_equal(dev.status, 0);
	assert_int_equal(open_with(answer, 1, BYTES), -EIO);
	assert_int_equal(dev.status, 0);
	assert_int_equal(open_with(answer, 0, BYTES + 1), -EIO);
	assert_int_equal(open_with(answer, 0, 0), -EIO);
	assert_int_equal(added, 0);
	assert_null(source);
}

static void test_boot(void **state)
{
	assert_int_equal(open_with(answer, 0, BYTES), 0);
	assert_int_equal(added, 1);
	assert_int_equal(added_bits, BYTES * 8);
	assert_non_null(source);
	assert_null(dev.gate[0].staged);       /* the descriptor cannot be changed any more */
	assert_int_equal(dev.rings[0], 1);
	assert_int_equal(*(uint8_t *)(uintptr_t)dev.queue[0]->desc[0].addr, 0);
}

/* One request at a time; an answer is taken once. */
static void test_ask_again(void **state)
{
	uint8_t buf[BYTES] = { 0 };

	dev.on_bell = NULL;
	assert_int_equal(source->take(buf, BYTES), 0);
	source->ask();
	source->ask();
	assert_int_equal(dev.rings[0], 2);
	assert_int_equal(source->take(buf, BYTES), 0);
	answer();
	assert_int_equal(source->take(buf, BYTES), BYTES);
	assert_int_equal(buf[BYTES - 1], 0xa5);
	assert_int_equal(*(uint8_t *)(uintptr_t)dev.queue[0]->desc[0].addr, 0);
	assert_int_equal(source->take(buf, BYTES), 0);
}

/* What came before the question is not what is asked for: it may have come before a snapshot. */
static void test_stale(void **state)
{
	uint8_t buf[BYTES];

	source->ask();
	answer();
	source->ask();
	assert_int_equal(dev.rings[0], 4);
	assert_int_equal(source->take(buf, BYTES), 0);
	answer();
	assert_int_equal(source->take(buf, 16), 16);
}

static void test_nonsense(void **state)
{
	uint8_t buf[BYTES];

	source->ask();
	answer_id = 7;
	answer();
	assert_int_equal(source->take(buf, BYTES), 0);
	source->ask();
	answer_id = 0;
	answer_len = 100000;
	answer();
	assert_int_equal(source->take(buf, BYTES), 0);
	source->ask();
	dev.queue[0]->used->idx += 1000;       /* a ring that jumps means nothing any more */
	assert_int_equal(source->take(buf, BYTES), 0);
	source->ask();
	assert_int_equal(source->take(buf, BYTES), 0);
}

static void test_second_device(void **state)
{
	assert_int_equal(open_with(answer, 0, BYTES), 0);
	assert_int_equal(dev.rings[0], 0);
	assert_int_equal(dev.resets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_at_boot),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_ask_again),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_second_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
