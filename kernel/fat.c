/* SPDX-License-Identifier: MIT */
/* FAT12, FAT16 and FAT32 with long names ("FAT: General Overview of On-Disk Format", 1.03, and its
 * long file name specification), read only, as far as a config drive needs it. The whole device is
 * the volume. A directory is read up to DIRECTORY_MAX bytes; names of more than NAME_MAX
 * characters, or of others than ASCII, are none that is looked for. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "kernel/volume.h"

#define ENTRY 32u
#define DIRECTORY_MAX (256u << 10)
#define NAME_MAX 39u                   /* three long entries of 13 */
#define LONG_CHARS 13u
#define CLUSTER_MAX (64u << 10)

enum { ATTR_VOLUME = 8, ATTR_DIRECTORY = 16, ATTR_LONG = 15 };

/* A file or directory. */
struct node {
	uint32_t cluster, len;         /* cluster 0: the root directory of FAT12 and FAT16 */
	bool directory;
};

/* Where in a chain a reader is. */
struct chain {
	uint32_t cluster, at;          /* bytes into it */
};

/* The long name whose entries have been seen, from its last to its first. */
struct long_name {
	char text[NAME_MAX + 1];
	uint8_t sum, next;             /* of the entry that must follow; 0: the short one */
	bool whole;
};

static uint32_t le16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* ---- The volume --------------------------------------------------------------- */

static bool power_of_two(uint32_t n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

/* The BIOS parameter block: -ENODEV unless it can be one. */
static int read_bpb(struct volume *v, const uint8_t *b)
{
	uint32_t sector = le16(b + 11), per_cluster = b[13], reserved = le16(b + 14), fats = b[16];
	uint32_t roots = le16(b + 17), fat_len = le16(b + 22) ? le16(b + 22) : le32(b + 36);
	uint64_t total = le16(b + 19) ? le16(b + 19) : le32(b + 32), before;

	if (le16(b + 510) != 0xaa55 || !power_of_two(sector) || sector < 512 || sector > 4096 ||
	    !power_of_two(per_cluster) || sector * per_cluster > CLUSTER_MAX || reserved == 0 ||
	    fats == 0 || fats > 4 || fat_len == 0)
		return -ENODEV;
	v->fat.root_len = roots * ENTRY;
	before = reserved + (uint64_t)fats * fat_len + (v->fat.root_len + sector - 1) / sector;
	if (total <= before || (total - before) / per_cluster > 0x0ffffff0)
		return -ENODEV;
	v->fat.fat = (uint64_t)reserved * sector;
	v->fat.root = (reserved + (uint64_t)fats * fat_len) * sector;
	v->fat.data = before * sector;
	v->fat.cluster_len = sector * per_cluster;
	v->fat.clusters = (uint32_t)((total - before) / per_cluster);
	v->fat.root_cluster = le32(b + 44);
	v->fat.bits = le16(b + 22) == 0 ? 32 : v->fat.clusters < 4085 ? 12 : 16;
	return 0;
}

/* What follows a cluster in its chain, in *next, 0 at the end: 0, -EIO, or -EBADMSG. */
static int follow(struct volume *v, uint32_t cluster, uint32_t *next)
{
	uint64_t at = v->fat.fat + (uint64_t)cluster * v->fat.bits / 8;
	const uint8_t *p = block_bytes(v->block, at, v->fat.bits == 32 ? 4 : 2);
	uint32_t n;

	if (!p)
		return -EIO;
	n = v->fat.bits == 32 ? le32(p) & 0x0fffffff : le16(p);
	if (v->fat.bits == 12)
		n = cluster & 1 ? n >> 4 : n & 0xfff;
	if (n >= (v->fat.bits == 12 ? 0xff8 : v->fat.bits == 16 ? 0xfff8 : 0x0ffffff8))
		n = 0;
	else if (n < 2 || n >= v->fat.clusters + 2)
		return -EBADMSG;
	*next = n;
	return 0;
}

/* The next `len` bytes of a chain, none of which lies in another cluster, in *p; *p is NULL at the
 * chain's end. */
static int next_bytes(struct volume *v, struct chain *c, uint32_t len, const uint8_t **p)
{
	int rc = 0;

	*p = NULL;
	if (c->at == v->fat.cluster_len) {
		c->at = 0;
		rc = follow(v, c->cluster, &c->cluster);
	}
	if (rc < 0 || c->cluster == 0)
		return rc;
	if (c->cluster < 2 || c->cluster >= v->fat.clusters + 2)
		return -EBADMSG;
	*p = block_bytes(v->block, v->fat.data + (c->cluster - 2) * (uint64_t)v->fat.cluster_len +
			 c->at, len);
	c->at += len;
	return *p ? 0 : -EIO;
}

/* ---- Directories --------------------------------------------------------------- */

static uint8_t checksum(const uint8_t *short_name)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + short_name[i]);
	return sum;
}

