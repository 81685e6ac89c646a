/* SPDX-License-Identifier: MIT */
/* The BIOS loader's larger part (bios.h), in 32-bit protected mode: reads the kernel to its link
 * address and the settings file, and enters the kernel as PVH loaders do (Xen
 * docs/misc/pvh.pandoc; arch-x86/hvm/start_info.h, version 1).
 *
 * The BIOS gives the memory map (ACPI 6.4 §15.1, INT 15h E820h) and the disk (Phoenix EDD 1.1).
 * The settings are the file zeitkern.conf in the root of the EFI system partition (FAT16,
 * Microsoft's FAT specification 1.03), handed over as the first module. Whatever is wrong is one
 * line on screen and COM1; then the machine stops. */
#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/x86_64/pvh.h"
#include "linker/boot/bios.h"

#define CARRY 1u
#define RAM 1u
#define MAP_MAX 128u                   /* what the kernel looks at */
#define CALLS_MAX 1024u                /* for it, of which some give nothing */
#define SMAP 0x534d4150u
#define COM1 0x3f8
#define LSR_EMPTY 0x20
#define SERIAL_TURNS 100000u
#define TRIES 3
#define PORT_A 0x92                    /* fast A20 */
#define EBDA_SEGMENT 0x40e
#define CPUID_MODES 0x80000001u
#define NX (1u << 20)
#define LONG_MODE (1u << 29)
#define DIR_ENTRY 32u
#define NAME_PART 0x41                 /* a long name's last entry, and its only one */
#define LONG_NAME 0x0f
#define CHAIN_END 0xfff0u
#define FAT_KIND 57                    /* of a boot sector with "FAT16" from 54 on */
#define FAT_16 ('1' | '6' << 8)

/* In start.S, written by linker/disk. Sectors are of 512 bytes, addresses physical. */
struct plan {
	uint32_t kernel_lba, kernel_bytes, kernel_at, kernel_end, kernel_entry;
	uint32_t kernel_sum, kernel_sums;
	uint32_t esp_lba;
};

struct registers {
	uint32_t eax, ebx, ecx, edx, esi, edi, flags;
	uint16_t es;
};

struct packet {
	uint16_t size, count;
	uint16_t offset, segment;
	uint64_t lba;
};

extern const struct plan plan;
extern const uint8_t drive, sector_shift;

void bios_call(uint8_t vector);
void *memcpy(void *to, const void *from, size_t len);
_Noreturn void loader_main(void);

struct registers bios_regs;

static struct packet packet;
static struct memmap map[MAP_MAX];
static struct module settings;
static struct start_info info;

static uint8_t *const buffer = (uint8_t *)BUFFER_AT;

void *memcpy(void *to, const void *from, size_t len)
{
	size_t words = len / 4;
	void *start = to;

	len %= 4;
	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
	return start;
}

/* What was read may be a secret. */
static void wipe(void *at, size_t words)
{
	__asm__ volatile("rep stosl" : "+D"(at), "+c"(words) : "a"(0) : "memory");
}

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* ---- What is wrong ------------------------------------------------------------- */

static void put(char c)
{
	bios_regs = (struct registers){ .eax = 0x0e00u | (uint8_t)c, .ebx = 7 };
	bios_call(0x10);
	for (unsigned i = 0; i < SERIAL_TURNS && !(in(COM1 + 5) & LSR_EMPTY); i++)
		;
	out(COM1, (uint8_t)c);
}

static void say(const char *text)
{
	while (*text)
		put(*text++);
}

static void say_number(uint32_t n)
{
	if (n >= 10)
		say_number(n / 10);
	put((char)('0' + n % 10));
}

static void warn(const char *what)
{
	say("Zeitkern: ");
	say(what);
	say("\r\n");
}

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("hlt");
}

static _Noreturn void stop(const char *why)
{
	warn(why);
	halt();
}

/* ---- The disk -------------------------------------------------------------------- */

/* The drive's own sectors, from `lba` on, to the buffer. */
static bool read_own(uint32_t lba, unsigned count)
{
	for (unsigned i = 0; i < TRIES; i++) {
		packet = (struct packet){ sizeof(packet), (uint16_t)count, 0, BUFFER_AT >> 4, lba };
		bios_regs = (struct registers){ .eax = 0x4200, .edx = drive,
						.esi = (uint32_t)&packet };
		bios_call(0x13);
		if (!(bios_regs.flags & CARRY))
			return true;
		bios_regs = (struct registers){ .edx = drive };      /* AH=00h: reset */
		bios_call(0x13);
	}
	return false;
}

