/* SPDX-License-Identifier: MIT */
/* CONTRACT device -> kernel. One const table per driver, one file per driver
 * in kernel/dev; boards/BOARD/board.c lists those that the image carries. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/machine.h"

struct uart {
	enum device_kind kind;
	bool late;                           /* needs memory, and the buses */
	int (*open)(const struct device *);  /* 0 or -errno; maps what it needs after the seal */
	void (*putc)(char c);                /* polls; usable from the crash report */
	int (*getc)(void);                   /* a byte, or -EAGAIN */
};

struct rtc {
	enum device_kind kind;
	int (*open)(const struct device *);
	int (*read)(int64_t *unix_s);  /* 0; -EAGAIN while it updates; -ERANGE: nonsense date;
	                                * -EIO: it stands still; asked up to 1,000 times a second */
	int (*read_ns)(int64_t *unix_ns);  /* instead, where it knows more: 0 or -EAGAIN */
};

struct entropy {
	enum device_kind kind;
	int (*open)(const struct device *);  /* reads what it can give at boot into random_add() */
};

struct button {
	enum device_kind kind;
	int (*open)(const struct device *);  /* routes its interrupt with arch_irq_enable */
	int (*pressed)(void);                /* 1 since the last call, else 0 */
};

struct watchdog {
	enum device_kind kind;
	/* Starts it: the machine is reset unless it is fed within `timeout_ms`, or
	 * within the longest time that it can count. That time in ms, or -errno. */
	int (*open)(const struct device *, uint32_t timeout_ms);
	void (*feed)(void);
};

struct bus {
	enum device_kind kind;
	int (*open)(const struct device *);  /* adds to `machine` what it finds: machine_add() */
};

struct source {
	enum device_kind kind;
	int (*apply)(const struct device *); /* its settings, by config_set(): 0 or -ENODEV */
};

/* The image's drivers, each list ended by NULL: boards/BOARD/board.c. */
extern const struct bus *const board_buses[];
extern const struct uart *const board_uarts[];
extern const struct rtc *const board_rtcs[];
extern const struct entropy *const board_entropy[];
extern const struct button *const board_buttons[];
extern const struct watchdog *const board_watchdogs[];
extern const struct source *const board_sources[];

/* kernel/dev.c: opens the first of each that the machine has; logs what was
 * chosen. dev_open_rest() opens every bus first, then a late console where there is no
 * other, then every source of entropy.
 * A driver that answers -ENODEV is passed over in silence and the next device
 * of its kind is tried (an empty virtio slot). rtc_read(): Unix time lies from *unix_ns to
 * *unix_ns + *width (0, or a second); fails as `struct rtc` says, or with -ENODEV, and sets *width
 * all the same. */
void dev_open_console(void);
void dev_open_rest(void);
int rtc_read(int64_t *unix_ns, uint32_t *width);
int button_pressed(void);
void console_putc(char c);
int console_getc(void);

/* Boot: the settings that devices hold (kernel/config.h says in which turn). */
void dev_apply_settings(void);

/* Starts a task that calls fn once, when a power button is pressed (-ENODEV
 * without one, -ENOMEM). fn may wait. */
int power_on_button(void (*fn)(void));

/* Boot, the last before the seal: starts the first watchdog that the machine has
 * (0: none). From then on the scheduler feeds it (kernel/task.c): each time the
 * CPU comes back from idle, where it must not stay beyond watchdog_alarm(). */
void watchdog_start(uint32_t timeout_s);
void watchdog_feed(void);

/* `until` in arch_ticks(), or earlier where a watchdog wants to be fed by then. */
uint64_t watchdog_alarm(uint64_t until);
