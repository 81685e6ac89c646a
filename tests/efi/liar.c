/* SPDX-License-Identifier: MIT */
/* Starts zeitkern.efi, which lies beside it, under firmware whose GetMemoryMap and ExitBootServices
 * lie (UEFI 2.10 §7.2.3, §7.4.6): once for each word of the file \lies, in order, with a line
 * before it and, if that returns, one after. Stall is none, so that nothing but the image takes
 * time. When no word is left the machine goes off. Built by linker/efi.mk, used by
 * tests/test_uefi_maps.py. */
#include "linker/efi/stub.h"

#define MAP_ROOM 65536u
#define STRIDE 96u             /* of what we give: longer than the firmware's own descriptors */
#define WORD_MAX 16u
#define PATH_MAX 512u
#define PAGES_OF_ALL (1ull << 52)
#define SHREDS_AT 0x4000000ull
#define SHREDS_MOST 2000u

enum lie {
	HONEST, STEP_ZERO, STEP_SHORT, STEP_ODD, STEP_HUGE, MILLION, NEEDS_HUGE, GROWS, EMPTY,
	UNUSABLE, BROKEN, REFUSES, LATE, DISORDER, BEYOND, SHREDS, ALL, NO_LIE
};

static const char words[NO_LIE][WORD_MAX] = {
	"honest", "step-zero", "step-short", "step-odd", "step-huge", "million", "needs-huge",
	"grows", "empty", "unusable", "broken", "refuses", "late", "disorder", "beyond",
	"shreds", "all"
};

/* A piece of a device path (§10.3.1, §10.3.5.4), which need not be aligned. */
struct piece {
	uint8_t type, kind, bytes[2];
};
#define PIECE_END 0x7f
#define PIECE_MEDIA 4
#define PIECE_FILE 4

static const struct efi_guid path_guid = {
	0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

static struct stub liar;       /* for its system and its volume */
static enum lie lie;
static struct efi_boot honest;
static unsigned calls, leaves;
static char truth[MAP_ROOM] __attribute__((aligned(8)));
static size_t truth_bytes, truth_step;

static void print(const char *text)
{
	uint16_t unit[2] = { 0, 0 };

	for (; *text; text++) {
		unit[0] = (uint8_t)*text;
		liar.system->out->output(liar.system->out, unit);
	}
}

static void print_number(uint64_t n)
{
	char digits[24];
	unsigned at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	print(digits + at);
}

/* ---- The lies ------------------------------------------------------------------------- */

static size_t ask(size_t *key)
{
	uint32_t version;

	truth_bytes = sizeof(truth);
	if (honest.get_memory_map(&truth_bytes, truth, key, &truth_step, &version))
		truth_bytes = 0;
	return truth_step ? truth_bytes / truth_step : 0;
}

static const struct efi_descriptor *true_one(size_t i)
{
	return (const void *)(truth + i * truth_step);
}

static size_t put(void *map, size_t room, size_t n, const struct efi_descriptor *d)
{
	if ((n + 1) * STRIDE <= room)
		memcpy((char *)map + n * STRIDE, d, sizeof(*d));
	return n + 1;
}

/* What is true, from its end to its beginning and each twice, with what cannot be in between. */
static size_t disorder(void *map, size_t room, size_t count)
{
	const struct efi_descriptor absurd[] = {
		{ EFI_CONVENTIONAL, 0, 0x200000, 0, 0, 0 },
		{ EFI_CONVENTIONAL, 0, 0x200000, 0, PAGES_OF_ALL, 0 },
		{ EFI_RUNTIME_DATA, 0, 0, 0, PAGES_OF_ALL, 0 },
		{ EFI_CONVENTIONAL, 0, UINT64_MAX - 0xfff, 0, 2, 0 },
		{ EFI_RUNTIME_CODE, 0, UINT64_MAX - 0xfff, 0, UINT64_MAX, 0 },
		{ EFI_CONVENTIONAL, 0, 0x3000001, 0, 1, 0 },
		{ 0xffffffff, 0, 0x8000123, 0, 1, 0 },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++)
		n = put(map, room, n, &absurd[i]);
	for (size_t i = 2 * count; i-- > 0;)
		n = put(map, room, n, true_one(i % count));
	for (size_t i = 0; i < count; i++) {          /* overlaps its neighbour, half a page off */
		struct efi_descriptor d = *true_one(i);

		d.physical += EFI_PAGE / 2;
		if (d.type == EFI_CONVENTIONAL)
			n = put(map, room, n, &d);
	}
	return n;
}

static size_t copied(void *map, size_t room, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n = put(map, room, n, true_one(i));
	return n;
}

/* RAM where there is none: within what 40 bits of an address reach, and far beyond. */
static size_t beyond(void *map, size_t room, size_t count)
{
	const struct efi_descriptor absurd[] = {
		{ EFI_CONVENTIONAL, 0, 0x2000000000, 0, 0x40000, 0 },
		{ EFI_CONVENTIONAL, 0, 0x200000000000, 0, 0x40000, 0 },
	};
	size_t n = copied(map, room, count);

	n = put(map, room, n, &absurd[0]);
	return put(map, room, n, &absurd[1]);
}

static size_t unusable(void *map, size_t room, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct efi_descriptor d = *true_one(i);

		d.type = EFI_UNUSABLE;
		n = put(map, room, n, &d);
	}
	return n;
}

