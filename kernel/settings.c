/* SPDX-License-Identifier: MIT */
/* The settings page or file (kernel/settings.h). A flash page may be half written, and
 * a card may hold anything: nothing of it is used before its checksum is right. */
#include "kernel/settings.h"

#include <errno.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/mem.h"

#define MAGIC "zeitkern-settings 1 "
#define LENGTH_DIGITS 6
#define CRC_DIGITS 8

/* CRC-32 of IEEE 802.3, four bits at a time: this table instead of one of a KiB. */
static uint32_t crc32(const char *p, size_t len)
{
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = UINT32_MAX;

	for (; len > 0; p++, len--) {
		crc ^= (uint8_t)*p;
		crc = crc >> 4 ^ of_nibble[crc & 15];
		crc = crc >> 4 ^ of_nibble[crc & 15];
	}
	return ~crc;
}

static bool is_erased(const char *p, size_t len)
{
	if (len == 0)
		return true;
	if (p[0] != 0 && (uint8_t)p[0] != 0xff)
		return false;
	return memcmp(p, p + 1, len - 1) == 0;
}

/* Reads the number at *p, of 1 to `digits` digits in lower case, and the character
 * that must follow it; *p is then behind that. -EINVAL: it is none. */
static int read_number(const char **p, const char *end, uint32_t base, unsigned digits, char after,
		       uint32_t *number)
{
	static const char digit[] = "0123456789abcdef";
	const char *first = *p, *found = NULL;

	*number = 0;
	for (; *p < end && **p != after; (*p)++) {
		found = memchr(digit, **p, base);
		if (!found || *p - first == (ptrdiff_t)digits)
			return -EINVAL;
		*number = *number * base + (uint32_t)(found - digit);
	}
	return *p < end && (*p)++ > first ? 0 : -EINVAL;
}

int settings_find(const void *page, size_t size, const char **words)
{
	const char *p = page, *end = p + size;
	uint32_t len, crc;

	if (is_erased(p, size))
		return 0;
	if (size < strlen(MAGIC) || memcmp(p, MAGIC, strlen(MAGIC)) != 0)
		return -EINVAL;
	p += strlen(MAGIC);
	if (read_number(&p, end, 10, LENGTH_DIGITS, ' ', &len) < 0)
		return -EINVAL;
	if (read_number(&p, end, 16, CRC_DIGITS, '\n', &crc) < 0)
		return -EINVAL;
	if (len > (size_t)(end - p))
		return -EFBIG;
	if (crc != crc32(p, len))
		return -EBADMSG;
	*words = p;
	return (int)len;
}

static const char *what_is_wrong(int error)
{
	switch (error) {
	case -EBADMSG:
		return "its checksum is another";
	case -EFBIG:
		return "it ends before its last word";
	default:
		return "its first line is none of ours";
	}
}

void settings_apply(void)
{
	const struct region *where = &machine.settings;
	const char *words = (const char *)(uintptr_t)where->base;
	int len;

	if (machine.settings_text)
		len = (int)where->size;
	else
		len = settings_find(words, where->size, &words);
	if (len < 0) {
		log_warn("settings: damaged (%s), defaults are used", what_is_wrong(len));
	} else if (len > 0) {
		log_info("settings: %d bytes", len);
		config_apply_text(words, (size_t)len,
				  machine.settings_text ? machine.settings_text : "settings");
	}
	if (machine.settings_copied)
		mem_wipe((void *)(uintptr_t)where->base, where->size);
}
