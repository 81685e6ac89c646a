/* SPDX-License-Identifier: MIT */
/* See smbios.h. A structure is its fixed part, whose length its second byte tells, and strings,
 * each with a NUL, the last with two (§6.1). */
#include "kernel/dev/smbios.h"

#include <errno.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/dev.h"
#include "kernel/kernel.h"

#define ANCHOR_21 0x5f4d535fu          /* "_SM_" */
#define ANCHOR_30 0x334d535fu          /* "_SM3" */
#define LEN_21 5                       /* where they say how long they are */
#define LEN_30 6
#define ENTRY_LEAST 0x18u
#define STRUCTURES_MAX 256
#define HEADER 4u
#define OEM_STRINGS 11                 /* §7.12 */
#define OEM_COUNT 4
#define PREFIX "zeitkern:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* §5.2.1, §5.2.2: the bytes of an entry point, as many as it says, sum to 0. */
static bool intact(const char *entry, unsigned len)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)entry[i]);
	return len >= ENTRY_LEAST && sum == 0;
}

bool smbios_table(const char *entry, uint64_t *table, uint32_t *len)
{
	unsigned size;
	uint32_t anchor;

	*table = *len = 0;
	memcpy(&anchor, entry, 4);
	size = (uint8_t)entry[anchor == ANCHOR_21 ? LEN_21 : LEN_30];
	if (!intact(entry, size <= SMBIOS_ENTRY ? size : 0))
		return false;
	if (anchor == ANCHOR_21) {
		memcpy(len, entry + 0x16, 2);
		memcpy(table, entry + 0x18, 4);
	} else if (anchor == ANCHOR_30) {
		memcpy(len, entry + 0x0c, 4);
		memcpy(table, entry + 0x10, 8);
	}
	*len = MIN(*len, SMBIOS_TABLE_MAX);
	return *table && *len;
}

void smbios_walk(struct smbios *s, const void *table, size_t len)
{
	*s = (struct smbios){ .p = table, .end = (const char *)table + len, STRUCTURES_MAX };
}

bool smbios_next(struct smbios *s, struct smbios_item *item)
{
	const char *p = s->p, *strings;

	if (s->left == 0 || s->end - p < (ptrdiff_t)HEADER)
		return false;
	*item = (struct smbios_item){ .type = (uint8_t)p[0], .len = (uint8_t)p[1], .at = p };
	if (item->len < HEADER || s->end - p < item->len + 2)
		return false;
	strings = item->strings = p + item->len;
	while (strings + 1 < s->end && (strings[0] || strings[1]))
		strings++;
	if (strings + 1 >= s->end)
		return false;
	item->end = strings + 1;
	s->p = strings + 2;
	s->left--;
	return true;
}

const char *smbios_string(const struct smbios_item *item, unsigned n)
{
	const char *s = item->strings;

	if (n == 0)
		return "";
	while (--n > 0 && s < item->end && *s)
		s += strlen(s) + 1;
	return s < item->end ? s : "";
}

static int apply(const struct device *dev)
{
	struct smbios_item item;
	struct smbios s;

	smbios_walk(&s, (const void *)(uintptr_t)dev->base, dev->size);
	while (smbios_next(&s, &item)) {
		if (item.type != OEM_STRINGS || item.len <= OEM_COUNT)
			continue;
		for (unsigned n = 1; n <= (uint8_t)item.at[OEM_COUNT]; n++) {
			const char *words = smbios_string(&item, n);

			if (!strncmp(words, PREFIX, PREFIX_LEN))
				config_apply(words + PREFIX_LEN, "SMBIOS");
		}
	}
	return 0;
}

const struct source smbios_strings = {
	.kind = DEV_SMBIOS,
	.apply = apply,
};
