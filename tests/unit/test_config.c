/* sources: kernel/config.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/config.c: every type, every way to be wrong, and what it says then. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "kernel/config.h"

static uint32_t port;
static char host[8];
static bool flag;
static char checked[16], password[16];

static int check(const char *value)
{
	if (strcmp(value, "bad") == 0)
		return -EINVAL;
	strcpy(checked, value);
	return 0;
}

static const struct setting table[] = {
	{ .key = "http.port", .type = SETTING_U32, .value = &port, .min = 1, .max = 65535,
	  .expected = "a port, 1 to 65535" },
	{ .key = "hostname", .type = SETTING_STRING, .value = host, .max = sizeof(host) },
	{ .key = "flag", .type = SETTING_BOOL, .value = &flag },
	{ .key = "ip", .type = SETTING_CHECKED, .check = check, .expected = "dhcp" },
	{ .key = "password", .type = SETTING_STRING, .value = password, .max = sizeof(password),
	  .secret = true },
};

static int declare(void **state)
{
	config_declare(table, ARRAY_LEN(table));
	return 0;
}

static int setup(void **state)
{
	port = 8080;
	strcpy(host, "zeit");
	flag = false;
	checked[0] = '\0';
	fake_log_lines = 0;
	return 0;
}

static void test_values(void **state)
{
	assert_int_equal(config_apply(" http.port=81\thostname=box \n flag=yes ip=dhcp", "x"), 0);
	assert_int_equal(port, 81);
	assert_string_equal(host, "box");
	assert_true(flag);
	assert_string_equal(checked, "dhcp");
	assert_int_equal(config_apply("http.port=1 http.port=65535 flag=off", "x"), 0);
	assert_int_equal(port, 65535);
	assert_false(flag);
	assert_int_equal(config_apply("", "x"), 0);
	assert_int_equal(config_apply("  \t ", "x"), 0);
	assert_int_equal(config_apply("hostname=\"a\"b ip=\"two words\"", "x"), 0);
	assert_string_equal(host, "ab");
	assert_string_equal(checked, "two words");
	assert_int_equal(fake_log_lines, 0);
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {
		"http.port=0", "http.port=65536", "http.port=", "http.port=-1", "http.port=+1",
		"http.port=0x50", "http.port=80 80", "http.port", "http.port=18446744073709551697",
		"hostname=longname", "hostname=\"a b\"", "hostname=\x01", "hostname=\"box",
		"hostname=\xc3\xa4", "flag=maybe", "flag", "flag=", "ip=bad",
	};

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		setup(NULL);
		assert_int_equal(config_apply(bad[i], "x"), 1);
		assert_int_equal(fake_log_lines, 1);
		if (strstr(bad[i], " 80"))
			continue;
		assert_int_equal(port, 8080);
		assert_string_equal(host, "zeit");
		assert_false(flag);
	}
}

static void test_messages(void **state)
{
	config_apply("http.port=http", "command line");
	assert_string_equal(fake_log, "command line: http.port=http: expected a port, 1 to 65535");
	config_apply("http.prot=80", "fw_cfg");
	assert_string_equal(fake_log, "fw_cfg: unknown setting \"http.prot\"");
	config_apply("verbose", "command line");
	assert_string_equal(fake_log,
			    "command line: unknown setting \"verbose\", expected key=value");
	config_apply("ev\x1b[2Jil=1", "x");
	assert_string_equal(fake_log, "x: unknown setting \"ev?[2Jil\"");
	config_apply("password=far-too-long-to-be-taken", "x");
	assert_null(strstr(fake_log, "far-too"));
	assert_non_null(strstr(fake_log, "(secret)"));
}

static void test_foreign_words(void **state)
{
	assert_int_equal(config_apply("console=ttyS0 reboot=k panic=1 pci=off nomodules "
				      "virtio_mmio.device=512@0xfeb00e00:12 8250.nr_uarts=0 "
				      "i8042.noaux root=/dev/vda ro quiet", "x"), 0);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(config_apply("consoles=ttyS0", "x"), 1);
}

/* Longer than any buffer inside. */
static void test_long(void **state)
{
	static char text[5000];

	memset(text, 'k', sizeof(text) - 1);
	assert_int_equal(config_apply(text, "x"), 1);
	memcpy(text, "ip=", 3);
	assert_int_equal(config_apply(text, "x"), 1);
	assert_string_equal(checked, "");
	memset(text, '=', sizeof(text) - 1);
	assert_int_equal(config_apply(text, "x"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_foreign_words, setup),
		cmocka_unit_test_setup(test_long, setup),
	};

	return cmocka_run_group_tests(tests, declare, NULL);
}