/* Every other page of 16 MiB is said to be the firmware's. */
static size_t shreds(void *map, size_t room, size_t count)
{
	struct efi_descriptor d = { EFI_RUNTIME_DATA, 0, SHREDS_AT, 0, 1, 0 };
	size_t n = copied(map, room, count);

	for (unsigned i = 0; i < SHREDS_MOST; i++, d.physical += 2 * EFI_PAGE)
		n = put(map, room, n, &d);
	return n;
}

/* Whatever nothing else is said of is RAM. */
static size_t all(void *map, size_t room, size_t count)
{
	const struct efi_descriptor d = { EFI_CONVENTIONAL, 0, 0, 0, 1ull << 26, 0 };

	return put(map, room, copied(map, room, count), &d);
}

static size_t told(void *map, size_t room, size_t count)
{
	switch (lie) {
	case UNUSABLE:
		return unusable(map, room, count);
	case DISORDER:
		return disorder(map, room, count);
	case BEYOND:
		return beyond(map, room, count);
	case SHREDS:
		return shreds(map, room, count);
	case ALL:
		return all(map, room, count);
	case EMPTY:
		return 0;
	case LATE:                         /* true at first */
		return calls > 2 ? 0 : copied(map, room, count);
	default:
		return copied(map, room, count);
	}
}

static size_t step_told(void)
{
	switch (lie) {
	case STEP_ZERO:
		return 0;
	case STEP_SHORT:
		return 32;
	case STEP_ODD:
		return STRIDE + 4;
	case STEP_HUGE:
		return 1ull << 60;
	default:
		return STRIDE;
	}
}

static efi_status EFIAPI lying_map(size_t *bytes, void *map, size_t *key, size_t *step,
				   uint32_t *version)
{
	size_t room = *bytes, count = ask(key);

	calls++;
	*step = step_told();
	*version = 1;
	if (lie == BROKEN)
		return EFI_DEVICE_ERROR;
	*bytes = told(map, room, count) * STRIDE;
	if (lie == MILLION && map)
		*bytes = 1000000 * STRIDE;
	if (lie == NEEDS_HUGE && !map)
		*bytes = 1ull << 63;
	if (lie == GROWS)
		*bytes = 2 * room + STRIDE * count;
	return *bytes > room && !(lie == MILLION && map) ? EFI_BUFFER_TOO_SMALL : 0;
}

static efi_status EFIAPI lying_leave(efi_handle image, size_t key)
{
	leaves++;
	if (lie == REFUSES || (lie == DISORDER && leaves < 3))
		return EFI_INVALID_PARAMETER;
	return honest.exit_boot_services(image, key);
}

static efi_status EFIAPI no_stall(size_t us)
{
	(void)us;
	return 0;
}

