/* SPDX-License-Identifier: MIT */
/* kernel/dev.c and kernel/dev/watchdog_sp805.c with a model of the registers that
 * runs by an invented clock: whether and when it resets the machine. */
/* sources: kernel/dev.c kernel/dev/watchdog_sp805.c tests/unit/fake_mmio.c
 * tests/unit/fake_kernel.c */
#include "tests/unit/fake_mmio.h"

#include <errno.h>
#include <string.h>

#include "kernel/dev.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/task.h"
#include "tests/unit/fake_kernel.h"

#define HZ 25000000u
#define KEY 0x1acce551u

extern const struct watchdog watchdog_cmsdk, watchdog_luminary;

static struct {
	uint32_t load, control, test, gates;
	uint64_t zero;                          /* when it counts down to zero, in its ticks */
	bool open, raised, reset, stray;
} chip;
static uint64_t ticks;                         /* of its clock */
static uintptr_t base, system_control;

/* ---- The chip (DDI 0270B §3.3) ------------------------------------------------ */

/* Lets time pass: at zero it says so and counts again, or resets. */
static void pass_ms(uint32_t ms)
{
	uint64_t end = ticks + (uint64_t)ms * (HZ / 1000);

	while ((chip.control & 1) && chip.zero <= end) {
		chip.reset |= chip.raised && (chip.control & 2);
		chip.raised = true;
		chip.zero += MAX(chip.load, 1u);
	}
	ticks = end;
}

static uint32_t chip_read(unsigned offset)
{
	assert_true(chip.gates & 8);
	return offset == 4 ? (uint32_t)(chip.zero - ticks) : 0;
}

static void chip_write(unsigned offset, uint32_t value)
{
	assert_true(chip.gates & 8);
	if (offset == 0xc00) {
		chip.open = value == KEY;
		return;
	}
	if (!chip.open) {
		chip.stray = true;
		return;
	}
	switch (offset) {
	case 0x000:
		chip.load = value;
		chip.zero = ticks + value;
		break;
	case 0x008:
		if ((value & 1) && !(chip.control & 1))
			chip.zero = ticks + chip.load;
		chip.control = value;
		break;
	case 0x00c:
		chip.raised = false;
		chip.zero = ticks + chip.load;
		break;
	case 0x418:
		chip.test = value;
		break;
	default:
		fail_msg("a write to %#x", offset);
	}
}

static uint32_t gate_read(unsigned offset)
{
	assert_int_equal(offset, 0x100);
	return chip.gates;
}

static void gate_write(unsigned offset, uint32_t value)
{
	assert_int_equal(offset, 0x100);
	chip.gates = value;
}

static const struct fake_mmio model = { chip_read, chip_write };
static const struct fake_mmio gates = { gate_read, gate_write };

/* ---- The kernel --------------------------------------------------------------- */

struct machine machine;
const struct bus *const board_buses[] = { NULL };
const struct source *const board_sources[] = { NULL };
const struct uart *const board_uarts[] = { NULL };
const struct rtc *const board_rtcs[] = { NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { NULL };
const struct watchdog *const board_watchdogs[] = { &watchdog_cmsdk, &watchdog_luminary, NULL };

const struct device *machine_find(enum device_kind kind, const struct device *prev)
{
	for (unsigned i = prev ? (unsigned)(prev - machine.dev) + 1 : 0; i < machine.dev_count; i++)
		if (machine.dev[i].kind == kind)
			return &machine.dev[i];
	return NULL;
}

uint64_t arch_ticks(void)
{
	return ticks / 5;                       /* the CPU's counter is another one */
}

uint64_t arch_ticks_hz(void)
{
	return HZ / 5;
}

ktime clock_after_ms(int64_t ms)
{
	return 0;
}

bool random_ready(void)
{
	return true;
}

int task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return -ENOMEM;
}

int task_sleep(ktime deadline)
{
	return 0;
}

void task_state(const char *state)
{
}

void task_poll_event(struct event *e)
{
}

int event_wait(struct event *e, ktime deadline)
{
	return 0;
}

/* ---- Tests: the module starts one watchdog for ever, so in this order ---------- */

static int setup(void **state)
{
	if (!base) {
		base = fake_mmio_map(&model);
		system_control = fake_mmio_map(&gates);
	}
	memset(&chip, 0, sizeof(chip));
	chip.gates = 0xff;
	chip.load = chip.zero = UINT32_MAX;
	machine.dev_count = 0;
	return 0;
}

static struct device cmsdk(void)
{
	return (struct device){ .kind = DEV_WATCHDOG_CMSDK, .base = base, .arg = HZ };
}

