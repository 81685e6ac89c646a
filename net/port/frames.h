/* SPDX-License-Identifier: MIT */
/* Frames on their way to lwIP: from input.c, for net/ip6. */
#pragma once

#include <stdbool.h>

#include "net/netdev.h"

struct pbuf;

/* `len` bytes at `at` of a frame as a buffer of lwIP's, and what its device said of the transport
 * checksum. It may be kept for long (`keep`): then it is copied while buffers of the device are
 * scarce. The frame is taken; NULL: there was no memory. */
struct pbuf *port_take(struct frame *f, unsigned at, unsigned len, bool keep);

/* The same for a fragment: in a block of ours with room in front; the transport checksum, which is
 * over the whole, will be checked. */
struct pbuf *port_take_fragment(struct frame *f, unsigned at, unsigned len);

/* The frame is not for us, or not right. */
void port_ignore(struct frame *f);

/* For what port_take_fragment() gave, once whole. */
void port_check_sums(bool transport);
