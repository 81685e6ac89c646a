/* SPDX-License-Identifier: MIT */
/* Routes of IPv4 beside the one gateway: DHCP's option 121 (RFC 3442), a table of fixed size. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/budget.h"

/* The most that the option may hold for the table: five bytes of destination, four of gateway. */
#define ROUTES_OPTION_MAX (9u * BUDGET_IP4_ROUTES)

/* The table is what the option says: its gateway is then the only other way out that there is, and
 * option 3 is not looked at. 0, or -EINVAL: the option is damaged, the table is empty. */
int routes_set(const uint8_t *option, size_t len);

/* No routes of DHCP's. */
void routes_clear(void);

/* DHCP has been asked: once it has answered, an option that it left out is no more. */
void routes_asked(void);

/* The gateway for a destination beyond the link, or the destination itself when it is on the link
 * after all, in *hop; network order. False: the interface's own gateway it is. */
bool routes_hop(uint32_t to, uint32_t *hop);

/* Whether there is a way to a destination beyond the link. */
bool routes_reach(uint32_t to);
