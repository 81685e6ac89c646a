/* sources: kernel/dev/smbios.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: an SMBIOS entry point and a table of any bytes (kernel/dev/smbios.h), each in a block of
 * its exact size. The entry point's sum is made right, or few would be looked at. */
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/dev.h"
#include "kernel/dev/smbios.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct source smbios_strings;

int config_apply(const char *words, const char *source)
{
	return strlen(words) > SMBIOS_TABLE_MAX ? -1 : 0;
}

static void look_at_entry(const uint8_t *data)
{
	char *entry = malloc(SMBIOS_ENTRY);
	uint8_t sum = 0;
	uint64_t table;
	uint32_t len;

	memcpy(entry, data, SMBIOS_ENTRY);
	memcpy(entry, data[0] & 1 ? "_SM_" : "_SM3", 4);
	for (unsigned i = 0; i < 24; i++)
		sum = (uint8_t)(sum + (uint8_t)entry[i]);
	entry[8] = (char)(entry[8] - sum);
	if (smbios_table(entry, &table, &len) && (!table || !len || len > SMBIOS_TABLE_MAX))
		abort();
	free(entry);
}

static void look_at_table(const uint8_t *data, size_t size)
{
	struct device dev = { .kind = DEV_SMBIOS, .size = size };
	char *table = malloc(size);
	struct smbios_item item;
	struct smbios s;
	unsigned n = 0;

	memcpy(table, data, size);
	smbios_walk(&s, table, size);
	while (smbios_next(&s, &item)) {
		if (++n > 256)
			abort();
		for (unsigned i = 0; i < 256; i++)
			if (strlen(smbios_string(&item, i)) >= size)
				abort();
	}
	dev.base = (uintptr_t)table;
	smbios_strings.apply(&dev);
	free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= SMBIOS_ENTRY)
		return 0;
	look_at_entry(data);
	look_at_table(data + SMBIOS_ENTRY, size - SMBIOS_ENTRY);
	return 0;
}
