/* SPDX-License-Identifier: MIT */
/* libFuzzer: settings (kernel/config.h) from any bytes; what is accepted lies within
 * what the table allows. */
#include "kernel/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

static uint32_t number;
static char text[8];
static bool flag;
static unsigned checked;

static int check(const char *value)
{
	checked++;
	return value[0] == 'o' ? 0 : -EINVAL;
}

static const struct setting table[] = {
	{.key = "n",
	 .type = SETTING_U32,
	 .value = &number,
	 .min = 3,
	 .max = 4000000000u,
	 .expected = "a number"},
	{.key = "text",
	 .type = SETTING_STRING,
	 .value = text,
	 .max = sizeof(text),
	 .expected = "a word"},
	{.key = "flag", .type = SETTING_BOOL, .value = &flag, .expected = "yes or no"},
	{.key = "c", .type = SETTING_CHECKED, .check = check, .expected = "o", .secret = true},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool declared;
	char *words = malloc(size + 1);

	if (!declared)
		config_declare(table, ARRAY_LEN(table));
	declared = true;
	memcpy(words, data, size);
	words[size] = 0;
	number = 3;
	assert(config_apply(words, "fuzzer") >= 0);
	assert(number >= 3 && number <= 4000000000u);
	assert(strnlen(text, sizeof(text)) < sizeof(text));
	for (const char *p = text; *p; p++)
		assert(*p > ' ' && *p < 127);
	free(words);
	return 0;
}
