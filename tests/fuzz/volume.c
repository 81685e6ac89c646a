/* sources: kernel/iso9660.c kernel/fat.c kernel/volume.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: kernel/volume.h on devices of any bytes. An ISO's descriptors begin 32 KiB into it: that
 * much is left out of the input, and read as zeros, when its first byte is odd. What is read is
 * poisoned but for the sectors asked for; the number of reads is bounded. */
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/volume.h"

#define SKIP (32u << 10)
#define READS_MAX 200000u
#define FILE_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *bytes;
static size_t len, skip;
static unsigned reads;
static uint8_t sectors[BLOCK_READ_MAX * BLOCK_SECTOR];

static const uint8_t *read_sectors(struct block *b, uint64_t first, unsigned n)
{
	if (n == 0 || n > BLOCK_READ_MAX || first >= b->sectors || n > b->sectors - first ||
	    ++reads > READS_MAX)
		abort();
	ASAN_UNPOISON_MEMORY_REGION(sectors, sizeof(sectors));
	for (size_t i = 0; i < n * BLOCK_SECTOR; i++) {
		size_t at = first * BLOCK_SECTOR + i;

		sectors[i] = at >= skip && at - skip < len ? bytes[at - skip] : 0;
	}
	ASAN_POISON_MEMORY_REGION(sectors + n * BLOCK_SECTOR, sizeof(sectors) - n * BLOCK_SECTOR);
	return sectors;
}

static void look_at(const struct filesystem *fs, struct block *device)
{
	static const char *const paths[] = { "user-data", "openstack/latest/user_data", "a/b", "" };
	struct volume v = { .block = device };
	char *buf = malloc(FILE_MAX);

	reads = 0;
	if (fs->open(&v) == 0)
		for (unsigned i = 0; i < ARRAY_LEN(paths); i++)
			if (fs->read(&v, paths[i], buf, FILE_MAX) > (long)FILE_MAX)
				abort();
	if (memchr(v.label, 0, VOLUME_LABEL) == NULL)
		abort();
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct block device = { .where = "fuzzer", .read = read_sectors };

	if (size < 2)
		return 0;
	skip = data[0] & 1 ? SKIP : 0;
	bytes = data + 1;
	len = size - 1;
	device.sectors = (skip + len) / BLOCK_SECTOR + (data[0] >> 1);
	look_at(&iso9660, &device);
	look_at(&fat, &device);
	return 0;
}