/* ---- The image ------------------------------------------------------------------------ */

static efi_status load(efi_handle *image)
{
	static const uint16_t name[] = u"\\zeitkern.efi";
	static char path[PATH_MAX];
	const struct piece *from;
	struct piece piece;
	size_t at = 0, n;

	if (honest.handle_protocol(liar.loaded->device, &path_guid, (void **)&from))
		return EFI_DEVICE_ERROR;
	for (; from->type != PIECE_END; from = (const void *)((const char *)from + n)) {
		n = from->bytes[0] + 256u * from->bytes[1];
		if (n < sizeof(piece) || n > sizeof(path) - 64 - at)
			return EFI_DEVICE_ERROR;
		memcpy(path + at, from, n);
		at += n;
	}
	piece = (struct piece){ PIECE_MEDIA, PIECE_FILE, { sizeof(piece) + sizeof(name), 0 } };
	memcpy(path + at, &piece, sizeof(piece));
	memcpy(path + at + sizeof(piece), name, sizeof(name));
	at += sizeof(piece) + sizeof(name);
	piece = (struct piece){ PIECE_END, 0xff, { sizeof(piece), 0 } };
	memcpy(path + at, &piece, sizeof(piece));
	return honest.load(0, liar.image, path, NULL, 0, image);
}

static uint64_t free_pages(void)
{
	uint64_t pages = 0;
	size_t key;

	for (size_t n = ask(&key), i = 0; i < n; i++)
		if (true_one(i)->type == EFI_CONVENTIONAL)
			pages += true_one(i)->pages;
	return pages;
}

static void tell(enum lie which)
{
	uint64_t before = free_pages(), after;
	struct efi_boot *boot = liar.boot;
	efi_handle image;
	efi_status status;

	print("liar: ");
	print(words[which]);
	print("\r\n");
	status = load(&image);
	if (!status) {
		lie = which;
		calls = leaves = 0;
		boot->get_memory_map = lying_map;
		boot->exit_boot_services = lying_leave;
		boot->stall = no_stall;
		status = boot->start(image, NULL, NULL);
		boot->get_memory_map = honest.get_memory_map;
		boot->exit_boot_services = honest.exit_boot_services;
		boot->stall = honest.stall;
	}
	after = free_pages();
	print("liar: error ");
	print_number(status & ~EFI_ERROR(0));
	print(", pages lost ");
	print_number(before > after ? before - after : 0);
	print("\r\n");
}

static size_t read_lies(char *text, size_t room)
{
	static const uint16_t name[] = u"\\lies";
	struct efi_volume *volume;
	struct efi_file *root, *file;

	if (honest.handle_protocol(liar.loaded->device, &efi_volume_guid, (void **)&volume) ||
	    volume->open(volume, &root) || root->open(root, &file, name, EFI_FILE_READ, 0) ||
	    file->read(file, &room, text))
		return 0;
	return room;
}

efi_status EFIAPI efi_main(efi_handle image, struct efi_system *system);

efi_status EFIAPI efi_main(efi_handle image, struct efi_system *system)
{
	static char text[512];
	size_t n, at = 0, len;

	liar = (struct stub){ .system = system, .boot = system->boot, .image = image };
	memcpy(&honest, system->boot, sizeof(honest));
	if (honest.handle_protocol(image, &efi_loaded_guid, (void **)&liar.loaded))
		return EFI_ABORTED;
	for (n = read_lies(text, sizeof(text) - 1); at < n; at += len + 1) {
		enum lie which = HONEST;

		for (len = 0; at + len < n && text[at + len] > ' '; len++)
			;
		while (which < NO_LIE && (len >= WORD_MAX || words[which][len] ||
					  memcmp(words[which], text + at, len)))
			which++;
		if (which < NO_LIE)
			tell(which);
		else
			print("liar: \\lies has a word that is no lie\r\n");
	}
	print("liar: no more\r\n");
	system->runtime->reset(EFI_RESET_SHUTDOWN, 0, 0, NULL);
	return EFI_ABORTED;
}
