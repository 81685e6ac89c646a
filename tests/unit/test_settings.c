/* sources: kernel/settings.c kernel/config.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/settings.c: a page as linker/settings writes it, then that page wrong in every
 * bit, cut at every byte, and with every length. Pages lie at the end of a block of their
 * own size, so that the address sanitizer sees any byte read outside. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/machine.h"
#include "kernel/settings.h"

#define PAGE 256
#define WORDS "ip=10.0.0.7/24\nport=81\nname=\"a b\"\n"
/* The CRC of the words: that of Python's zlib.crc32(). */
#define FIRST "zeitkern-settings 1 34 "
#define TEXT FIRST "5b795f33\n" WORDS

struct machine machine;
static uint32_t port;
static char ip[32], name[8];

static int check_ip(const char *value)
{
	strcpy(ip, value);
	return 0;
}

static int check_name(const char *value)
{
	strcpy(name, value);
	return 0;
}

static const struct setting table[] = {
	{ .key = "port", .type = SETTING_U32, .value = &port, .max = 65535 },
	{ .key = "ip", .type = SETTING_CHECKED, .check = check_ip },
	{ .key = "name", .type = SETTING_CHECKED, .check = check_name },
};

static int declare(void **state)
{
	config_declare(table, ARRAY_LEN(table));
	return 0;
}

static int setup(void **state)
{
	port = 8080;
	ip[0] = name[0] = '\0';
	fake_log_lines = 0;
	memset(&machine, 0, sizeof(machine));
	return 0;
}

/* A copy of `len` bytes that fills a block of its own. */
static char *exact(const void *text, size_t len)
{
	char *page = malloc(len);

	memcpy(page, text, len);
	return page;
}

static char *page_of(char fill)
{
	char *page = malloc(PAGE);

	memset(page, fill, PAGE);
	return memcpy(page, TEXT, strlen(TEXT));
}

static int find_text(const char *text)
{
	const char *words = NULL;
	char *page = exact(text, strlen(text));
	int len = settings_find(page, strlen(text), &words);

	free(page);
	return len;
}

static void test_found(void **state)
{
	const char *words = NULL;
	char *page = page_of('\xff'), *file = exact(TEXT, strlen(TEXT));

	assert_int_equal(settings_find(page, PAGE, &words), strlen(WORDS));
	assert_ptr_equal(words, page + strlen(TEXT) - strlen(WORDS));
	assert_int_equal(settings_find(file, strlen(TEXT), &words), strlen(WORDS));
	assert_int_equal(find_text("zeitkern-settings 1 0 00000000\n"), 0);
	free(page);
	free(file);
}

static void test_applied(void **state)
{
	char *page = exact(TEXT, strlen(TEXT));

	machine.settings = (struct region){ (uintptr_t)page, strlen(TEXT) };
	settings_apply();
	assert_int_equal(port, 81);
	assert_string_equal(ip, "10.0.0.7/24");
	assert_string_equal(name, "a b");
	assert_string_equal(fake_log, "settings: 34 bytes");
	config_apply("port=82", "command line");
	assert_int_equal(port, 82);
	free(page);
}

static void test_erased(void **state)
{
	static const char fills[] = { '\0', '\xff' };
	const char *words;

	for (unsigned i = 0; i < ARRAY_LEN(fills); i++) {
		char *page = malloc(PAGE);

		memset(page, fills[i], PAGE);
		assert_int_equal(settings_find(page, PAGE, &words), 0);
		page[PAGE - 1] = 'x';
		assert_int_equal(settings_find(page, PAGE, &words), -EINVAL);
		free(page);
	}
	settings_apply();
	assert_int_equal(fake_log_lines, 0);
}

/* Damage in what counts is refused; behind it, nothing changes. */
static void test_every_bit(void **state)
{
	char *page = page_of('\xff');

	machine.settings = (struct region){ (uintptr_t)page, PAGE };
	for (unsigned bit = 0; bit < PAGE * 8; bit++) {
		setup(NULL);
		machine.settings = (struct region){ (uintptr_t)page, PAGE };
		page[bit / 8] ^= (char)(1 << bit % 8);
		settings_apply();
		page[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(fake_log_lines, 1);
		if (bit / 8 < strlen(TEXT)) {
			assert_memory_equal(fake_log, "settings: damaged (", 19);
			assert_non_null(strstr(fake_log, "), defaults are used"));
			assert_int_equal(port, 8080);
			assert_string_equal(ip, "");
		} else {
			assert_int_equal(port, 81);
		}
	}
	free(page);
}

static void test_every_end(void **state)
{
	for (size_t size = 1; size < strlen(TEXT); size++) {
		const char *words;
		char *page = exact(TEXT, size);
		int e = settings_find(page, size, &words);

		assert_int_equal(e, size < strlen(TEXT) - strlen(WORDS) ? -EINVAL : -EFBIG);
		free(page);
	}
}

static void test_every_length(void **state)
{
	char text[PAGE];

	for (unsigned len = 0; len < 2 * PAGE; len++) {
		int e;

		snprintf(text, sizeof(text), "zeitkern-settings 1 %u 5b795f33\n%s", len, WORDS);
		e = find_text(text);
		if (len == strlen(WORDS))
			assert_int_equal(e, len);
		else
			assert_int_equal(e, len < strlen(WORDS) ? -EBADMSG : -EFBIG);
	}
}

static void test_first_lines(void **state)
{
	static const char *const bad[] = {
		"ip=dhcp\n",
		"zeitkern-settings 2 34 5b795f33\n",
		"zeitkern-settings 1  34 5b795f33\n",
		"zeitkern-settings 1 x 5b795f33\n",
		"zeitkern-settings 1 -1 5b795f33\n",
		"zeitkern-settings 1 34\n",
		"zeitkern-settings 1 34 \n",
		"zeitkern-settings 1 \n",
		"zeitkern-settings 1 34 5b795f33",
		"zeitkern-settings 1 34 5B795F33\n",
		"zeitkern-settings 1 34 5b795f330\n",
		"zeitkern-settings 1 34 5b795f33\r\n",
		"zeitkern-settings 1 1000034 5b795f33\n",
		"zeitkern-settings 1 4294967330 5b795f33\n",
		"zeitkern-settings 1 18446744073709551650 5b795f33\n",
	};
	char text[PAGE];

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "%s%s", bad[i], WORDS);
		assert_int_equal(find_text(text), -EINVAL);
	}
	assert_int_equal(find_text("zeitkern-settings 1 999999 5b795f33\n" WORDS), -EFBIG);
}

/* A word without an end, and a NUL among the words. */
static void test_words(void **state)
{
	assert_int_equal(config_apply_text("port=81", 6, "x"), 0);
	assert_int_equal(port, 8);
	assert_int_equal(config_apply_text("port=81\0port=82", 15, "x"), 0);
	assert_int_equal(port, 81);
	assert_int_equal(config_apply_text("name=\"a", 7, "x"), 1);
	assert_int_equal(config_apply_text("", 0, "x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_found, setup),
		cmocka_unit_test_setup(test_applied, setup),
		cmocka_unit_test_setup(test_erased, setup),
		cmocka_unit_test_setup(test_every_bit, setup),
		cmocka_unit_test_setup(test_every_end, setup),
		cmocka_unit_test_setup(test_every_length, setup),
		cmocka_unit_test_setup(test_first_lines, setup),
		cmocka_unit_test_setup(test_words, setup),
	};

	return cmocka_run_group_tests(tests, declare, NULL);
}
