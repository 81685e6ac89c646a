/* SPDX-License-Identifier: MIT */
/* IPv6: what the rest of net/ calls of it. A board whose budget has no IPv6 links
 * net/ip6/none instead. Nothing here waits; all of it runs in the net loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/clock.h"
#include "net/addr.h"

struct netif;
struct frame;

/* ---- addresses.c ---------------------------------------------------------------- */

/* Declares ip6= gw6= ip6.secret=. Boot. */
void ip6_declare(void);

/* Makes the link-local address, and looks for a router. From the loop, once. */
void ip6_start(void);

/* True while there is an address that others than neighbours can reach. */
bool ip6_up(void);

/* ---- input.c: a frame that carries IPv6; taken -------------------------------------- */

void ip6_input_frame(struct frame *f);

/* ---- output.c ------------------------------------------------------------------------ */

/* The interface is being made. */
void ip6_setup(struct netif *netif);

/* False for an ICMPv6 error too many (RFC 4443 §2.4 f). */
bool ip6_may_send(const uint8_t *ip);

/* Once a second; and what is due in between, and when to be called next. */
void ip6_tick(void);
ktime ip6_timers(ktime now);

/* ---- text.c: for net/addr.c ------------------------------------------------------------ */

int ip6_parse(const char **text, struct addr *a);
void ip6_text(char buf[ADDR_TEXT], const struct addr *a);
