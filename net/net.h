/* SPDX-License-Identifier: MIT */
/* The network: one loop that drains the NIC, runs lwIP's timers, serves what
 * became ready, and waits.
 *
 * All of lwIP runs in the task that holds the loop, and none of it waits, so
 * lwIP is never re-entered and needs no lock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "net/addr.h"

/* Declares the settings nic= ip= gw= ip6= gw6= ip6.secret= dns= hostname= mtu=. Boot, before
 * config_apply(). */
void net_declare(void);

/* Opens the first NIC that works and starts lwIP. Boot, after config_apply(),
 * before stream_listen() and arch_seal(). 0, or -ENODEV: no NIC, one line on
 * the console says which devices were seen. */
int net_init(void);

/* The loop, as a task's function; never returns. */
_Noreturn void net_run(void *unused);

/* Calls fn(arg) from the loop such that fn may wait: when it first does, the
 * loop goes on in a fresh task and this one ends after fn has returned, so that
 * net_call() does not. When no stack is free for that, the wait in fn returns
 * -ENOMEM instead. Only from stream_ops.ready(). */
void net_call(void (*fn)(void *), void *arg);

/* True when the running task holds the loop: false in a function run by
 * net_call() once it has waited, and in every other task. */
bool net_in_loop(void);

/* Ends the loop's sleep: something was queued by another task. */
void net_kick(void);

/* A timer of the loop: fn(now) is called when it is time, does what is due, and
 * says when it wants to be called next; it must not wait. At most NET_TIMERS,
 * added at boot. net_timer_due() asks for a call at `t` or earlier, whatever was
 * said before; from any task. */
#define NET_TIMERS 4
void net_timer_add(ktime (*fn)(ktime now));
void net_timer_due(ktime t);

/* hostname=. */
const char *net_hostname(void);

/* True while the interface has an address. */
bool net_up(void);

/* fn is called from the loop each time the interface gets an address that others can reach; it
 * must not wait. One function; a second replaces it. */
void net_on_address(void (*fn)(const struct addr *a));

/* Resolves `host`, a name or an address as text, to addresses of the families that the interface
 * has, alternating, IPv4 first, or where there are none to those of the other:
 * 1..BUDGET_DNS_ADDRS; -ENOENT: no such name, or no address of it; -EIO: the name servers say that
 * they cannot tell; -ETIMEDOUT; -ENETDOWN: no server known; -ENOMEM: BUDGET_DNS_NAMES names are
 * being asked for. Waits. */
int net_resolve_all(const char *host, struct addr list[BUDGET_DNS_ADDRS], ktime deadline);

/* The first of them: 0 or -errno. Waits. */
int net_resolve(const char *host, struct addr *a, ktime deadline);

/* Stops accepting, lets running requests end until `deadline`. Waits. */
void net_drain(ktime deadline);
