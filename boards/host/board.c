/* SPDX-License-Identifier: MIT */
/* BOARD=host: the image as a Linux process with a TAP device. */
#include "kernel/arch/host/devices.h"
#include "kernel/dev.h"
#include "net/netdev.h"

extern const struct netdev_ops tap_netdev;

const struct bus *const board_buses[] = { NULL };
const struct uart *const board_uarts[] = { &host_console, NULL };
const struct rtc *const board_rtcs[] = { &host_rtc, NULL };
const struct entropy *const board_entropy[] = { NULL };
const struct button *const board_buttons[] = { &host_power, NULL };
const struct watchdog *const board_watchdogs[] = { NULL };
const struct source *const board_sources[] = { NULL };
const struct netdev_ops *const board_netdevs[] = { &tap_netdev, NULL };
