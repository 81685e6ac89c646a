/* SPDX-License-Identifier: MIT */
/* CONTRACT driver of a drive -> kernel/block.h: logical blocks of any size as sectors of 512 bytes,
 * through one buffer. Boot only. */
#pragma once

#include <stdbool.h>

#include "kernel/block.h"

#define DRIVE_BLOCK_MAX 4096u          /* bytes of a logical block */
#define DRIVE_DATA (2 * DRIVE_BLOCK_MAX)   /* what BLOCK_READ_MAX sectors can touch, with any */

struct drive {
	/* Set by the driver before drive_apply(). */
	struct block block;            /* its `where` */
	uint8_t *data;                 /* DRIVE_DATA bytes of the driver's */
	/* Reads the logical blocks `first` to first + n - 1 into `data`: 0, -ETIMEDOUT: no answer
	 * in time, or another -errno: the drive says so. Waits, busy, for a bounded time. */
	int (*fetch)(struct drive *d, uint64_t first, unsigned n);

	uint32_t len;                  /* bytes of a logical block */
	uint64_t first;                /* what `data` holds: n logical blocks */
	unsigned n;
	bool failed;
};

/* Applies the config drive that may be on a drive of `blocks` logical blocks of `len` bytes each: 0
 * when there was one, or -ENODEV; -EIO: the drive failed. A size that no drive has is -ENODEV, too,
 * and a line. */
int drive_apply(struct drive *d, uint64_t blocks, uint64_t len);
