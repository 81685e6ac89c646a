/* SPDX-License-Identifier: MIT */
/* Chooses drivers from the board's lists for the devices that the machine has
 * (kernel/dev.h), and is the one console, clock, button and watchdog of the rest. */
#include "kernel/dev.h"

#include <errno.h>

#include "kernel/budget.h"
#include "kernel/random.h"
#include "kernel/task.h"

#define BUTTON_PAUSE_MS 200    /* between two looks at the button */

static const struct uart *console SEALED;
static const struct rtc *rtc SEALED;
static bool has_button SEALED;
static const struct watchdog *watchdog SEALED;
static uint64_t feed_ticks SEALED;     /* the longest idle between two feeds */
static struct event button_event;
static char early[BUDGET_EARLY_LOG];   /* log text from before the console is open */
static unsigned early_len;

/* Opens `open` for devices of `kind` until one accepts: it, or NULL. */
static const struct device *open_first(enum device_kind kind, int (*open)(const struct device *))
{
	const struct device *d = NULL;
	int err;

	while ((d = machine_find(kind, d))) {
		err = open(d);
		if (err == 0)
			return d;
		if (err != -ENODEV)
			log_warn("device at %#llx: error %d", (unsigned long long)d->base, -err);
	}
	return NULL;
}

/* In the order of the machine's devices: the first is the one that the machine means. */
static void open_console(bool late)
{
	for (unsigned n = 0; n < machine.dev_count && !console; n++) {
		for (unsigned i = 0; board_uarts[i] && !console; i++) {
			const struct uart *u = board_uarts[i];

			if (u->kind == machine.dev[n].kind && u->late == late &&
			    u->open(&machine.dev[n]) == 0)
				console = u;
		}
	}
	if (!console)
		return;
	for (unsigned i = 0; i < early_len; i++)
		console_putc(early[i]);
	early_len = 0;
}

void dev_open_console(void)
{
	open_console(false);
}

/* Every bus, with those that another bus added. */
static void open_buses(void)
{
	const struct device *d;

	for (unsigned i = 0; board_buses[i]; i++)
		for (d = NULL; (d = machine_find(board_buses[i]->kind, d)); )
			board_buses[i]->open(d);
}

void dev_open_rest(void)
{
	const struct device *d;

	open_buses();
	open_console(true);
	for (unsigned i = 0; board_rtcs[i] && !rtc; i++)
		if (open_first(board_rtcs[i]->kind, board_rtcs[i]->open))
			rtc = board_rtcs[i];
	for (unsigned i = 0; board_entropy[i]; i++)
		for (d = NULL; (d = machine_find(board_entropy[i]->kind, d)); )
			board_entropy[i]->open(d);
	for (unsigned i = 0; board_buttons[i]; i++)
		if (open_first(board_buttons[i]->kind, board_buttons[i]->open))
			has_button = true;
	if (has_button)
		task_poll_event(&button_event);
	if (!rtc)
		log_warn("clock: no RTC, the time of day is unknown");
}

void dev_apply_settings(void)
{
	for (unsigned i = 0; board_sources[i]; i++)
		open_first(board_sources[i]->kind, board_sources[i]->apply);
}

int rtc_read(int64_t *unix_ns, uint32_t *width)
{
	int64_t unix_s;
	int err;

	*width = 0;
	if (!rtc)
		return -ENODEV;
	if (rtc->read_ns)
		return rtc->read_ns(unix_ns);
	*width = SECONDS(1);
	err = rtc->read(&unix_s);
	if (err == 0)
		*unix_ns = SECONDS(unix_s);
	return err;
}

int button_pressed(void)
{
	int pressed = 0;

	for (unsigned i = 0; has_button && board_buttons[i]; i++)
		if (machine_find(board_buttons[i]->kind, NULL))
			pressed |= board_buttons[i]->pressed();
	return pressed;
}

void console_putc(char c)
{
	if (console)
		console->putc(c);
	else if (early_len < BUDGET_EARLY_LOG)
		early[early_len++] = c;
}

int console_getc(void)
{
	return console ? console->getc() : -EAGAIN;
}

/* Looks after an interrupt, any interrupt, but not after each: a look at the
 * button is an access to a device. While it pauses, the event keeps the news. */
static void watch_button(void *arg)
{
	void (*const *fn)(void) = arg;

	while (!button_pressed()) {
		task_sleep(clock_after_ms(BUTTON_PAUSE_MS));
		task_state("power button");
		event_wait(&button_event, FOREVER);
	}
	(*fn)();
}

int power_on_button(void (*fn)(void))
{
	static void (*pressed)(void);

	if (!has_button)
		return -ENODEV;
	pressed = fn;
	return task_spawn("power", watch_button, &pressed);
}

/* ---- Watchdog -------------------------------------------------------------- */

/* Opens w on the first device that accepts: its time-out in ms, or 0. */
static unsigned open_watchdog(const struct watchdog *w, uint32_t timeout_ms)
{
	const struct device *d = NULL;
	int ms;

	while ((d = machine_find(w->kind, d))) {
		ms = w->open(d, timeout_ms);
		if (ms > 0)
			return (unsigned)ms;
		if (ms != -ENODEV)
			log_warn("watchdog at %#llx: error %d", (unsigned long long)d->base, -ms);
	}
	return 0;
}

void watchdog_start(uint32_t timeout_s)
{
	unsigned ms = 0;

	for (unsigned i = 0; board_watchdogs[i] && timeout_s > 0 && !watchdog; i++) {
		ms = open_watchdog(board_watchdogs[i], timeout_s * 1000);
		if (ms > 0)
			watchdog = board_watchdogs[i];
	}
	if (!watchdog)
		return;
	feed_ticks = arch_ticks_hz() / 1000 * (ms / 4);
	log_info("watchdog: a reset after %u.%03u s without a turn of the scheduler", ms / 1000,
		 ms % 1000);
}

void watchdog_feed(void)
{
	if (watchdog)
		watchdog->feed();
}

uint64_t watchdog_alarm(uint64_t until)
{
	return watchdog ? MIN(until, arch_ticks() + feed_ticks) : until;
}
