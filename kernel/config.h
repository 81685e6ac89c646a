/* SPDX-License-Identifier: MIT */
/* Settings: key=value words, the same keys from every source (DESIGN §4).
 *
 * A module declares its keys in one table whose entries point at variables
 * that hold the default; config_apply() overwrites them. An unknown key or a
 * bad value is one log line that names the key and what was expected, and
 * leaves the default. Words that VMMs append (console=, reboot=, panic=, pci=,
 * virtio_mmio.device=, ...) are passed over in silence.
 *
 * The sources, each overruling those before it: CONFIG= in the image, the settings
 * page or file (kernel/settings.h), the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	SETTING_U32,               /* uint32_t, decimal, min..max */
	SETTING_STRING,            /* char[max], NUL terminated, printable, no space */
	SETTING_BOOL,              /* bool: yes/no, on/off, true/false, 1/0 */
	SETTING_CHECKED,           /* check(value): 0, or -EINVAL: `expected` is printed */
};

struct setting {
	const char *key;
	enum setting_type type;
	void *value;
	uint32_t min, max;
	const char *expected;      /* words for the error: "a port, 1 to 65535" */
	int (*check)(const char *value);
	bool secret;               /* value never printed */
};

/* Adds a table; kept by reference. */
void config_declare(const struct setting *table, unsigned n);

/* Applies words separated by white space; `source` names them in messages
 * ("command line"). A value may be quoted with "". Keys given twice: the last
 * wins. Returns the number of words that were refused. */
int config_apply(const char *words, const char *source);

/* The same for words of `len` bytes that need no NUL; one ends them all the same. */
int config_apply_text(const char *words, size_t len, const char *source);
