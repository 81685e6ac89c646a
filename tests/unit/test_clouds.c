/* sources: net/metadata/clouds.c kernel/dev/smbios.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* net/metadata/clouds.c: who is recognised, and base64. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "net/metadata/clouds.h"

int config_apply(const char *words, const char *source)
{
	return 0;
}

/* A table with these strings, NULL: none. */
static const char *recognised(const char *maker, const char *product, const char *asset)
{
	static const uint8_t system[] = { 1, 8, 0, 1, 1, 2, 0, 0 };
	static const uint8_t chassis[] = { 3, 9, 0, 3, 0, 0, 0, 0, 1 };
	const struct cloud *cloud;
	char *table = calloc(1, 200), *p = table, *copy;

	memcpy(p, system, sizeof(system));
	p += sizeof(system);
	p = stpcpy(p, maker) + 1;
	p = stpcpy(p, product) + 2;
	memcpy(p, chassis, sizeof(chassis));
	p += sizeof(chassis);
	p = stpcpy(p, asset) + 2;
	copy = malloc((size_t)(p - table));
	memcpy(copy, table, (size_t)(p - table));
	cloud = cloud_recognised(copy, (size_t)(p - table));
	free(copy);
	free(table);
	return cloud ? cloud->name : "";
}

static void test_recognised(void **state)
{
	assert_string_equal(recognised("Amazon EC2", "t3.micro", "Amazon EC2"), "aws");
	assert_string_equal(recognised("Google", "Google Compute Engine", "x"), "gce");
	assert_string_equal(recognised("Microsoft Corporation", "Virtual Machine",
				       "7783-7084-3265-9085-8269-3286-77"), "azure");
	assert_string_equal(recognised("QEMU", "Standard PC", "OracleCloud.com"), "oci");
	assert_string_equal(recognised("OpenStack Foundation", "OpenStack Nova", "x"), "openstack");
	assert_string_equal(recognised("T-Systems", "x", "OpenTelekomCloud"), "openstack");
	assert_string_equal(recognised("Akamai", "x", "y"), "linode");
	assert_string_equal(recognised("Vultr", "VC2", "y"), "vultr");
	assert_string_equal(recognised("QEMU", "Standard PC (Q35 + ICH9, 2009)", "x"), "");
	assert_string_equal(recognised("Microsoft Corporation", "Virtual Machine", "x"), "");
	assert_null(cloud_named("auto"));
	assert_string_equal(cloud_named("firecracker")->name, "firecracker");
}

static void decodes(const char *text, const char *expected)
{
	size_t len = strlen(text);
	char *copy = malloc(len + !len);
	long n;

	memcpy(copy, text, len);
	n = base64_decode(copy, len);
	if (!expected) {
		assert_int_equal(n, -EINVAL);
	} else {
		assert_int_equal(n, strlen(expected));
		assert_memory_equal(copy, expected, n);
	}
	free(copy);
}

/* RFC 4648 §10, and what is none. */
static void test_base64(void **state)
{
	decodes("", "");
	decodes("Zg==", "f");
	decodes("Zm8=", "fo");
	decodes("Zm9v", "foo");
	decodes("Zm9vYmE=", "fooba");
	decodes("Zm9v\r\nYmFy\n", "foobar");
	decodes("/+A=", "\xff\xe0");
	for (const char *const *text = (const char *const[]){ "Z", "Zg", "Zg=", "Zg===", "=",
	     "====", "Zg==Zg==", "Z=g=", "Zm9v!", "Zm9vYg", "-_A=", "#zeitkern\nn=81", NULL };
	     *text; text++)
		decodes(*text, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recognised),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