/* One entry of a long name. */
static void add_long(struct long_name *l, const uint8_t *e)
{
	static const uint8_t at[LONG_CHARS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned number = e[0] & 0x3f;

	if (e[0] & 0x40)
		*l = (struct long_name){ .sum = e[13], .next = (uint8_t)number, .whole = true };
	if (!l->whole || number == 0 || number != l->next || e[13] != l->sum ||
	    number * LONG_CHARS > NAME_MAX) {
		l->whole = false;
		return;
	}
	l->next--;
	for (unsigned i = 0; i < LONG_CHARS; i++) {
		uint32_t c = le16(e + at[i]);

		l->text[(number - 1) * LONG_CHARS + i] =
			c < 0x80 ? (char)c : c == 0xffff ? 0 : 0x7f;
	}
}

/* "NAME    EXT" as "NAME.EXT". */
static void short_text(char to[13], const uint8_t *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 8 && e[i] != ' '; i++)
		to[n++] = (char)e[i];
	if (e[8] != ' ')
		to[n++] = '.';
	for (unsigned i = 8; i < 11 && e[i] != ' '; i++)
		to[n++] = (char)e[i];
	to[n] = '\0';
}

static bool is_text(const char *text, const char *name, size_t len)
{
	return strncasecmp(text, name, len) == 0 && text[len] == '\0';
}

/* Whether this entry, the last of its name, is the one that is looked for. */
static bool is_named(const struct long_name *l, const uint8_t *e, const char *name, size_t len)
{
	char text[13];

	if (l->whole && l->next == 0 && l->sum == checksum(e) && is_text(l->text, name, len))
		return true;
	short_text(text, e);
	return is_text(text, name, len);
}

/* Looks for a name, or, when that is NULL, for the volume's label. *e: the entry, until the next
 * read. */
static int find(struct volume *v, struct node in, const char *name, size_t len, const uint8_t **e)
{
	struct chain c = { .cluster = in.cluster };
	struct long_name l = { .whole = false };
	uint32_t end = in.cluster ? DIRECTORY_MAX : v->fat.root_len;

	for (uint32_t at = 0; at < end; at += ENTRY) {
		int rc = 0;

		if (in.cluster)
			rc = next_bytes(v, &c, ENTRY, e);
		else if (!(*e = block_bytes(v->block, v->fat.root + at, ENTRY)))
			rc = -EIO;
		if (rc < 0)
			return rc;
		if (!*e || (*e)[0] == 0)
			return -ENOENT;
		if ((*e)[0] == 0xe5) {
			l.whole = false;
		} else if (((*e)[11] & 0x3f) == ATTR_LONG) {
			add_long(&l, *e);
		} else {
			bool label = (*e)[11] & ATTR_VOLUME;

			if (name ? !label && is_named(&l, *e, name, len) : label)
				return 0;
			l.whole = false;
		}
	}
	return in.cluster ? -EBADMSG : -ENOENT;
}

static struct node root_of(const struct volume *v)
{
	return (struct node){ v->fat.bits == 32 ? v->fat.root_cluster : 0, 0, true };
}

static int fat_open(struct volume *v)
{
	const uint8_t *b = block_bytes(v->block, 0, BLOCK_SECTOR), *e;
	int rc;

	if (!b)
		return -EIO;
	rc = read_bpb(v, b);
	if (rc < 0)
		return rc;
	volume_set_label(v, b + (v->fat.bits == 32 ? 71 : 43), 11);
	if (v->fat.bits == 32 && v->fat.root_cluster < 2)
		return 0;
	if (find(v, root_of(v), NULL, 0, &e) == 0)
		volume_set_label(v, e, 11);
	return 0;
}

/* ---- Files ----------------------------------------------------------------------- */

static long copy(struct volume *v, struct node file, char *to)
{
	struct chain c = { .cluster = file.cluster };
	const uint8_t *p;

	for (uint32_t at = 0; at < file.len; ) {
		uint32_t n = MIN(file.len - at, BLOCK_SECTOR);
		int rc = next_bytes(v, &c, BLOCK_SECTOR, &p);

		if (rc < 0)
			return rc;
		if (!p)
			return -EBADMSG;
		memcpy(to + at, p, n);
		at += n;
	}
	return (long)file.len;
}

static long fat_read(struct volume *v, const char *path, void *to, size_t max)
{
	struct node node = root_of(v);
	const uint8_t *e;
	const char *name;
	size_t len;

	if (v->fat.bits == 32 && node.cluster < 2)
		return -EBADMSG;
	while ((len = volume_name(&path, &name)) > 0) {
		int rc = node.directory ? find(v, node, name, len, &e) : -ENOENT;

		if (rc < 0)
			return rc;
		node.cluster = le16(e + 26) | (v->fat.bits == 32 ? le16(e + 20) << 16 : 0);
		node.len = le32(e + 28);
		node.directory = e[11] & ATTR_DIRECTORY;
		if (node.directory && node.cluster < 2)
			return -EBADMSG;
	}
	if (node.directory)
		return -ENOENT;
	return node.len > max ? -EFBIG : copy(v, node, to);
}

const struct filesystem fat = { .name = "FAT", .open = fat_open, .read = fat_read };
