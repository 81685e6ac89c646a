/* sources: kernel/iso9660.c kernel/fat.c kernel/volume.c tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/iso9660.c and kernel/fat.c on volumes that xorriso, mkfs.vfat and mcopy make; then on many
 * spoilt copies of these, each sector in a block of its exact size so that a sanitizer sees one
 * byte too far, where the number of reads is bounded. */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/volume.h"

#define SPOILT 3000
#define READS_MAX 40000u               /* DIRECTORY_MAX by entries, at each name of a path */
#define NAMES 3u
#define BIG 70000

/* The device. */
static uint8_t *image, *sectors;
static size_t image_len;
static unsigned reads;

static const uint8_t *read_sectors(struct block *b, uint64_t first, unsigned n)
{
	assert_in_range(n, 1, BLOCK_READ_MAX);
	assert_true(first < b->sectors && n <= b->sectors - first);
	assert_true(++reads < READS_MAX * NAMES);
	free(sectors);
	sectors = malloc(n * BLOCK_SECTOR);
	memcpy(sectors, image + first * BLOCK_SECTOR, n * BLOCK_SECTOR);
	return sectors;
}

static struct block device = { .where = "test", .read = read_sectors };

/* ---- Making volumes -------------------------------------------------------------- */

static char folder[] = "/tmp/zeitkern-volume-" "XX" "XX" "XX";

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int begin(void **state)
{
	char command[600];

	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "cd %s && mkdir -p f/openstack/latest f/empty && "
		 "printf 'local-hostname: a' >f/meta-data && : >f/nothing && "
		 "printf 'b%%.0s' $(seq 1500) >f/user-data && "
		 "head -c %d /dev/zero | tr '\\0' c >f/openstack/latest/user_data && "
		 "seq 5000 | tr -d '\\n' >f/openstack/latest/meta_data.json && "
		 "cd f/openstack && seq -f long-name-of-%%g 200 | xargs touch", folder, BIG);
	run(command);
	return 0;
}

static int end(void **state)
{
	char command[100];

	free(image);
	free(sectors);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	run(command);
	return 0;
}

/* Runs the command in the folder; it writes `image`. */
static void make(const char *command)
{
	char text[700];
	FILE *file;

	snprintf(text, sizeof(text), "cd %s && { rm -f image; %s; } >log 2>&1 || { cat log; "
		 "false; }", folder, command);
	run(text);
	snprintf(text, sizeof(text), "%s/image", folder);
	file = fopen(text, "rb");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	image_len = (size_t)ftell(file);
	rewind(file);
	free(image);
	image = malloc(image_len);
	assert_int_equal(fread(image, 1, image_len, file), image_len);
	fclose(file);
	device.sectors = image_len / BLOCK_SECTOR;
}

#define XORRISO "xorriso -outdev image -volid cidata -map f / "
#define VFAT(args) "truncate -s 40M image && PATH=$PATH:/usr/sbin mkfs.vfat -n Cidata " args \
	" image && MTOOLS_SKIP_CHECK=1 mcopy -s -i image f/* ::"

/* ---- Reading them ----------------------------------------------------------------- */

static char buf[BIG + 1];

static long read_file(const struct filesystem *fs, struct volume *v, const char *path, size_t max)
{
	reads = 0;
	memset(buf, 0, sizeof(buf));
	return fs->read(v, path, buf, max);
}

static void check_files(const struct filesystem *fs, const char *label)
{
	struct volume v = { .block = &device };

	reads = 0;
	assert_int_equal(fs->open(&v), 0);
	assert_string_equal(v.label, label);
	assert_int_equal(read_file(fs, &v, "meta-data", BIG), 17);
	assert_string_equal(buf, "local-hostname: a");
	assert_int_equal(read_file(fs, &v, "user-data", 1500), 1500);
	assert_int_equal(strspn(buf, "b"), 1500);
	assert_int_equal(read_file(fs, &v, "user-data", 1499), -EFBIG);
	assert_int_equal(read_file(fs, &v, "openstack/latest/user_data", BIG), BIG);
	assert_int_equal(strspn(buf, "c"), BIG);
	assert_int_equal(read_file(fs, &v, "openstack/latest/meta_data.json", BIG), 18893);
	assert_string_equal(buf + 18889, "5000");
	assert_int_equal(read_file(fs, &v, "openstack/long-name-of-200", BIG), 0);
	assert_int_equal(read_file(fs, &v, "nothing", BIG), 0);
	for (const char *const *path = (const char *const[]){ "user", "user-data2", "user-data/x",
	     "openstack", "empty", "empty/x", "", "openstack/latest", NULL }; *path; path++)
		assert_int_equal(read_file(fs, &v, *path, BIG), -ENOENT);
}

