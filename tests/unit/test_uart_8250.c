/* SPDX-License-Identifier: MIT */
/* kernel/dev/uart_8250.c: registers of a byte and of a word, in a page of plain memory, where
 * THR keeps the last byte that was sent. */
/* sources: kernel/dev/uart_8250.c tests/unit/fake_kernel.c */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/mem.h"
#include "tests/unit/fake_kernel.h"

#define LSR 5
#define READY 1
#define EMPTY 0x20
#define AWAY ((uint64_t)1 << 40)

extern const struct uart uart_8250;

static uint8_t *page;
static unsigned mapped;

void *arch_boot_map(uint64_t pa, size_t len)
{
	return pa < AWAY || pa >= 2 * AWAY ? (void *)(uintptr_t)pa : NULL;
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	assert_true(va == (uintptr_t)page && va == pa && len == PAGE_SIZE);
	assert_int_equal(prot, PROT_R | PROT_W | PROT_DEVICE);
	mapped++;
}

static int setup(void **state)
{
	if (!page)
		page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	memset(page, 0, PAGE_SIZE);
	mapped = 0;
	return 0;
}

/* A register of the UART at `at` whose registers are `step` apart. */
static uint8_t *reg(unsigned at, unsigned step, unsigned n)
{
	return page + at + step * n;
}

static void test_bytes(void **state)
{
	for (unsigned step = 1; step <= 4; step += 3) {
		const unsigned at = step == 1 ? 0x3f8 : 0x400;
		struct device dev = { .base = (uintptr_t)page + at, .arg = step == 1 };

		setup(NULL);
		*reg(at, step, 1) = 0xff;
		assert_int_equal(uart_8250.open(&dev), 0);
		assert_int_equal(mapped, 1);
		assert_int_equal(*reg(at, step, 1), 0);
		assert_int_equal(*reg(at, step, 2), 1);
		*reg(at, step, LSR) = EMPTY;
		uart_8250.putc('Z');
		assert_int_equal(*reg(at, step, 0), 'Z');
		assert_int_equal(uart_8250.getc(), -EAGAIN);
		*reg(at, step, LSR) = EMPTY | READY;
		assert_int_equal(uart_8250.getc(), 'Z');
	}
}

/* I/O ports are the other driver's; what does not fit into one page, or lies where nothing can
 * be, is refused. */
static void test_addresses(void **state)
{
	static const struct { uint64_t base; uint32_t arg; int rc; } cases[] = {
		{ 0x3f8, 1, -ENODEV }, { 0xffff, 1, -ENODEV }, { 0xfe000ff9, 1, -EINVAL },
		{ 0xfe000002, 4, -EINVAL }, { 0xfe000ff0, 4, -EINVAL }, { AWAY, 1, -EINVAL },
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct device dev = { .base = cases[i].base, .arg = cases[i].arg };

		assert_int_equal(uart_8250.open(&dev), cases[i].rc);
	}
	assert_int_equal(mapped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_bytes, setup),
		cmocka_unit_test_setup(test_addresses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
