/* SPDX-License-Identifier: MIT */
/* The settings page of a board's flash, or the settings file that its boot loader
 * has put in memory: settings without rebuilding. Written by linker/settings.
 *
 * Text that a person can read. The first line names the format, the length of what
 * follows it in bytes and the CRC-32 of that (IEEE 802.3 §3.2.9, in hex):
 *
 *	zeitkern-settings 1 24 3f2a9b07
 *	ip=10.0.0.7/24
 *	seed=...
 *
 * A boot loader that reads whole files may give plain words instead, machine.settings_text.
 *
 * The rest is words for config_apply(). What lies behind them is of no interest. A
 * page of nothing but 0xff, or 0x00, is erased: there are no settings. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Looks at `size` bytes of which the page or file is the beginning: how long the words
 * are that *words then points to, in place; 0 when the page is erased. -EINVAL: the
 * first line is not such a line; -EFBIG: the page ends before its words; -EBADMSG:
 * their checksum is another. */
int settings_find(const void *page, size_t size, const char **words);

/* Boot, once. Applies machine.settings; a damaged page is one line, and changes nothing. A copy
 * in RAM is wiped; a page of flash stays, for the next boot. */
void settings_apply(void);
