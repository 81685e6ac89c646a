/* SPDX-License-Identifier: MIT */
/* To the kernel on x86_64 by PVH: struct hvm_start_info, version 1 (Xen public header
 * arch-x86/hvm/start_info.h), 32 bits, paging off. The kernel's ELF file is laid out in memory
 * below 4 GiB and moved to where it is linked once that is nobody else's (jump.S). */
#include "kernel/arch/x86_64/pvh.h"
#include "linker/efi/stub.h"

#define MODULES 3u
#define ELF_MAGIC 0x464c457fu
#define PT_LOAD 1u
#define LIMIT_32 0x100000000ull

struct pvh {
	struct start_info info;
	struct module module[MODULES];
	char name[MODULES][16];
	struct memmap memmap[STUB_RANGES];
};

/* What jump.S takes; it lies in the page that jump_start is copied to. */
struct jump {
	uint64_t from, to, bytes, entry, info;
};

/* ELF-64 header and program header (System V gABI, chapters 4 and 5). */
struct elf {
	uint32_t magic;
	uint8_t ident[12];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, segments, sections;
	uint32_t flags;
	uint16_t size, segment_size, segment_count;
};

struct segment {
	uint32_t type, flags;
	uint64_t offset, va, pa, file_bytes, memory_bytes, align;
};

extern const uint8_t jump_start[], jump_end[];

const uint64_t hand_limit = 1u << 30;      /* what the kernel maps when it starts */

static struct jump kernel;
static struct pvh *pvh;
static uint64_t jump_at;

uint64_t hand_ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static const struct segment *segment(const struct elf *elf, unsigned i)
{
	return (const struct segment *)(kernel_file + elf->segments) + i;
}

/* From the lowest address of the kernel to its highest, by whole pages. The file is ours. */
static void measure(const struct elf *elf)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct segment *p = segment(elf, i);

		if (p->type != PT_LOAD || p->memory_bytes == 0)
			continue;
		if (p->pa < low)
			low = p->pa;
		if (p->pa + p->memory_bytes > high)
			high = p->pa + p->memory_bytes;
	}
	low -= low % EFI_PAGE;
	kernel.to = low;
	kernel.bytes = (high - low + EFI_PAGE - 1) / EFI_PAGE * EFI_PAGE;
	kernel.entry = elf->entry;
}

static void lay_out(const struct elf *elf)
{
	uint8_t *to = (uint8_t *)kernel.from;

	memset(to, 0, kernel.bytes);
	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct segment *p = segment(elf, i);

		if (p->type == PT_LOAD)
			memcpy(to + (p->pa - kernel.to), kernel_file + p->offset, p->file_bytes);
	}
}

/* The page that jump.S runs in, which must not be writable where firmware knows the difference
 * (UEFI 2.10 §37.7). */
static void place_jump(struct stub *s)
{
	static const struct efi_guid guid = {
		0xf4560cf6, 0x40ec, 0x4b4a, { 0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89 }
	};
	struct efi_attributes *attributes;
	size_t bytes = (size_t)(jump_end - jump_start);

	memcpy((void *)jump_at, jump_start, bytes);
	memcpy((void *)(jump_at + bytes), &kernel, sizeof(kernel));
	if (s->boot->locate_protocol(&guid, NULL, (void **)&attributes))
		return;
	attributes->set(attributes, jump_at, EFI_PAGE, EFI_MEMORY_RO);
	attributes->clear(attributes, jump_at, EFI_PAGE, EFI_MEMORY_XP);
}

static void name_module(unsigned i, const char *name, const void *at, uint64_t size)
{
	for (unsigned n = 0; name[n]; n++)
		pvh->name[i][n] = name[n];
	pvh->module[i] = (struct module){ (uintptr_t)at, size, (uintptr_t)pvh->name[i], 0 };
}

static void fill_info(struct handoff *h)
{
	unsigned n = 0;

	if (h->settings_len)
		name_module(n++, "settings", h->settings, h->settings_len);
	if (h->seed_len)
		name_module(n++, "seed", h->seed, h->seed_len);
	if (h->smbios)
		name_module(n++, "smbios", (void *)h->smbios, 1);
	pvh->info = (struct start_info){
		.magic = START_MAGIC, .version = 1,
		.modules = n, .modules_at = (uintptr_t)pvh->module,
		.cmdline_at = (uintptr_t)h->cmdline, .rsdp_at = h->rsdp,
		.memmap_at = (uintptr_t)pvh->memmap,
	};
}

static int overlap(uint64_t at, uint64_t bytes)
{
	return at < kernel.to + kernel.bytes && kernel.to < at + bytes;
}

/* Everything but the kernel's own place is taken; that may be boot services' until they end, so
 * only the map says whether it can be had. Taken as well where it can be, so that nothing else
 * comes to lie there. */
bool hand_prepare(struct stub *s)
{
	const struct elf *elf = (const struct elf *)kernel_file;
	struct handoff *h = s->handoff;

	if (elf->magic != ELF_MAGIC)
		return fail(s, "the kernel in this file is not an ELF file");
	measure(elf);
	stub_pages_at(s, kernel.bytes / EFI_PAGE, kernel.to);
	kernel.from = stub_pages(s, EFI_LOADER_DATA, kernel.bytes / EFI_PAGE, LIMIT_32);
	jump_at = stub_pages(s, EFI_LOADER_CODE, 1, LIMIT_32);
	pvh = (struct pvh *)stub_pages(s, EFI_ACPI_RECLAIM,
				       (sizeof(*pvh) + EFI_PAGE - 1) / EFI_PAGE, hand_limit);
	if (!kernel.from || !jump_at || !pvh || overlap(kernel.from, kernel.bytes) ||
	    overlap(jump_at, EFI_PAGE) || overlap((uintptr_t)pvh, sizeof(*pvh)) ||
	    overlap((uintptr_t)h, sizeof(*h)))
		return fail(s, "no memory below 4 GiB for the kernel");
	memset(pvh, 0, sizeof(*pvh));
	fill_info(h);
	kernel.info = (uintptr_t)&pvh->info;
	lay_out(elf);
	place_jump(s);
	return true;
}

bool hand_fits(struct stub *s)
{
	if (map_covers(s->handoff->ram, s->handoff->ram_count, kernel.to,
		       kernel.to + kernel.bytes))
		return true;
	return fail(s, "the firmware's memory map has no RAM at 1 MiB, where the kernel must lie");
}

_Noreturn void hand_over(struct stub *s)
{
	struct handoff *h = s->handoff;

	for (unsigned i = 0; i < h->ram_count; i++)
		pvh->memmap[i] = (struct memmap){ .at = h->ram[i].start, .type = MEMMAP_RAM,
						  .size = h->ram[i].end - h->ram[i].start };
	pvh->info.memmap_count = h->ram_count;
	((void (*)(void))jump_at)();
	__builtin_unreachable();
}
