/* SPDX-License-Identifier: MIT */
/* See drive.h. */
#include "kernel/dev/drive.h"

#include <errno.h>

#include "kernel/config_drive.h"
#include "kernel/kernel.h"

#define BLOCKS_MAX (1ull << 48)        /* ATA's limit, the largest of all */

/* Whole logical blocks around the sectors. A drive that has failed is not asked again. */
static const uint8_t *read_sectors(struct block *b, uint64_t first, unsigned n)
{
	struct drive *d = container_of(b, struct drive, block);
	unsigned each = d->len / BLOCK_SECTOR;
	uint64_t from = first / each;
	unsigned blocks = (unsigned)((first + n - 1) / each - from + 1);
	int rc = 0;

	ASSERT(n >= 1 && n <= BLOCK_READ_MAX && first < b->sectors && n <= b->sectors - first);
	if (d->failed)
		return NULL;
	if (d->n != blocks || d->first != from)
		rc = d->fetch(d, from, blocks);
	d->failed = rc < 0;
	d->first = from;
	d->n = d->failed ? 0 : blocks;
	if (d->failed)
		log_warn("%s: cannot be read (%s)", b->where,
			 rc == -ETIMEDOUT ? "no answer in time" : "it says so");
	return d->failed ? NULL : d->data + first % each * BLOCK_SECTOR;
}

int drive_apply(struct drive *d, uint64_t blocks, uint64_t len)
{
	int rc;

	if (blocks == 0 || blocks > BLOCKS_MAX || len < BLOCK_SECTOR || len > DRIVE_BLOCK_MAX ||
	    len & (len - 1)) {
		log_warn("%s: %llu blocks of %llu bytes: expected 1 to 2^48, of 512, 1024, "
			 "2048 or 4096",
			 d->block.where, (unsigned long long)blocks, (unsigned long long)len);
		return -ENODEV;
	}
	d->len = (uint32_t)len;
	d->n = 0;
	d->block.sectors = blocks * (d->len / BLOCK_SECTOR);
	d->block.read = read_sectors;
	rc = config_drive_apply(&d->block);
	return d->failed ? -EIO : rc;
}
