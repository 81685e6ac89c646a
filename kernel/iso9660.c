/* SPDX-License-Identifier: MIT */
/* ISO 9660 (ECMA-119, 4th edition), read only, as far as a config drive needs it: names by Joliet
 * where the volume has that, else by Rock Ridge (IEEE P1282 §4.1.4, NM), else its own. A directory
 * is read up to DIRECTORY_MAX bytes. Files in pieces, interleaved ones and extended attributes are
 * refused. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "kernel/volume.h"

#define BLOCK 2048u
#define DESCRIPTORS_AT 16u             /* blocks: §7.2 */
#define DESCRIPTORS_MAX 16u
#define DIRECTORY_MAX (256u << 10)
#define RECORD_MIN 34u                 /* §10.1: a record with a name of one byte */
#define NAME_AT 33u

enum { PRIMARY = 1, SUPPLEMENTARY = 2, TERMINATOR = 255 };
enum { FLAG_DIRECTORY = 2, FLAG_MORE = 0x80 };

/* A file or directory. */
struct extent {
	uint32_t block, len;
	bool directory;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static const uint8_t *read_block(struct volume *v, uint32_t block, uint32_t at)
{
	return block_bytes(v->block, (uint64_t)block * BLOCK + at, BLOCK);
}

/* Joliet's three levels of UCS-2 (§9.5.6 names the field). */
static bool is_joliet(const uint8_t *escapes)
{
	return escapes[0] == '%' && escapes[1] == '/' && escapes[2] && strchr("@CE", escapes[2]);
}

static int iso_open(struct volume *v)
{
	bool primary = false;

	for (unsigned i = 0; i < DESCRIPTORS_MAX; i++) {
		const uint8_t *d = read_block(v, DESCRIPTORS_AT + i, 0);
		bool joliet;

		if (!d || memcmp(d + 1, "CD001", 5) != 0 || d[0] == TERMINATOR)
			break;
		joliet = d[0] == SUPPLEMENTARY && primary && is_joliet(d + 88);
		if ((d[0] != PRIMARY || primary) && !joliet)
			continue;
		if ((d[128] | d[129] << 8) != BLOCK)
			continue;
		v->iso.root = le32(d + 156 + 2);
		v->iso.root_len = le32(d + 156 + 10);
		v->iso.joliet = joliet;
		if (!joliet)
			volume_set_label(v, d + 40, 32);
		primary = true;
		if (joliet)
			break;
	}
	return primary ? 0 : -ENODEV;
}

/* ---- Names ------------------------------------------------------------------ */

/* Whether `len` bytes at p, of which every `step`th counts, are the name, be it with a version. */
static bool is_name(const uint8_t *p, size_t len, unsigned step, const char *name, size_t name_len)
{
	size_t i;

	for (i = 0; i < name_len; i++)
		if ((i + 1) * step > len || p[i * step + step - 1] != name[i] ||
		    (step == 2 && p[i * step]))
			return false;
	return i * step == len || ((i + 1) * step <= len && p[i * step + step - 1] == ';');
}

/* The system use entry NM of a record whose that part lies in [p, end): its text, or NULL. */
static const uint8_t *rock_ridge(const uint8_t *p, const uint8_t *end, size_t *len)
{
	while (end - p >= 5 && p[2] >= 5 && p[2] <= end - p) {
		if (p[0] == 'N' && p[1] == 'M') {
			*len = p[2] - 5u;
			return p + 5;
		}
		p += p[2];
	}
	return NULL;
}

/* A record of the directory, of a length that has been checked. */
static bool is_named(const struct volume *v, const uint8_t *record, const char *name, size_t len)
{
	const uint8_t *text = record + NAME_AT, *other;
	size_t text_len = record[32], other_len;

	if (v->iso.joliet)
		return is_name(text, text_len, 2, name, len);
	other = rock_ridge(text + text_len + !(text_len & 1), record + record[0], &other_len);
	if (other)
		return is_name(other, other_len, 1, name, len);
	return (text_len == len || (text_len > len && strchr(".;", text[len]))) &&
	       strncasecmp((const char *)text, name, len) == 0;
}

/* ---- Directories and files ----------------------------------------------------- */

static int take(const uint8_t *record, struct extent *found)
{
	/* Extended attributes, pieces, interleaving (§10.1). */
	if (record[1] || record[25] & FLAG_MORE || record[26] || record[27])
		return -EBADMSG;
	found->block = le32(record + 2);
	found->len = le32(record + 10);
	found->directory = record[25] & FLAG_DIRECTORY;
	return 0;
}

/* Looks for a name in one block of a directory: 0, -ENOENT, or -EBADMSG. */
static int find_in(const struct volume *v, const uint8_t *block, size_t len, const char *name,
		   size_t name_len, struct extent *found)
{
	for (size_t at = 0; at < len && block[at]; at += block[at]) {
		const uint8_t *record = block + at;

		if (record[0] < RECORD_MIN || record[0] > len - at ||
		    record[32] > record[0] - NAME_AT)
			return -EBADMSG;
		if (is_named(v, record, name, name_len))
			return take(record, found);
	}
	return -ENOENT;
}

static int find(struct volume *v, const struct extent *in, const char *name, size_t name_len,
		struct extent *found)
{
	if (in->len > DIRECTORY_MAX)
		return -EBADMSG;
	for (uint32_t at = 0; at < in->len; at += BLOCK) {
		const uint8_t *block = read_block(v, in->block, at);
		int rc;

		if (!block)
			return -EIO;
		rc = find_in(v, block, MIN(in->len - at, BLOCK), name, name_len, found);
		if (rc != -ENOENT)
			return rc;
	}
	return -ENOENT;
}

static long iso_read(struct volume *v, const char *path, void *to, size_t max)
{
	struct extent e = { v->iso.root, v->iso.root_len, true };
	const char *name;
	size_t len;

	while ((len = volume_name(&path, &name)) > 0) {
		struct extent next;
		int rc = e.directory ? find(v, &e, name, len, &next) : -ENOENT;

		if (rc < 0)
			return rc;
		e = next;
	}
	if (e.directory)
		return -ENOENT;
	if (e.len > max)
		return -EFBIG;
	for (uint32_t at = 0; at < e.len; at += BLOCK) {
		uint32_t n = MIN(e.len - at, BLOCK);
		const uint8_t *p = block_bytes(v->block, e.block * (uint64_t)BLOCK + at, n);

		if (!p)
			return -EIO;
		memcpy((char *)to + at, p, n);
	}
	return (long)e.len;
}

const struct filesystem iso9660 = { .name = "ISO 9660", .open = iso_open, .read = iso_read };
