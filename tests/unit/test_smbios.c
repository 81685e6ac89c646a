/* sources: kernel/dev/smbios.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/dev/smbios.c: OEM strings become settings; then every shortening of the table and many
 * spoilt copies, each in a block of its exact size so that a sanitizer sees one byte too far. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/dev.h"
#include "kernel/dev/smbios.h"

#define SPOILT 20000

extern const struct source smbios_strings;

/* A system, strings that are not ours and strings that are, an end. */
static const char table[] =
	"\x01\x08\x00\x01\x01\x02\x00\x00" "Maker\0Thing\0\0"
	"\x0b\x05\x00\x02\x03" "other:x=1\0zeitkern:ip=10.0.0.7/24 a=\"b c\"\0zeitkern:\0\0"
	"\x0b\x05\x00\x03\x00" "zeitkern:not=counted\0\0"
	"\x0b\x05\x00\x04\x09" "zeitkern:more=2\0\0"
	"\x7f\x04\x00\x05\0";

static char applied[256];

int config_apply(const char *words, const char *source)
{
	assert_string_equal(source, "SMBIOS");
	if (strlen(applied) + strlen(words) + 2 < sizeof(applied))
		strcat(strcat(applied, words), ";");
	return 0;
}

static void apply(const void *from, size_t len)
{
	struct device dev = { .kind = DEV_SMBIOS, .base = (uintptr_t)from, .size = len };

	applied[0] = '\0';
	assert_int_equal(smbios_strings.apply(&dev), 0);
}

static void test_strings(void **state)
{
	struct smbios_item item;
	struct smbios s;

	apply(table, sizeof(table));
	assert_string_equal(applied, "ip=10.0.0.7/24 a=\"b c\";;more=2;");
	smbios_walk(&s, table, sizeof(table));
	assert_true(smbios_next(&s, &item));
	assert_int_equal(item.type, 1);
	assert_string_equal(smbios_string(&item, 2), "Thing");
	assert_string_equal(smbios_string(&item, 0), "");
	assert_string_equal(smbios_string(&item, 3), "");
	assert_string_equal(smbios_string(&item, 255), "");
}

/* Makes the first `len` bytes of an entry point sum to 0 by its checksum. */
static void sum(char *entry, unsigned at, unsigned len)
{
	uint8_t total = 0;

	entry[at] = 0;
	for (unsigned i = 0; i < len; i++)
		total = (uint8_t)(total + (uint8_t)entry[i]);
	entry[at] = (char)-total;
}

static void test_entry(void **state)
{
	char entry[SMBIOS_ENTRY] = "_SM_\0\x1f";
	uint64_t at;
	uint32_t len;

	sum(entry, 4, 0x1f);
	assert_false(smbios_table(entry, &at, &len));
	memcpy(entry + 0x16, "\x34\x12\x00\x00\x0f\x00", 6);
	assert_false(smbios_table(entry, &at, &len));
	sum(entry, 4, 0x1f);
	assert_true(smbios_table(entry, &at, &len));
	for (unsigned bad = 0; bad < 2; bad++) {       /* too short, too long */
		entry[5] = bad ? SMBIOS_ENTRY + 1 : 4;
		assert_false(smbios_table(entry, &at, &len));
	}
	entry[5] = 0x1f;
	assert_true(smbios_table(entry, &at, &len));
	assert_int_equal(len, 0x1234);
	assert_int_equal(at, 0xf0000);
	memcpy(entry, "_SM3_\0\x18", 7);
	memcpy(entry + 0x0c, "\xff\xff\xff\x7f" "\x00\x00\x00\x40\x01\x00\x00\x00", 12);
	sum(entry, 5, 0x18);
	assert_true(smbios_table(entry, &at, &len));
	assert_int_equal(len, SMBIOS_TABLE_MAX);
	assert_true(at == 0x140000000);
	memcpy(entry, "_XX_", 4);
	assert_false(smbios_table(entry, &at, &len));
}

static void test_spoilt(void **state)
{
	for (size_t len = 0; len < sizeof(table); len++) {
		char *copy = malloc(len + !len);

		memcpy(copy, table, len);
		apply(copy, len);
		free(copy);
	}
	srand(4);
	for (unsigned i = 0; i < SPOILT; i++) {
		char *copy = malloc(sizeof(table));

		memcpy(copy, table, sizeof(table));
		for (unsigned n = rand() % 4 + 1; n > 0; n--)
			copy[rand() % sizeof(table)] = (char)rand();
		apply(copy, sizeof(table));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
