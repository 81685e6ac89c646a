/* SPDX-License-Identifier: MIT */
/* sources: kernel/config_drive.c tests/unit/fake_kernel.c */
/* cflags: -Wl,--wrap=malloc */
/* kernel/config_drive.h: a network file that there is no memory for is one line. */
#include "kernel/config_drive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/block.h"
#include "kernel/userdata.h"
#include "kernel/volume.h"
#include "tests/unit/fake_kernel.h"

void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);

void *__wrap_malloc(size_t len)
{
	return len == USERDATA_MAX ? __real_malloc(len) : NULL;
}

static int open_none(struct volume *v)
{
	return -ENODEV;
}

static int open_it(struct volume *v)
{
	strcpy(v->label, "CIDATA");
	return 0;
}

static long read_network(struct volume *v, const char *path, void *to, size_t max)
{
	if (strcmp(path, "network-config") != 0)
		return -ENOENT;
	memset(to, 'x', 100);
	return 100;
}

const struct filesystem iso9660 = { .name = "ISO", .open = open_none };
const struct filesystem fat = { .name = "FAT", .open = open_it, .read = read_network };

void userdata_apply(const char *text, size_t len, const char *source, bool late)
{
	assert_int_equal(len, 0);
}

bool userdata_member(const char *text, size_t len, const char *key, char *to, size_t size)
{
	return false;
}

void userdata_hostname(const char *name, const char *source, bool late)
{
}

static void test_no_memory(void **state)
{
	struct block b = { .where = "here" };
	const char *name;
	size_t len;

	assert_int_equal(config_drive_apply(&b), 0);
	assert_string_equal(fake_log, "config drive: network-config: no memory to keep it");
	assert_null(config_drive_network(&len, &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_memory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
