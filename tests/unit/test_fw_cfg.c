/* sources: kernel/dev/fw_cfg.c kernel/config.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/dev/fw_cfg.c against a device that holds what it likes. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/dev/fw_cfg.h"

#define ITEMS 48
#define FIRST 0x20                     /* number of the first file's item */
#define ENTRY 64u

static uint32_t port;
static char text[300000];

static int check(const char *value)
{
	snprintf(text, sizeof(text), "%s", value);
	return 0;
}

static const struct setting table[] = {
	{ .key = "port", .type = SETTING_U32, .value = &port, .max = 65535 },
	{ .key = "text", .type = SETTING_CHECKED, .check = check },
};

/* The device. */
static const char *signature;
static struct { char name[57]; const char *bytes; uint32_t size; } files[ITEMS];
static unsigned count;
static uint32_t said_count;
static int item;
static size_t at;
static uint64_t bytes_read;

static uint8_t big(uint32_t value, unsigned byte)
{
	return (uint8_t)(value >> (24 - 8 * byte));
}

static uint8_t directory_byte(size_t i)
{
	unsigned n = (unsigned)((i - 4) / ENTRY), k = (i - 4) % ENTRY;

	if (i < 4)
		return big(said_count, (unsigned)i);
	if (n >= count)
		return 0;
	if (k < 4)
		return big(files[n].size, k);
	if (k < 6)
		return big(FIRST + n, k - 2);
	return k < 8 ? 0 : (uint8_t)files[n].name[k - 8];
}

static uint8_t next_byte(void)
{
	size_t i = at++;

	bytes_read++;
	if (item == 0)
		return i < 4 ? (uint8_t)signature[i] : 0;
	if (item == 0x19)
		return directory_byte(i);
	assert_in_range(item, FIRST, FIRST + (int)count - 1);
	return i < files[item - FIRST].size ? (uint8_t)files[item - FIRST].bytes[i] : 0;
}

static void fake_select(uint16_t number)
{
	item = number;
	at = 0;
}

static void fake_read(void *to, size_t n)
{
	uint8_t *p = to;

	while (n-- > 0)
		*p++ = next_byte();
}

static const struct fw_cfg cfg = { fake_select, fake_read };

static void add(const char *name, const char *bytes, size_t size)
{
	strncpy(files[count].name, name, 56);
	files[count].bytes = bytes;
	files[count++].size = (uint32_t)size;
	said_count = count;
}

static int declare(void **state)
{
	config_declare(table, ARRAY_LEN(table));
	return 0;
}

static int setup(void **state)
{
	memset(files, 0, sizeof(files));
	signature = "QEMU";
	port = 8080;
	count = said_count = fake_log_lines = 0;
	text[0] = '\0';
	bytes_read = 0;
	return 0;
}

static void test_absent(void **state)
{
	signature = "\xff\xff\xff\xff";
	add("opt/zeitkern/port", "81", 2);
	assert_int_equal(fw_cfg_apply(&cfg), -ENODEV);
	assert_int_equal(port, 8080);
}

static void test_values(void **state)
{
	add("bootorder", "x", 1);
	add("opt/other/port", "1", 1);
	add("opt/zeitkern/port", "82\n", 3);
	add("opt/zeitkern/settings", "port=81 text=\"a\nb\"\n", 19);
	assert_int_equal(fw_cfg_apply(&cfg), 0);
	assert_int_equal(port, 82);            /* a key of its own comes after the words */
	assert_string_equal(text, "a\nb");
	add("opt/zeitkern/text", "c d\n\n", 5);
	assert_int_equal(fw_cfg_apply(&cfg), 0);
	assert_string_equal(text, "c d\n");
	assert_int_equal(fake_log_lines, 0);
	add("opt/zeitkern/text", "", 0);
	assert_int_equal(fw_cfg_apply(&cfg), 0);
	assert_string_equal(text, "");
}

static void test_wrong(void **state)
{
	add("opt/zeitkern/port", "82\0", 3);
	fw_cfg_apply(&cfg);
	assert_int_equal(fake_log_lines, 1);
	assert_int_equal(port, 8080);
	setup(NULL);
	add("opt/zeitkern/no.such", "secret", 6);
	fw_cfg_apply(&cfg);
	assert_string_equal(fake_log, "fw_cfg: unknown setting \"no.such\"");
	setup(NULL);
	add("opt/zeitkern/\x1b[2J", "secret", 6);
	fw_cfg_apply(&cfg);
	assert_string_equal(fake_log, "fw_cfg: unknown setting \"?\"");
	setup(NULL);
	add("opt/zeitkern/", "secret", 6);
	fw_cfg_apply(&cfg);
	assert_int_equal(fake_log_lines, 1);
}

/* A name that fills its place has no NUL. */
static void test_long_name(void **state)
{
	add("opt/zeitkern/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1", 1);
	assert_int_equal(strlen(files[0].name), 56);
	fw_cfg_apply(&cfg);
	assert_string_equal(fake_log, "fw_cfg: unknown setting \""
				      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
}

static void test_long_file(void **state)
{
	static char bytes[(256 << 10) + 1];

	memset(bytes, 'x', sizeof(bytes));
	add("opt/zeitkern/text", bytes, sizeof(bytes) - 1);
	fw_cfg_apply(&cfg);
	assert_int_equal(strlen(text), sizeof(bytes) - 1);
	assert_int_equal(fake_log_lines, 0);
	text[0] = '\0';
	files[0].size++;
	fw_cfg_apply(&cfg);
	assert_string_equal(fake_log, "fw_cfg: text: longer than 262144 bytes");
	files[0].size = UINT32_MAX;
	bytes_read = 0;
	fw_cfg_apply(&cfg);
	assert_string_equal(text, "");
	assert_int_equal(fake_log_lines, 2);
	assert_true(bytes_read < 1000);
}

static void test_large_directory(void **state)
{
	add("opt/zeitkern/port", "81", 2);
	said_count = UINT32_MAX;
	fw_cfg_apply(&cfg);
	assert_int_equal(port, 81);
	assert_int_equal(fake_log_lines, 1);
	assert_true(bytes_read < 100000);
}

static void test_many_files(void **state)
{
	for (unsigned i = 0; i < ITEMS; i++)
		add("opt/zeitkern/port", "81", 2);
	fw_cfg_apply(&cfg);
	assert_int_equal(port, 81);
	assert_string_equal(fake_log, "fw_cfg: more than 32 settings; the rest is left out");
	assert_int_equal(fake_log_lines, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_absent, setup),
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_wrong, setup),
		cmocka_unit_test_setup(test_long_name, setup),
		cmocka_unit_test_setup(test_long_file, setup),
		cmocka_unit_test_setup(test_large_directory, setup),
		cmocka_unit_test_setup(test_many_files, setup),
	};

	return cmocka_run_group_tests(tests, declare, NULL);
}
