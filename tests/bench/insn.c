/* SPDX-License-Identifier: MIT */
/* A QEMU TCG plugin that counts guest instructions: adds each translation block's length to a
 * 64-bit number in a shared file, which others read while the guest runs.
 *
 *	qemu-system-... -plugin file=insn.so,out=FILE
 *
 * Debian ships no header for it; these are the calls of QEMU's plugin API that it uses. They are
 * the same from version 1 of the API (QEMU 7.2) to 4 (QEMU 10); which one QEMU wants is
 * PLUGIN_VERSION. One vCPU. REP iterations count as one instruction. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
struct qemu_info_t;
typedef uint64_t plugin_id;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
	void (*fn)(plugin_id id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*fn)(unsigned vcpu, void *arg), int flags, void *arg);
int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc, char **argv);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static volatile uint64_t *count;

static void executed(unsigned vcpu, void *arg)
{
	(void)vcpu;
	*count += (uintptr_t)arg;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, (void *)qemu_plugin_tb_n_insns(tb));
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id,
	const struct qemu_info_t *info, int argc, char **argv)
{
	void *page;
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0)
		return -1;
	fd = open(argv[0] + 4, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*count)) < 0)
		return -1;
	page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return -1;
	count = page;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
