/* SPDX-License-Identifier: MIT */
/* See config_drive.h. */
#include "kernel/config_drive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "kernel/userdata.h"
#include "kernel/volume.h"

#define SOURCE "config drive"

static const struct kind {
	const char *label, *name, *meta_data, *hostname, *user_data, *network;
} kinds[] = {
	{ "cidata", "NoCloud", "meta-data", "local-hostname", "user-data", "network-config" },
	{ "config-2", "OpenStack", "openstack/latest/meta_data.json", "hostname",
	  "openstack/latest/user_data", "openstack/latest/network_data.json" },
};

static struct {
	const char *name;
	char *text;
	size_t len;
} network;

static const char *what_is_wrong(long error)
{
	switch (error) {
	case -ENOENT:
		return "not there";
	case -EFBIG:
		return "longer than " TEXT_OF(USERDATA_KIB) " KiB, not used";
	case -EIO:
		return "beyond the end of the drive, or the drive fails";
	default:
		return "the file system is damaged";
	}
}

/* Reads a file into buf, of USERDATA_MAX bytes: its length, or 0 for what is not there or, said on
 * the console, cannot be read. */
static size_t read_file(struct volume *v, const struct filesystem *fs, const char *path, char *buf)
{
	long n = fs->read(v, path, buf, USERDATA_MAX);

	if (n < 0 && n != -ENOENT)
		log_warn(SOURCE ": %s: %s", path, what_is_wrong(n));
	return n > 0 ? (size_t)n : 0;
}

static void keep_network(const char *path, const char *text, size_t len)
{
	const char *slash = strrchr(path, '/');

	network.text = len ? malloc(len) : NULL;
	if (len && !network.text)
		log_warn(SOURCE ": %s: no memory to keep it", path);
	if (!network.text)
		return;
	network.name = slash ? slash + 1 : path;
	network.len = len;
	memcpy(network.text, text, len);
}

static void apply(struct volume *v, const struct filesystem *fs, const struct kind *kind)
{
	char *buf = malloc(USERDATA_MAX), name[256];
	size_t len;

	log_info(SOURCE ": %s on %s, %s", kind->name, v->block->where, fs->name);
	if (!buf) {
		log_warn(SOURCE ": no memory to read it");
		return;
	}
	len = read_file(v, fs, kind->meta_data, buf);
	if (userdata_member(buf, len, kind->hostname, name, sizeof(name)))
		userdata_hostname(name, SOURCE, false);
	len = read_file(v, fs, kind->user_data, buf);
	userdata_apply(buf, len, SOURCE, false);
	len = read_file(v, fs, kind->network, buf);
	keep_network(kind->network, buf, len);
	mem_wipe(buf, USERDATA_MAX);           /* with what was read before an error */
	free(buf);
}

static bool found;

bool config_drive_found(void)
{
	return found;
}

int config_drive_apply(struct block *b)
{
	static const struct filesystem *const known[] = { &iso9660, &fat };

	for (unsigned i = 0; i < ARRAY_LEN(known) && !found; i++) {
		struct volume v = { .block = b };

		if (known[i]->open(&v) < 0)
			continue;
		for (unsigned k = 0; k < ARRAY_LEN(kinds); k++) {
			if (strcasecmp(v.label, kinds[k].label) != 0)
				continue;
			found = true;
			apply(&v, known[i], &kinds[k]);
			return 0;
		}
	}
	return -ENODEV;
}

char *config_drive_network(size_t *len, const char **name)
{
	char *text = network.text;

	*len = network.len;
	*name = network.name;
	network.text = NULL;
	return text;
}
