/* SPDX-License-Identifier: MIT */
/* How the interface gets its address: between the loop, address.c and net/ip6. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "net/addr.h"

/* Declares ip= gw= dns=, and those of IPv6. Boot. */
void address_declare(void);

/* Whether ip= gives a static address; its gateway is 0 where there is none. */
bool address_given(uint32_t *ip, uint32_t *gw);

/* Sets the static address or asks for one. From the loop, once. */
void address_start(void);

/* Says on the console how it goes; when to be called next. */
ktime address_timers(ktime now);

/* The interface has one more address that others can reach, of either family, or one less: who
 * wants to know is told, connections to one that is lost are reset. */
void address_gained(const struct addr *a);
void address_lost(const struct addr *a);
