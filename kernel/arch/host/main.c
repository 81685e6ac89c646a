/* SPDX-License-Identifier: MIT */
/* BOARD=host: the same kernel, net and app as a Linux process. This file is the
 * loader and the boot: arguments, a memory file as RAM, devices.
 *
 *	zeitkern.elf [tap=NAME] [mem=MIB] [settings=PATH] [key=value ...]
 *
 * PATH is a settings file as linker/settings writes it (kernel/settings.h).
 * ZEITKERN_TAP_FD names a TAP device that the parent has opened already. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "kernel/arch.h"
#include "kernel/arch/host/host.h"
#include "kernel/mem.h"

#define MEM_DEFAULT_MIB 64
#define MEM_MIB_MAX 65536
#define SETTINGS_MAX 65536
#define STACK_WINDOW ((size_t)BUDGET_STACKS_MAX * 65536)

static struct region ram;
static int ram_fd;
char **host_argv;

/* crash.c reads the note where a bare image's linker script would put it. */
extern uint8_t __build_id_note[];
uint8_t __build_id_note[64];

/* Takes the build id out of the notes in [at, end) (ELF, "Note Section"). */
static void copy_note(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
		size_t size = sizeof(*note) + ALIGN_UP((size_t)note->n_namesz, 4) +
			      ALIGN_UP((size_t)note->n_descsz, 4);

		if (note->n_type == NT_GNU_BUILD_ID && size <= sizeof(__build_id_note))
			memcpy(__build_id_note, at, size);
		at += size;
	}
}

static int look_at(struct dl_phdr_info *info, size_t unused, void *unused2)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uint8_t *at = (const uint8_t *)(info->dlpi_addr + p->p_vaddr);

		if (p->p_type == PT_NOTE && p->p_align == 4)
			copy_note(at, at + p->p_memsz);
	}
	return 1;                               /* only the program itself, which comes first */
}

void host_find_build_id(void)
{
	dl_iterate_phdr(look_at, NULL);
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

int host_tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

static void add_tap(int fd)
{
	machine_add(&(struct device){ .kind = DEV_HOST_TAP, .irq = (uint32_t)fd });
}

static void add_memory(size_t mib)
{
	size_t size = mib << 20;
	void *base, *window;

	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	if (ram_fd < 0 || ftruncate(ram_fd, (off_t)size) < 0)
		die("memory file");
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	window = mmap(NULL, STACK_WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (base == MAP_FAILED || window == MAP_FAILED)
		die("memory");
	ram = (struct region){ (uintptr_t)base, size };
	machine.ram[machine.ram_count++] = ram;
	machine.stacks = (uintptr_t)window;
}

static void add_word(const char *word)
{
	size_t n = strlen(machine.cmdline);
	size_t room = sizeof(machine.cmdline) - n;

	if ((size_t)snprintf(machine.cmdline + n, room, "%s%s", n ? " " : "", word) >= room)
		log_warn("command line: cut at %u bytes", MACHINE_CMDLINE_MAX - 1);
}

static void add_settings(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(SETTINGS_MAX);
	ssize_t n = fd < 0 || !text ? -1 : read(fd, text, SETTINGS_MAX);

	if (n < 0) {
		log_error("settings=%s: %s", path, strerror(errno));
	} else {
		machine.settings = (struct region){ (uintptr_t)text, (uint64_t)n };
		machine.settings_copied = true;
	}
	if (fd >= 0)
		close(fd);
}

void arch_discover(void)
{
	const char *fd = getenv("ZEITKERN_TAP_FD");
	size_t mib = MEM_DEFAULT_MIB;

	machine.name = "a Linux process";
	machine_add(&(struct device){ .kind = DEV_HOST_CONSOLE });
	machine_add(&(struct device){ .kind = DEV_HOST_RTC });
	machine_add(&(struct device){ .kind = DEV_HOST_POWER });
	if (fd && fcntl(atoi(fd), F_SETFL, O_NONBLOCK) == 0)
		add_tap(atoi(fd));
	for (char **arg = host_argv + 1; *arg; arg++) {
		if (strncmp(*arg, "tap=", 4) == 0) {
			int tap = host_tap_open(*arg + 4);

			if (tap < 0)
				log_error("%s: %s", *arg, strerror(-tap));
			else
				add_tap(tap);
		} else if (strncmp(*arg, "mem=", 4) == 0) {
			mib = strtoul(*arg + 4, NULL, 10);
		} else if (strncmp(*arg, "settings=", 9) == 0) {
			add_settings(*arg + 9);
		} else {
			add_word(*arg);
			mem_wipe(*arg, strlen(*arg));   /* what ps shows, too */
		}
	}
	if (mib == 0 || mib > MEM_MIB_MAX) {
		fprintf(stderr, "mem=: MiB, 1 to %u\n", MEM_MIB_MAX);
		exit(1);
	}
	add_memory(mib);
}

void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	if ((prot & PROT_W) && (prot & PROT_X))
		panic("arch_map: writable and executable");
	if (va == pa)
		return;
	if (mmap((void *)va, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram_fd,
		 (off_t)(pa - ram.base)) == MAP_FAILED)
		die("stack");
}

int main(int argc, char **argv)
{
	sigset_t stop;

	host_argv = argv;
	setvbuf(stdout, NULL, _IOLBF, 0);       /* what an app prints is a line of the console */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (getrandom(&__stack_chk_guard, sizeof(__stack_chk_guard), 0) < 0)
		die("getrandom");
	host_find_build_id();
	host_catch_faults();
	kmain();
}