/* Bytes from sector `lba` of 512 on. */
static bool read_disk(uint32_t lba, uint32_t bytes, uint8_t *to)
{
	while (bytes > 0) {
		uint32_t skip = (lba & ((1u << sector_shift) - 1)) * 512;
		uint32_t len = BUFFER_SECTORS * 512 - skip;
		uint32_t own = 512u << sector_shift;

		if (len > bytes)
			len = bytes;
		if (!read_own(lba >> sector_shift, (skip + len + own - 1) / own))
			return false;
		memcpy(to, buffer + skip, len);
		to += len;
		bytes -= len;
		lba += len / 512;
	}
	return true;
}

/* Fletcher's checksum of 32-bit words, modulo 2^32: an instruction for a byte where CRC-32 takes
 * eight, and a sector that was not read or not written does not pass. */
static bool is_whole(const uint32_t *words, uint32_t bytes)
{
	uint32_t sum = 0, sums = 0;

	for (uint32_t i = 0; i < bytes / 4; i++) {
		sum += words[i];
		sums += sum;
	}
	return sum == plan.kernel_sum && sums == plan.kernel_sums;
}

static void load_kernel(void)
{
	uint8_t *to = (uint8_t *)plan.kernel_at;

	if (!read_disk(plan.kernel_lba, plan.kernel_bytes, to))
		stop("the disk cannot be read up to the kernel's end");
	if (!is_whole((uint32_t *)to, plan.kernel_bytes))
		stop("the kernel on the disk is damaged, its checksum is another");
}

/* ---- The settings file: FAT16 ------------------------------------------------------ */

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static bool is_name(const uint8_t *entry)
{
	static const char name[] = "zeitkern.conf";
	static const uint8_t at[] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };

	if (entry[0] != NAME_PART || entry[11] != LONG_NAME)
		return false;
	for (unsigned i = 0; i < sizeof(at); i++) {
		uint32_t c = get16(entry + at[i]);

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c != (uint8_t)name[i])
			return false;
	}
	return true;
}

/* The directory entry of the file, a copy of it at `found`. */
static bool find_file(uint32_t lba, uint32_t entries, uint8_t *found)
{
	uint8_t *sector = (uint8_t *)SETTINGS_AT;
	bool next = false;

	for (uint32_t i = 0; i < entries; i++) {
		uint8_t *entry = sector + i * DIR_ENTRY % 512;

		if (i * DIR_ENTRY % 512 == 0 && !read_disk(lba + i * DIR_ENTRY / 512, 512, sector))
			return false;
		if (entry[0] == 0)
			return false;
		if (next) {
			memcpy(found, entry, DIR_ENTRY);
			return true;
		}
		next = is_name(entry);
	}
	return false;
}

/* Reads the file, cluster by cluster, to SETTINGS_AT; the boot sector is at `boot`. NULL, or what
 * is wrong. */
static const char *read_file(const uint8_t *boot, const uint8_t *entry, uint32_t fat,
			     uint32_t data)
{
	uint32_t size = get16(entry + 28) | get16(entry + 30) << 16;
	uint32_t cluster = get16(entry + 26), cluster_bytes = boot[13] * 512u;
	uint8_t *to = (uint8_t *)SETTINGS_AT, link[512];

	if (size >= SETTINGS_MAX)
		return "zeitkern.conf has 16 KiB or more: ignored";
	for (uint32_t done = 0; done < size; done += cluster_bytes) {
		uint32_t len = size - done < cluster_bytes ? size - done : cluster_bytes;

		if (cluster < 2 || cluster >= CHAIN_END ||
		    !read_disk(data + (cluster - 2) * boot[13], len, to + done) ||
		    !read_disk(fat + cluster / 256, 512, link))
			return "zeitkern.conf cannot be read: ignored";
		cluster = get16(link + cluster % 256 * 2);
	}
	settings = (struct module){ SETTINGS_AT, size, (uint32_t)"settings", 0 };
	return NULL;
}

static const char *load_settings(void)
{
	uint8_t boot[512], entry[DIR_ENTRY];
	uint32_t fat, root, entries;

	if (!read_disk(plan.esp_lba, 512, boot) || get16(boot + 11) != 512 || boot[13] == 0 ||
	    get16(boot + FAT_KIND) != FAT_16)
		return "no FAT16 file system in the EFI system partition, so no zeitkern.conf";
	fat = plan.esp_lba + get16(boot + 14);
	root = fat + boot[16] * get16(boot + 22);
	entries = get16(boot + 17);
	if (!find_file(root, entries, entry))
		return NULL;
	return read_file(boot, entry, fat, root + (entries * DIR_ENTRY + 511) / 512);
}

