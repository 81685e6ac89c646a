/* SPDX-License-Identifier: MIT */
/* A QEMU TCG plugin that counts guest instructions: adds each translation block's length to a
 * 64-bit number in a shared file, which others read while the guest runs.
 *
 *	qemu-system-... -plugin file=insn.so,out=FILE[,profile=FILE]
 *
 * The file holds two 64-bit words: instructions so far, and one for others to write: while it is
 * not 0, blocks are also counted one by one. Their addresses and instructions are written to the
 * profile when QEMU ends.
 *
 * Debian ships no header for it; these are the calls of QEMU's plugin API that it uses. They are
 * the same from version 1 of the API (QEMU 7.2) to 4 (QEMU 10); which one QEMU wants is
 * PLUGIN_VERSION. One vCPU. REP iterations count as one instruction, and a block that a fault or
 * an interrupt cuts short counts whole. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
struct qemu_info_t;
typedef uint64_t plugin_id;

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
	void (*fn)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*fn)(unsigned vcpu, void *arg), int flags, void *arg);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*fn)(plugin_id id, void *arg), void *arg);
int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc, char **argv);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

struct words {
	volatile uint64_t count, profiling;
};

struct block {
	struct block *next;
	uint64_t address, length, executed;
};

static struct words *words;
static const char *profile;
static struct block *blocks;

static void executed(unsigned vcpu, void *arg)
{
	(void)vcpu;
	words->count += (uintptr_t)arg;
}

static void executed_block(unsigned vcpu, void *arg)
{
	struct block *block = arg;

	(void)vcpu;
	words->count += block->length;
	if (words->profiling)
		block->executed++;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uintptr_t length = qemu_plugin_tb_n_insns(tb);
	struct block *block;

	(void)id;
	if (profile && (block = malloc(sizeof(*block)))) {
		*block = (struct block){ blocks, qemu_plugin_tb_vaddr(tb), length, 0 };
		blocks = block;
		qemu_plugin_register_vcpu_tb_exec_cb(tb, executed_block, 0, block);
		return;
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, (void *)length);
}

static void ended(plugin_id id, void *arg)
{
	FILE *out = profile ? fopen(profile, "w") : NULL;

	(void)id;
	(void)arg;
	for (struct block *block = blocks; out && block; block = block->next) {
		if (block->executed)
			fprintf(out, "%" PRIx64 " %" PRIu64 "\n", block->address,
				block->executed * block->length);
	}
	if (out)
		fclose(out);
}

static int map_words(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *page;

	if (fd < 0 || ftruncate(fd, sizeof(*words)) < 0)
		return -1;
	page = mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return -1;
	words = page;
	return 0;
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id,
	const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0 && map_words(argv[i] + 4) < 0)
			return -1;
		if (strncmp(argv[i], "profile=", 8) == 0)
			profile = strdup(argv[i] + 8);
	}
	if (!words)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
