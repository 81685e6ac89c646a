/* SPDX-License-Identifier: MIT */
/* How the interface gets its address: between the loop and address.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"

/* Declares ip= gw= dns=. Boot. */
void address_declare(void);

/* Whether ip= gives a static address; its gateway is 0 where there is none. */
bool address_given(uint32_t *ip, uint32_t *gw);

/* Sets the static address or asks for one. From the loop, once. */
void address_start(void);

/* Says on the console how it goes; when to be called next. */
ktime address_timers(ktime now);
