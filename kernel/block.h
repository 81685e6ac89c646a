/* SPDX-License-Identifier: MIT */
/* CONTRACT block device -> reader of file systems: sectors of 512 bytes, read at boot. Nothing
 * that a device holds is trusted, nor that it answers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR 512u
#define BLOCK_READ_MAX 8u              /* sectors at once: 4 KiB */

struct block {
	const char *where;             /* "virtio-mmio 0xfeb02a00" */
	uint64_t sectors;
	/* Sectors `first` to first + n - 1, of those that there are, 1 <= n <= BLOCK_READ_MAX:
	 * where they lie until the next call, or NULL: the device failed, now and for ever. */
	const uint8_t *(*read)(struct block *b, uint64_t first, unsigned n);
};

/* `len` bytes from byte `at` on, until the next call; they may touch BLOCK_READ_MAX sectors. NULL:
 * the device ends before them, or failed. */
static inline const uint8_t *block_bytes(struct block *b, uint64_t at, size_t len)
{
	uint64_t first = at / BLOCK_SECTOR;
	size_t skip = at % BLOCK_SECTOR, n = (skip + len + BLOCK_SECTOR - 1) / BLOCK_SECTOR;
	const uint8_t *p;

	if (n == 0 || n > BLOCK_READ_MAX || first >= b->sectors || n > b->sectors - first)
		return NULL;
	p = b->read(b, first, (unsigned)n);
	return p ? p + skip : NULL;
}
