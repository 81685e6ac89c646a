/* SPDX-License-Identifier: MIT */
/* kernel/dev/uart_cmsdk.c: speed, both directions, and a line that does not drain. */
/* sources: kernel/dev/uart_cmsdk.c tests/unit/fake_mmio.c tests/unit/fake_kernel.c */
#include <errno.h>
#include <string.h>

#include "kernel/dev.h"
#include "tests/unit/fake_kernel.h"
#include "tests/unit/fake_mmio.h"

extern const struct uart uart_cmsdk;

static struct {
	uint32_t ctrl, bauddiv;
	char sent[32];
	unsigned sent_len, looks;
	int got;                                /* the byte that has come in, or -1 */
	bool stuck;
} chip;
static uintptr_t base;

static uint32_t chip_read(unsigned offset)
{
	uint32_t byte = (uint32_t)chip.got;

	switch (offset) {
	case 0x00:
		assert_true(chip.got >= 0);
		chip.got = -1;
		return byte;
	case 0x04:
		chip.looks++;
		return (chip.stuck ? 1u : 0) | (chip.got >= 0 ? 2u : 0);
	}
	fail_msg("a read of %#x", offset);
	return 0;
}

static void chip_write(unsigned offset, uint32_t value)
{
	switch (offset) {
	case 0x00:
		assert_true((chip.ctrl & 1) && !chip.stuck && value <= 0xff);
		chip.sent[chip.sent_len++] = (char)value;
		return;
	case 0x08: chip.ctrl = value; return;
	case 0x10: chip.bauddiv = value; return;
	}
	fail_msg("a write to %#x", offset);
}

static const struct fake_mmio model = { chip_read, chip_write };

static int setup(void **state)
{
	memset(&chip, 0, sizeof(chip));
	chip.got = -1;
	if (!base)
		base = fake_mmio_map(&model);
	return 0;
}

static int chip_open(uint32_t hz)
{
	struct device at = { .kind = DEV_UART_CMSDK, .base = base, .arg = hz };

	return uart_cmsdk.open(&at);
}

static void test_speed(void **state)
{
	static const struct { uint32_t hz, div; } cases[] = {
		{ 25000000, 217 }, { 50000000, 434 }, { 1000000, 16 }, { 0, 16 },
	};
	struct device odd = { .base = base + 4 };

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(chip_open(cases[i].hz), 0);
		assert_int_equal(chip.bauddiv, cases[i].div);
		assert_int_equal(chip.ctrl, 3);
	}
	assert_int_equal(uart_cmsdk.open(&odd), -EINVAL);
}

static void test_bytes(void **state)
{
	assert_int_equal(chip_open(25000000), 0);
	for (const char *c = "Zeitkern\xff"; *c; c++)
		uart_cmsdk.putc(*c);
	assert_string_equal(chip.sent, "Zeitkern\xff");
	assert_int_equal(uart_cmsdk.getc(), -EAGAIN);
	chip.got = 0xff;
	assert_int_equal(uart_cmsdk.getc(), 0xff);
	assert_int_equal(uart_cmsdk.getc(), -EAGAIN);
}

/* It waits once, then drops what comes until the line drains again. */
static void test_stuck(void **state)
{
	assert_int_equal(chip_open(25000000), 0);
	chip.stuck = true;
	uart_cmsdk.putc('a');
	assert_in_range(chip.looks, 1000, 100000);
	chip.looks = 0;
	uart_cmsdk.putc('b');
	uart_cmsdk.putc('c');
	assert_int_equal(chip.looks, 2);
	chip.stuck = false;
	uart_cmsdk.putc('d');
	assert_string_equal(chip.sent, "d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_speed, setup),
		mmio_unit_test_setup(test_bytes, setup),
		mmio_unit_test_setup(test_stuck, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
