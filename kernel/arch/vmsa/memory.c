/* SPDX-License-Identifier: MIT */
/* What lies in memory, by the loader's device tree (Devicetree Specification 0.4, §3: chosen,
 * memory, reservations), and the list of RAM regions. */
#include <string.h>

#include "kernel/arch/vmsa/vmsa.h"
#include "kernel/mem.h"

void memory_add(struct region r)
{
	uint64_t end = MIN(r.base + r.size, (uint64_t)IMAGE_VA);

	if (end <= r.base)
		return;
	r.base = ALIGN_UP(r.base, (uint64_t)PAGE_SIZE);
	end &= ~(uint64_t)(PAGE_SIZE - 1);
	if (end <= r.base)
		return;
	if (machine.ram_count == MACHINE_RAM_MAX) {
		log_warn("memory: more than %u regions; one is left out", MACHINE_RAM_MAX);
		return;
	}
	machine.ram[machine.ram_count++] = (struct region){ r.base, end - r.base };
}

void memory_remove(uint64_t base, uint64_t size)
{
	uint64_t end = base + size < base ? UINT64_MAX : base + size;
	struct region was[MACHINE_RAM_MAX];
	unsigned n = machine.ram_count;

	memcpy(was, machine.ram, sizeof(was));
	machine.ram_count = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t was_end = was[i].base + was[i].size;

		if (size == 0 || end <= was[i].base || base >= was_end) {
			memory_add(was[i]);
			continue;
		}
		if (base > was[i].base)
			memory_add((struct region){ was[i].base, base - was[i].base });
		if (end < was_end)
			memory_add((struct region){ end, was_end - end });
	}
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
