/* sources: kernel/userdata.c kernel/config.c */
/* SPDX-License-Identifier: MIT */
/* Fuzzer: user data and meta-data (kernel/userdata.h) of any bytes, which end where the input
 * does. */
#include "kernel/userdata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(enum log_level level, const char *fmt, ...) {}

void panic(const char *fmt, ...)
{
	abort();
}

static char name[64];
static uint32_t number;
static const struct setting table[] = {
	{ .key = "hostname", .type = SETTING_STRING, .value = name, .max = sizeof(name) },
	{ .key = "n", .type = SETTING_U32, .value = &number, .max = 100, .boot = true },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool declared;
	char *text = malloc(size), member[32];

	if (!declared) {
		config_declare(table, ARRAY_LEN(table));
		config_hold();
	}
	declared = true;
	memcpy(text, data, size);
	userdata_apply(text, size, "fuzzer", size & 1);
	if (userdata_member(text, size, "hostname", member, sizeof(member))) {
		if (!memchr(member, 0, sizeof(member)) || !*member)
			abort();
		userdata_hostname(member, "fuzzer", size & 1);
	}
	if (number > 100 || !memchr(name, 0, sizeof(name)))
		abort();
	free(text);
	return 0;
}
