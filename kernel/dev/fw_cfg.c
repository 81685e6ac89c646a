/* SPDX-License-Identifier: MIT */
/* Settings from QEMU's fw_cfg (kernel/dev/fw_cfg.h): the item 0 is its signature, the item 0x19
 * the directory, whose numbers are big-endian. Nothing that either says is trusted. */
#include "kernel/dev/fw_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/mem.h"

#define ITEM_SIGNATURE 0x00
#define ITEM_DIRECTORY 0x19
#define PREFIX "opt/zeitkern/"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define WORDS "settings"               /* the file that holds words, not one value */
#define NAME_MAX 56
#define ENTRIES_MAX 1024u              /* of the directory that are looked at */
#define FILES_MAX 32u                  /* of ours */
#define BYTES_MAX (256u << 10)         /* of each: a bundle of all authorities of a system fits */

struct entry {
	uint8_t size[4], item[2], reserved[2];
	char name[NAME_MAX];
};

struct file {
	uint32_t size;
	uint16_t item;
	char key[NAME_MAX - PREFIX_LEN + 1];   /* printable */
};

static uint32_t big_endian(const uint8_t *p, unsigned n)
{
	uint32_t value = 0;

	for (; n > 0; n--)
		value = value << 8 | *p++;
	return value;
}

static void note(struct file *file, const struct entry *e)
{
	size_t len = strnlen(e->name, NAME_MAX) - PREFIX_LEN;

	file->size = big_endian(e->size, sizeof(e->size));
	file->item = (uint16_t)big_endian(e->item, sizeof(e->item));
	memcpy(file->key, e->name + PREFIX_LEN, len);
	file->key[len] = '\0';
	for (char *c = file->key; *c; c++)
		if (*c < '!' || *c > '~')
			*c = '?';
}

/* Finds our files: how many. */
static unsigned read_directory(const struct fw_cfg *cfg, struct file *files)
{
	uint8_t count[4];
	unsigned n = 0;
	uint32_t entries;
	struct entry e;

	cfg->select(ITEM_DIRECTORY);
	cfg->read(count, sizeof(count));
	entries = big_endian(count, sizeof(count));
	if (entries > ENTRIES_MAX)
		log_warn("fw_cfg: only the first %u of %u files are looked at", ENTRIES_MAX,
			 (unsigned)entries);
	for (uint32_t i = 0; i < MIN(entries, ENTRIES_MAX); i++) {
		cfg->read(&e, sizeof(e));
		if (strncmp(e.name, PREFIX, PREFIX_LEN) != 0)
			continue;
		if (n == FILES_MAX) {
			log_warn("fw_cfg: more than %u settings; the rest is left out", FILES_MAX);
			break;
		}
		note(&files[n++], &e);
	}
	return n;
}

static void apply(const struct fw_cfg *cfg, const struct file *file)
{
	size_t len = file->size;
	char *text;

	if (len > BYTES_MAX) {
		log_warn("fw_cfg: %s: longer than %u bytes", file->key, BYTES_MAX);
		return;
	}
	text = malloc(len + 1);
	if (!text) {
		log_warn("fw_cfg: %s: no memory for its value", file->key);
		return;
	}
	cfg->select(file->item);
	cfg->read(text, len);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	if (strcmp(file->key, WORDS) == 0)
		config_apply_text(text, len, "fw_cfg");
	else
		config_set(file->key, text, len, "fw_cfg");
	mem_wipe(text, file->size + 1);
	free(text);
}

int fw_cfg_apply(const struct fw_cfg *cfg)
{
	char signature[4];
	struct file *files;
	unsigned n;

	cfg->select(ITEM_SIGNATURE);
	cfg->read(signature, sizeof(signature));
	if (memcmp(signature, "QEMU", sizeof(signature)) != 0)
		return -ENODEV;
	files = malloc(FILES_MAX * sizeof(*files));
	if (!files)
		return -ENOMEM;
	n = read_directory(cfg, files);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(files[i].key, WORDS) == 0)
			apply(cfg, &files[i]);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(files[i].key, WORDS) != 0)
			apply(cfg, &files[i]);
	free(files);
	return 0;
}