static void test_time_out(void **state)
{
	static const uint32_t ms[] = { 2, 1000, 10000, 60000 };
	struct device dev = cmsdk();

	for (unsigned i = 0; i < ARRAY_LEN(ms); i++) {
		setup(NULL);
		assert_int_equal(watchdog_cmsdk.open(&dev, ms[i]), ms[i]);
		pass_ms(ms[i] - 1);
		assert_false(chip.reset);
		pass_ms(1);
		assert_true(chip.reset);
	}
}

/* Fed in its first half or in its second, it waits for the whole time anew. */
static void test_feed(void **state)
{
	static const uint32_t after[] = { 0, 1, 2499, 4999, 5000, 5001, 9999 };
	struct device dev = cmsdk();

	assert_int_equal(watchdog_cmsdk.open(&dev, 10000), 10000);
	for (unsigned i = 0; i < ARRAY_LEN(after) * 3; i++) {
		pass_ms(after[i % ARRAY_LEN(after)]);
		watchdog_cmsdk.feed();
		assert_false(chip.reset || chip.raised || chip.open);
	}
	pass_ms(9999);
	assert_false(chip.reset);
	pass_ms(1);
	assert_true(chip.reset);
	assert_false(chip.stray);
	assert_in_range(fake_mmio_mapped(base), 1, 100);
}

static void test_limits(void **state)
{
	struct device dev = cmsdk();
	int ms = watchdog_cmsdk.open(&dev, 3600000);

	/* Two counts of 32 bits at 25 MHz. */
	assert_in_range(ms, 343000, 343597);
	pass_ms((uint32_t)ms - 1);
	assert_false(chip.reset);
	pass_ms(1);
	assert_true(chip.reset);

	setup(NULL);
	assert_int_equal(watchdog_cmsdk.open(&dev, 1), -EINVAL);
	dev.arg = 999;
	assert_int_equal(watchdog_cmsdk.open(&dev, 1000), -EINVAL);
	dev = cmsdk();
	dev.base += 4;
	assert_int_equal(watchdog_cmsdk.open(&dev, 1000), -EINVAL);
	assert_int_equal(chip.control, 0);
}

/* Its registers answer only once its clock runs. */
static void test_luminary(void **state)
{
	struct device dev = {
		.kind = DEV_WATCHDOG_LUMINARY, .base = base, .base2 = system_control, .arg = HZ,
	};

	chip.gates = 0x40;
	assert_int_equal(watchdog_luminary.open(&dev, 4000), 4000);
	assert_int_equal(chip.gates, 0x48);
	assert_int_equal(chip.test, 1 << 8);
	pass_ms(3999);
	watchdog_luminary.feed();
	pass_ms(3999);
	assert_false(chip.reset || chip.open || chip.stray);
	pass_ms(1);
	assert_true(chip.reset);

	/* Where something else has opened the gate, it is left alone. */
	chip.gates = 0x1008;
	dev.base2 = 0;
	assert_int_equal(watchdog_luminary.open(&dev, 4000), 4000);
	assert_int_equal(chip.gates, 0x1008);
}

static void test_none(void **state)
{
	fake_log_lines = 0;
	watchdog_start(10);
	watchdog_feed();
	assert_true(watchdog_alarm(UINT64_MAX) == UINT64_MAX);
	machine.dev[0] = cmsdk();
	machine.dev_count = 1;
	watchdog_start(0);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(chip.control, 0);
	machine.dev[0].arg = 0;
	watchdog_start(10);
	assert_int_equal(fake_log_lines, 1);
	assert_non_null(strstr(fake_log, "error 22"));
	watchdog_feed();
	assert_int_equal(chip.control, 0);
}

/* As the scheduler does it: an idle machine comes back in time, for ever. */
static void test_scheduler(void **state)
{
	machine.dev[0] = cmsdk();
	machine.dev_count = 1;
	watchdog_start(10);
	assert_non_null(strstr(fake_log, "10.000 s"));
	assert_true(watchdog_alarm(arch_ticks()) == arch_ticks());
	for (unsigned i = 0; i < 100; i++) {
		uint64_t wait = watchdog_alarm(UINT64_MAX) - arch_ticks();

		assert_in_range(wait, HZ / 5, HZ / 5 * 5);
		pass_ms((uint32_t)(wait / (HZ / 5 / 1000)));
		watchdog_feed();
		assert_false(chip.reset || chip.raised);
	}
	pass_ms(10000);
	assert_true(chip.reset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_time_out, setup),
		mmio_unit_test_setup(test_feed, setup),
		mmio_unit_test_setup(test_limits, setup),
		mmio_unit_test_setup(test_luminary, setup),
		mmio_unit_test_setup(test_none, setup),
		mmio_unit_test_setup(test_scheduler, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
