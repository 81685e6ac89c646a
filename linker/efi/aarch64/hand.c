/* SPDX-License-Identifier: MIT */
/* To the kernel on aarch64 as Linux boots (Documentation/arch/arm64/booting.rst): the Image at a
 * 2 MiB boundary, caches clean, MMU off, x0 a device tree. That tree is made here: RAM as the
 * firmware's map has it, the words of /chosen, and in properties of our own ("zeitkern,...", read
 * by kernel/arch/aarch64/handoff.c) where to find what the machine is made of: the firmware's
 * own device tree, or ACPI's root pointer. */
#include "linker/efi/stub.h"
#include "linker/efi/tree.h"

#define IMAGE_MAGIC 0x644d5241u            /* "ARM\x64" */
#define IMAGE_ALIGN 0x200000u
#define TREE_PAGES 2u

struct image {
	uint32_t code[2];
	uint64_t offset, bytes, flags, reserved[3];
	uint32_t magic, reserved2;
};

/* jump.S: cleans [image, image + bytes) from the caches and enters the image. */
_Noreturn void hand_jump(uint64_t image, uint64_t tree, uint64_t bytes);

const uint64_t hand_limit = 1ull << 38;

static uint64_t kernel_at, tree_at;

uint64_t hand_ticks(void)
{
	uint64_t now;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

bool hand_prepare(struct stub *s)
{
	const struct image *image = (const struct image *)kernel_file;
	size_t bytes = (size_t)(kernel_file_end - kernel_file);

	if (image->magic != IMAGE_MAGIC || image->bytes < bytes)
		return fail(s, "the kernel in this file is not an arm64 Image");
	kernel_at = stub_pages(s, EFI_LOADER_CODE, (image->bytes + IMAGE_ALIGN) / EFI_PAGE,
			       hand_limit);
	tree_at = stub_pages(s, EFI_ACPI_RECLAIM, TREE_PAGES, hand_limit);
	if (!kernel_at || !tree_at)
		return fail(s, "no memory below 256 GiB for the kernel");
	kernel_at = (kernel_at + IMAGE_ALIGN - 1) & ~(uint64_t)(IMAGE_ALIGN - 1);
	memcpy((void *)kernel_at, kernel_file, bytes);
	return true;
}

bool hand_fits(struct stub *s)
{
	const struct image *image = (const struct image *)kernel_file;

	if (map_covers(s->handoff->ram, s->handoff->ram_count, kernel_at,
		       kernel_at + image->bytes))
		return true;
	return fail(s, "the firmware's memory map has no RAM where it gave memory for the kernel");
}

static void write_chosen(struct tree *t, const struct handoff *h)
{
	const uint64_t settings[2] = { (uintptr_t)h->settings, h->settings_len };
	const uint64_t clock[2] = { h->unix_ns, h->ticks };

	tree_open(t, "chosen");
	tree_string(t, "bootargs", h->cmdline);
	if (h->seed_len)
		tree_bytes(t, "rng-seed", h->seed, h->seed_len);
	if (h->settings_len)
		tree_numbers(t, "zeitkern,settings", settings, 2);
	if (h->unix_ns)
		tree_numbers(t, "zeitkern,clock", clock, 2);
	tree_numbers(t, "zeitkern,tree", &h->tree, 1);
	tree_numbers(t, "zeitkern,rsdp", &h->rsdp, 1);
	tree_numbers(t, "zeitkern,smbios", &h->smbios, 1);
	tree_close(t);
}

static void write_memory(struct tree *t, const struct handoff *h)
{
	uint64_t reg[2 * STUB_RANGES];
	uint32_t n = 0;

	for (unsigned i = 0; i < h->ram_count; i++) {
		reg[n++] = h->ram[i].start;
		reg[n++] = h->ram[i].end - h->ram[i].start;
	}
	tree_open(t, "memory");
	tree_string(t, "device_type", "memory");
	tree_numbers(t, "reg", reg, n);
	tree_close(t);
}

/* Should the tree be too large, which its parts' limits forbid, the kernel finds none and says
 * so. */
_Noreturn void hand_over(struct stub *s)
{
	struct handoff *h = s->handoff;
	struct tree t;

	tree_begin(&t, (void *)tree_at, TREE_PAGES * EFI_PAGE);
	tree_open(&t, "");
	tree_cell(&t, "#address-cells", 2);
	tree_cell(&t, "#size-cells", 2);
	tree_string(&t, "model", h->vendor);
	write_chosen(&t, h);
	write_memory(&t, h);
	tree_close(&t);
	tree_end(&t);
	memset(h->cmdline, 0, sizeof(h->cmdline));   /* the kernel wipes its copies */
	memset(h->seed, 0, sizeof(h->seed));
	hand_jump(kernel_at, tree_at, ((const struct image *)kernel_file)->bytes);
}
