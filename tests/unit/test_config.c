/* sources: kernel/config.c tests/unit/fake_kernel.c */
/* cflags: -Wl,--wrap=free */
/* SPDX-License-Identifier: MIT */
/* kernel/config.c: every type, every way to be wrong, and what it says then. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/mem.h"

void __real_free(void *p);
void __wrap_free(void *p);

/* Nothing is freed before it is wiped. */
void __wrap_free(void *p)
{
	size_t size = p ? malloc_usable_size(p) : 0;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(((char *)p)[i], 0);
	__real_free(p);
}

static uint32_t port;
static char host[8];
static bool flag, early;
static char checked[64], password[16];
static size_t checked_len;

static int check(const char *value)
{
	checked_len = strlen(value);
	if (strcmp(value, "bad") == 0)
		return -EINVAL;
	snprintf(checked, sizeof(checked), "%s", value);
	return 0;
}

static int refuse(const char *value)
{
	return -EINVAL;
}

static const struct setting table[] = {
	{ .key = "http.port", .type = SETTING_U32, .value = &port, .min = 1, .max = 65535,
	  .expected = "a port, 1 to 65535" },
	{ .key = "hostname", .type = SETTING_STRING, .value = host, .max = sizeof(host) },
	{ .key = "flag", .type = SETTING_BOOL, .value = &flag },
	{ .key = "ip", .type = SETTING_CHECKED, .check = check, .expected = "dhcp" },
	{ .key = "password", .type = SETTING_STRING, .value = password, .max = sizeof(password),
	  .secret = true },
	{ .key = "key", .type = SETTING_CHECKED, .check = refuse, .expected = "a key in PEM",
	  .secret = true },
	{ .key = "early", .type = SETTING_BOOL, .value = &early, .boot = true },
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
	assert_string_equal(fake_log, "x: word 1: expected key=value");
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

#define PEM "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----"

static void test_quotes(void **state)
{
	static const struct { const char *words, *value; } good[] = {
		{ "ip=\"a\nb\"", "a\nb" },
		{ "ip=\"a\\nb\" flag=no", "a\nb" },
		{ "ip=\"a\\\"b\" flag=no", "a\"b" },
		{ "ip=\"a\\\\\" flag=no", "a\\" },
		{ "ip=a\\nb", "a\\nb" },
		{ "ip=\"\"", "" },
		{ "ip=a=b", "a=b" },
		{ "ip=\"two\twords\"=\"and more\"", "two\twords=and more" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(config_apply(good[i].words, "x"), 0);
		assert_string_equal(checked, good[i].value);
	}
	assert_int_equal(config_apply("ip=\"" PEM "\" http.port=81", "x"), 0);
	assert_int_equal(checked_len, strlen(PEM));
	assert_int_equal(port, 81);
	assert_int_equal(config_apply("hostname=\"a\nb\"", "x"), 1);
	assert_string_equal(fake_log, "x: hostname=a?b: expected fewer printable characters, "
				      "without a space");
	assert_int_equal(config_apply("ip=\"a\\", "x"), 1);
	assert_int_equal(config_apply("ip=\"a\\\"", "x"), 1);
	assert_int_equal(config_apply("a\"b http.port=82", "x"), 1);
	assert_int_equal(port, 82);
}

/* A key whose quotes were forgotten: refused word by word, and none of it is printed. */
static void test_no_secret_is_printed(void **state)
{
	static const char *const bad[] = {
		"key=\"" PEM "\"", "key=" PEM, "key=\"" PEM, "tls.kye=\"" PEM "\"", PEM,
		"key= MIIB+/=", "MIIBabcdefghijklm=", "=MIIB",
		"seed= 4d4949424d4949424d4949424d4949424d4949424d4949424d4949424d494942",
	};

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(config_apply(bad[i], "x") > 0);
		assert_null(strstr(fake_log, "MII"));
		assert_null(strstr(fake_log, "4d49"));
	}
	config_apply("key=\"" PEM "\"", "file");
	assert_string_equal(fake_log, "file: key=(secret): expected a key in PEM");
}

static void test_long(void **state)
{
	static char text[40000];

	memset(text, 'k', sizeof(text) - 1);
	assert_int_equal(config_apply(text, "x"), 1);
	assert_string_equal(fake_log, "x: word 1: expected key=value");
	memcpy(text, "hostname=", 9);
	assert_int_equal(config_apply(text, "x"), 1);
	assert_string_equal(host, "zeit");
	memcpy(text, "ip=kkkkkk", 9);
	assert_int_equal(config_apply(text, "x"), 0);
	assert_int_equal(checked_len, sizeof(text) - 4);
	memset(text, '=', sizeof(text) - 1);
	assert_int_equal(config_apply(text, "x"), 1);
}

static int set_text(const char *key, const char *bytes, size_t len)
{
	char *value = malloc(len + 1);
	int e;

	memcpy(value, bytes, len);
	value[len] = '\0';
	e = config_set(key, value, len, "fw_cfg");
	mem_wipe(value, len + 1);
	free(value);
	return e;
}

static void test_set(void **state)
{
	assert_int_equal(set_text("ip", PEM "\n", strlen(PEM) + 1), 0);
	assert_int_equal(checked_len, strlen(PEM) + 1);
	assert_int_equal(set_text("ip", "\"a\\n", 4), 0);
	assert_string_equal(checked, "\"a\\n");
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(set_text("http.port", "81\0", 3), -EINVAL);
	assert_int_equal(port, 8080);
	assert_int_equal(set_text("key", "MIIB", 4), -EINVAL);
	assert_string_equal(fake_log, "fw_cfg: key=(secret): expected a key in PEM");
	assert_int_equal(set_text("console", "MIIB", 4), -ENOENT);
	assert_string_equal(fake_log, "fw_cfg: unknown setting \"console\"");
	assert_int_equal(set_text("", "MIIB", 4), -ENOENT);
}

static int apply_document(const char *words, bool late)
{
	return config_apply_document(words, strlen(words), "drive", late);
}

static void test_document(void **state)
{
	char text[600] = "";

	assert_int_equal(apply_document("http.port=81 hostname=a\nhttp.port=82", false), 0);
	assert_int_equal(port, 82);
	assert_int_equal(fake_log_lines, 1);
	assert_string_equal(fake_log, "drive: http.port is given twice, the last one counts");
	assert_int_equal(apply_document("http.port=83", false), 0);
	assert_int_equal(config_apply("http.port=84 http.port=85", "x"), 0);
	assert_int_equal(fake_log_lines, 1);
	for (unsigned i = 0; i < CONFIG_REFUSED_MAX; i++)
		strcat(text, "bad ");
	assert_int_equal(apply_document(text, false), CONFIG_REFUSED_MAX);
	assert_int_equal(fake_log_lines, 1 + CONFIG_REFUSED_MAX);
	strcat(text, "http.port=86");
	assert_int_equal(apply_document(text, false), CONFIG_REFUSED_MAX);
	assert_int_equal(fake_log_lines, 2 + 2 * CONFIG_REFUSED_MAX);
	assert_string_equal(fake_log, "drive: 20 words are refused, the rest is not looked at");
	assert_int_equal(port, 85);
}

/* The last test: what is held stays so. */
static void test_late(void **state)
{
	assert_int_equal(config_apply("http.port=81", "image"), 0);
	config_hold();
	assert_int_equal(config_apply("hostname=a password=no console=x", "command line"), 0);
	assert_int_equal(set_text("ip", "b", 1), 0);
	assert_int_equal(apply_document("flag=yes", false), 0);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(apply_document("http.port=82", true), 0);
	assert_int_equal(port, 82);
	assert_int_equal(fake_log_lines, 0);
	assert_int_equal(apply_document("hostname=c ip=d flag=no", true), 0);
	assert_int_equal(fake_log_lines, 3);
	assert_string_equal(fake_log, "drive: flag stands as another source has it");
	assert_string_equal(host, "a");
	assert_string_equal(checked, "b");
	assert_true(flag);
	assert_int_equal(apply_document("early=yes", true), 1);
	assert_false(early);
	assert_string_equal(fake_log, "drive: early is decided at boot, before the network is "
			    "there: give it by a config drive, SMBIOS, fw_cfg or the command line");
	assert_int_equal(apply_document("http.port=83", true), 0);
	assert_int_equal(port, 83);
	assert_true(config_is_held("hostname"));
	assert_false(config_is_held("early"));
	assert_false(config_is_held("none"));
	assert_int_equal(config_apply_yielding("hostname=e early=yes http.port=84", 33, "n"), 0);
	assert_string_equal(host, "a");
	assert_true(early);
	assert_int_equal(port, 84);
	assert_int_equal(apply_document("http.port=85", true), 0);
	assert_int_equal(port, 84);
	assert_string_equal(fake_log, "drive: http.port stands as another source has it");
	assert_int_equal(config_apply("early=yes", "x"), 0);
	assert_true(early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_foreign_words, setup),
		cmocka_unit_test_setup(test_quotes, setup),
		cmocka_unit_test_setup(test_no_secret_is_printed, setup),
		cmocka_unit_test_setup(test_long, setup),
		cmocka_unit_test_setup(test_set, setup),
		cmocka_unit_test_setup(test_document, setup),
		cmocka_unit_test_setup(test_late, setup),
	};

	return cmocka_run_group_tests(tests, declare, NULL);
}
