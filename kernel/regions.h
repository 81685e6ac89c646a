/* SPDX-License-Identifier: MIT */
/* A list of memory regions that is made of what a loader or firmware says of memory: sorted, of
 * whole pages, no two of which meet. Pure: it touches nothing but the list, and trusts nothing:
 * what is added may overlap, wrap, be nothing, or be more than there is room for. */
#pragma once

#include <stdint.h>

#include "kernel/machine.h"

struct regions {
	struct region *list;       /* the caller's, with room for `max`, at least 1 */
	unsigned count, max;
	uint64_t lost;             /* bytes left out: with no room, the smallest regions */
};

/* Adds the whole pages inside [base, base + size); what wraps is nothing. */
void regions_add(struct regions *r, uint64_t base, uint64_t size);

/* Takes out each page that [base, base + size) touches; what wraps reaches to the end. */
void regions_remove(struct regions *r, uint64_t base, uint64_t size);

/* Bytes in the list. */
uint64_t regions_size(const struct regions *r);

/* Leaves out the smallest until at most `most` are left. */
void regions_shorten(struct regions *r, unsigned most);
