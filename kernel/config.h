/* SPDX-License-Identifier: MIT */
/* Settings: key=value words, the same keys from every source (DESIGN §4).
 *
 * A module declares its keys in one table whose entries point at variables
 * that hold the default; config_apply() overwrites them. An unknown key or a
 * bad value is one log line that names the key and what was expected, and
 * leaves the default. Words that VMMs append (console=, reboot=, panic=, pci=,
 * virtio_mmio.device=, ...) are passed over in silence.
 *
 * A value has any length. In quotes it may hold spaces and go on over lines, as a
 * certificate in PEM does; there \n is the end of a line, \\ a backslash, \" a quote.
 * Values that are secret, all values of unknown keys, and words that look like no
 * key are never printed. What is copied here is wiped before it is freed.
 *
 * The sources, each overruling those before it: CONFIG= in the image, the settings
 * page or file (kernel/settings.h), a cloud's metadata service (net/metadata.h), a config drive
 * (kernel/config_drive.h), SMBIOS (kernel/dev/smbios.h), fw_cfg (kernel/dev/fw_cfg.h), the command
 * line. Metadata come when the network is up and all the others have spoken: what these have set
 * since config_hold() stands, and what is decided at boot is refused. A drive's configuration of
 * the network (net/netconf.h) has the drive's place, and yields to its user data. Their copies in
 * RAM are wiped once they are applied; CONFIG= in the image, a page of flash and what SMBIOS says
 * stay. */
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
	int (*check)(const char *value);   /* the whole value, gone once it returns */
	bool secret;               /* value never printed */
	bool boot;                 /* decided at boot: metadata cannot change it; all that is
	                            * SEALED must say so */
};

/* Adds a table; kept by reference. */
void config_declare(const struct setting *table, unsigned n);

/* Applies words separated by white space; `source` names them in messages
 * ("command line"). Keys given twice: the last wins. Returns the number of words
 * that were refused, also for lack of memory. */
int config_apply(const char *words, const char *source);

/* The same for words of `len` bytes that need no NUL; one ends them all the same. */
int config_apply_text(const char *words, size_t len, const char *source);

/* From here on what is set is held against a late document. Boot; of a table at most 64 keys. */
void config_hold(void);

/* As config_apply_text(), of a document that somebody wrote by hand: a key that is given twice is
 * said, the last one counts; after CONFIG_REFUSED_MAX words that are refused the rest is not looked
 * at. `late`: after boot; keys that are held or decided at boot are passed over and said. */
#define CONFIG_REFUSED_MAX 20
int config_apply_document(const char *words, size_t len, const char *source, bool late);

/* As config_apply_document() of a source that speaks at boot when those that overrule it have
 * spoken: keys that are held stand, which is said. */
int config_apply_yielding(const char *words, size_t len, const char *source);

/* Whether config_apply_yielding() would leave this key as it is. */
bool config_is_held(const char *key);

/* Sets one key to a value of `len` bytes, which a NUL follows; quotes mean nothing in it. A
 * refusal, logged, is -ENOENT (no such key) or -EINVAL, which may change the bytes of `value`.
 * The caller wipes them. */
int config_set(const char *key, char *value, size_t len, const char *source);
