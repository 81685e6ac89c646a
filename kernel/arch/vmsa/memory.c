/* SPDX-License-Identifier: MIT */
/* What lies in memory, by the loader's device tree (Devicetree Specification 0.4, §3: chosen,
 * memory, reservations), and the list of RAM regions. */
#include <string.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"
#include "kernel/regions.h"

static struct regions ram(void)
{
	return (struct regions){ .list = machine.ram, .count = machine.ram_count,
				 .max = MACHINE_RAM_MAX };
}

static void set_ram(const struct regions *r)
{
	static bool said;

	machine.ram_count = r->count;
	if (r->lost > 0 && !said)
		log_warn("memory: more than %u regions; the smallest are left out, one of %llu KiB",
			 MACHINE_RAM_MAX, (unsigned long long)r->lost >> 10);
	said = said || r->lost > 0;
}

void memory_add(struct region r)
{
	struct regions all = ram();
	uint64_t room = IMAGE_VA - MIN(r.base, (uint64_t)IMAGE_VA);

	if (r.size > room)
		log_warn("memory: %llu KiB at %#llx reach beyond %#llx, what is there is left out",
			 (unsigned long long)r.size >> 10, (unsigned long long)r.base,
			 (unsigned long long)IMAGE_VA);
	if (r.size <= UINT64_MAX - r.base)     /* what wraps is nothing */
		regions_add(&all, r.base, MIN(r.size, room));
	set_ram(&all);
}

void memory_remove(uint64_t base, uint64_t size)
{
	struct regions all = ram();

	regions_remove(&all, base, size);
	set_ram(&all);
}

/* §3.6.1: stdout-path is a path or an alias, with options after a colon. */
static void set_console(char *console, const struct fdt_node *aliases, const char *path)
{
	size_t len = strcspn(path, ":");
	char alias[32];
	const char *full;

	if (path[0] != '/' && aliases->fdt && len < sizeof(alias)) {
		memcpy(alias, path, len);
		alias[len] = 0;
		full = fdt_string(aliases, alias);
		if (!full)
			return;
		path = full;
		len = strlen(path);
	}
	if (len < CONSOLE_PATH_MAX) {
		memcpy(console, path, len);
		console[len] = 0;
	}
}

/* The seed is used once, and the command line may hold a secret: their copies in the tree are
 * wiped. */
static void read_chosen(const struct fdt_node *n)
{
	const char *args = fdt_string(n, "bootargs");
	uint32_t len;
	const uint8_t *seed = fdt_get(n, "rng-seed", &len);

	if (args) {
		size_t size = strnlen(args, sizeof(machine.cmdline) - 1);

		memcpy(machine.cmdline, args, size);
		if (args[size])
			log_warn("command line: cut after %zu bytes", size);
		mem_wipe((void *)(uintptr_t)args, strlen(args));
	}
	if (seed) {
		machine.seed_len = MIN(len, (uint32_t)sizeof(machine.seed));
		memcpy(machine.seed, seed, machine.seed_len);
		mem_wipe((void *)(uintptr_t)seed, len);
	}
}

/* A file that the loader put beside the image: settings (kernel/settings.h). */
static void read_initrd(const struct fdt_node *n)
{
	uint32_t len;
	const uint8_t *start = fdt_get(n, "linux,initrd-start", &len);
	uint64_t from = start ? fdt_number(start, len / 4) : 0, to;

	start = fdt_get(n, "linux,initrd-end", &len);
	to = start ? fdt_number(start, len / 4) : 0;
	if (from < to) {
		machine.settings = (struct region){ from, to - from };
		machine.settings_copied = true;
	}
}

static void read_memory(const struct fdt_node *n)
{
	struct region r;

	for (unsigned i = 0; fdt_reg(n, i, &r) == 0; i++)
		memory_add(r);
}

void memory_read_console(const struct fdt *fdt, char *console)
{
	struct fdt_node aliases = { 0 };
	const char *path = NULL;
	struct fdt_node n;

	fdt_walk(&n, fdt);
	while (fdt_next(&n)) {
		if (fdt_at(&n, "/chosen", 7))
			path = fdt_string(&n, "stdout-path");
		else if (fdt_at(&n, "/aliases", 8))
			aliases = n;
	}
	if (path)
		set_console(console, &aliases, path);
}

void memory_read_tree(const struct fdt *fdt)
{
	static char name[64] SEALED;
	struct fdt_node n;
	struct region r;

	fdt_walk(&n, fdt);
	while (fdt_next(&n)) {
		const char *type = fdt_string(&n, "device_type");

		if (n.depth == 1) {
			const char *model = fdt_string(&n, "model");

			strlcpy(name, model ? model : "device tree", sizeof(name));
			machine.name = name;
		} else if (type && strcmp(type, "memory") == 0) {
			read_memory(&n);
		} else if (fdt_at(&n, "/chosen", 7)) {
			read_chosen(&n);
			read_initrd(&n);
		}
	}
	for (unsigned i = 0; fdt_reserved(fdt, i, &r); i++)
		memory_remove(r.base, r.size);
	memory_remove(machine.settings.base, machine.settings.size);
}