/* ---- The machine --------------------------------------------------------------------- */

static void check_cpu(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(CPUID_MODES, &a, &b, &c, &d) || !(d & LONG_MODE) || !(d & NX))
		stop("this CPU has no 64-bit mode with pages that are not executable");
}

/* Address line 20: the same memory is not seen 1 MiB higher. */
static bool a20_is_on(void)
{
	static volatile uint32_t low;
	volatile uint32_t *high = (uint32_t *)((uint32_t)&low + (1u << 20));
	uint32_t was = *high;

	low = ~was;
	return *high == was;
}

static void open_a20(void)
{
	if (a20_is_on())
		return;
	bios_regs = (struct registers){ .eax = 0x2401 };
	bios_call(0x15);
	if (a20_is_on())
		return;
	out(PORT_A, (in(PORT_A) | 2) & 0xfe);
	if (!a20_is_on())
		stop("address line A20 cannot be opened");
}

static void read_map(void)
{
	uint32_t next = 0;
	bool more = true;

	for (unsigned n = 0; more && n < CALLS_MAX && info.memmap_count < MAP_MAX; n++) {
		struct memmap *entry = &map[info.memmap_count];

		entry->reserved = 1;         /* attributes: bit 0, it counts */
		bios_regs = (struct registers){ .eax = 0xe820, .ebx = next, .ecx = sizeof(*entry),
						.edx = SMAP, .edi = (uint32_t)entry };
		bios_call(0x15);
		if ((bios_regs.flags & CARRY) || bios_regs.eax != SMAP) {
			more = false;
			break;
		}
		if (entry->size > 0 && (bios_regs.ecx <= 20 || (entry->reserved & 1)))
			info.memmap_count++;
		entry->reserved = 0;
		next = bios_regs.ebx;
		more = next != 0;
	}
	if (info.memmap_count == 0)
		stop("the BIOS gives no memory map");
	if (more)
		warn("the BIOS's memory map does not end, what comes late is left out");
}

/* RAM from `at` to `end`, in one piece or in several that meet. */
static bool is_ram(uint64_t at, uint64_t end)
{
	for (unsigned i = 0; i < info.memmap_count && at < end; i++) {
		if (map[i].type != RAM || at < map[i].at || at - map[i].at >= map[i].size ||
		    map[i].size > UINT64_MAX - map[i].at)
			continue;
		at = map[i].at + map[i].size;
		i = -1u;
	}
	return at >= end;
}

static void check_memory(void)
{
	if (is_ram(plan.kernel_at, plan.kernel_end))
		return;
	say("Zeitkern: too little memory, there must be RAM from ");
	say_number(plan.kernel_at >> 10);
	say(" to ");
	say_number((plan.kernel_end + 1023) >> 10);
	say(" KiB\r\n");
	halt();
}

/* ACPI 6.4 §5.2.5.1: in the first KiB of the EBDA, or in the BIOS area, where the kernel looks. */
static uint32_t find_rsdp(void)
{
	uint32_t ebda;

	memcpy(&ebda, (const void *)EBDA_SEGMENT, 2);
	ebda = (ebda & 0xffff) << 4;
	for (uint32_t at = ebda; ebda >= 0x80000 && at < ebda + 1024; at += 16) {
		const uint8_t *p = (const uint8_t *)at;
		uint8_t sum = 0, same = 0;

		while (same < 8 && p[same] == (uint8_t)"RSD PTR "[same])
			same++;
		for (unsigned i = 0; i < 20; i++)
			sum += p[i];
		if (same == 8 && sum == 0)
			return at;
	}
	return 0;
}

_Noreturn void loader_main(void)
{
	const char *complaint;

	check_cpu();
	open_a20();
	read_map();
	check_memory();
	load_kernel();
	complaint = load_settings();
	if (complaint)
		warn(complaint);
	wipe(buffer, BUFFER_SECTORS * 512 / 4);
	info.magic = START_MAGIC;
	info.version = 1;
	info.rsdp_at = find_rsdp();
	info.memmap_at = (uint32_t)map;
	info.modules = settings.at != 0;
	info.modules_at = (uint32_t)&settings;
	__asm__ volatile("jmp *%0" : : "r"(plan.kernel_entry), "b"(&info) : "memory");
	__builtin_unreachable();
}
