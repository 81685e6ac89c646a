/* SPDX-License-Identifier: MIT */
/* CONTRACT file system -> config drive (kernel/config_drive.h): a volume that is only read. What it
 * says is believed as far as it is bounded: no loop of clusters, no directory without end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/block.h"

#define VOLUME_LABEL 33u               /* bytes, with the NUL */

struct volume {
	struct block *block;
	char label[VOLUME_LABEL];      /* printable, without the spaces at its end */
	union {
		struct {
			uint32_t root, root_len;       /* of the tree that is read: block, bytes */
			uint32_t joliet;               /* its names are UCS-2 */
		} iso;
		struct {
			uint64_t fat, root, data;      /* byte offsets; root: of FAT12 and FAT16 */
			uint32_t root_len;             /* bytes, 0 with FAT32 */
			uint32_t root_cluster;         /* of FAT32 */
			uint32_t clusters, cluster_len;
			uint32_t bits;                 /* 12, 16 or 32 */
		} fat;
	};
};

struct filesystem {
	const char *name;
	/* Fills the rest of a volume whose `block` is set: 0; -ENODEV: it is another file system;
	 * -EIO: the device fails. */
	int (*open)(struct volume *v);
	/* Reads the file at `path`, names with "/" between, into `to`: how long it is; -ENOENT;
	 * -EFBIG: longer than `max`; -EIO: it lies beyond the device's end, or that fails;
	 * -EBADMSG: the volume contradicts itself. */
	long (*read)(struct volume *v, const char *path, void *to, size_t max);
};

extern const struct filesystem iso9660, fat;

/* The next name of a path, of which *path is then the rest: its length, 0 at the end. */
size_t volume_name(const char **path, const char **name);

/* Copies `len` bytes of a label, without the spaces at its end. */
void volume_set_label(struct volume *v, const uint8_t *from, size_t len);