static void test_iso(void **state)
{
	make(XORRISO "-joliet on -rockridge on");
	check_files(&iso9660, "cidata");
	make(XORRISO "-joliet on -rockridge off");
	check_files(&iso9660, "cidata");
	make(XORRISO "-joliet off -rockridge on");
	check_files(&iso9660, "cidata");
}

static void test_fat(void **state)
{
	struct volume v = { .block = &device };

	make(VFAT("-F 12 -s 64"));
	check_files(&fat, "Cidata");
	assert_int_equal(v.fat.bits, 0);
	assert_int_equal(fat.open(&v), 0);
	assert_int_equal(v.fat.bits, 12);
	make(VFAT("-F 16"));
	check_files(&fat, "Cidata");
	assert_int_equal(fat.open(&v), 0);
	assert_int_equal(v.fat.bits, 16);
	make(VFAT("-F 32 -s 1"));
	check_files(&fat, "Cidata");
	assert_int_equal(fat.open(&v), 0);
	assert_int_equal(v.fat.bits, 32);
	make(VFAT("-F 16 -S 2048 -s 1"));
	check_files(&fat, "Cidata");
}

static void test_others(void **state)
{
	struct volume v = { .block = &device };

	make(XORRISO "-joliet on");
	assert_int_equal(fat.open(&v), -ENODEV);
	make(VFAT("-F 16"));
	assert_int_equal(iso9660.open(&v), -ENODEV);
	make("truncate -s 1M image");
	assert_int_equal(iso9660.open(&v), -ENODEV);
	assert_int_equal(fat.open(&v), -ENODEV);
	make("truncate -s 512 image");
	assert_int_equal(iso9660.open(&v), -ENODEV);
	make(": >image");
	assert_int_equal(fat.open(&v), -EIO);
}

/* ---- Spoilt ------------------------------------------------------------------------- */

static void read_all(const struct filesystem *fs)
{
	struct volume v = { .block = &device };

	reads = 0;
	if (fs->open(&v) < 0)
		return;
	assert_true(strlen(v.label) < VOLUME_LABEL);
	for (const char *const *path = (const char *const[]){ "user-data", "meta-data",
	     "openstack/latest/user_data", NULL }; *path; path++) {
		long n = read_file(fs, &v, *path, BIG);

		assert_true((n >= 0 && n <= BIG) || n == -ENOENT || n == -EIO || n == -EBADMSG ||
			    n == -EFBIG);
	}
}

/* Bytes of [from, to), the part that says what is where, changed at random. */
static void spoil(const struct filesystem *fs, size_t from, size_t to)
{
	uint8_t *good = malloc(image_len);
	uint64_t random = 4711;

	memcpy(good, image, image_len);
	for (unsigned i = 0; i < SPOILT; i++) {
		unsigned changes = 1 + i % 4;

		while (changes-- > 0) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			image[from + (random >> 33) % (to - from)] = (uint8_t)(random >> 24);
		}
		read_all(fs);
		if (i % 8 == 7)
			memcpy(image, good, image_len);
	}
	free(good);
}

static void test_spoilt(void **state)
{
	make(XORRISO "-joliet on -rockridge on");
	spoil(&iso9660, 16 * 2048, MIN(image_len, 64u << 10));
	make(XORRISO "-joliet off -rockridge on");
	spoil(&iso9660, 16 * 2048, MIN(image_len, 64u << 10));
	make("truncate -s 2M image && PATH=$PATH:/usr/sbin mkfs.vfat -n cidata -F 12 image && "
	     "MTOOLS_SKIP_CHECK=1 mcopy -s -i image f/* ::");
	spoil(&fat, 0, 512);
	spoil(&fat, 512, 32u << 10);
}

static void test_cut(void **state)
{
	make(XORRISO "-joliet on -rockridge on");
	for (device.sectors = 0; device.sectors < image_len / BLOCK_SECTOR; device.sectors += 3)
		read_all(&iso9660);
	make(VFAT("-F 12 -s 64"));
	for (device.sectors = 0; device.sectors < 2000; device.sectors += 3)
		read_all(&fat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_fat),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
