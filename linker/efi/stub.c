/* SPDX-License-Identifier: MIT */
/* The stub from its entry to the end of boot services (UEFI 2.10 §4.1, §7.4.6). Whatever goes
 * wrong is one line on the firmware's console, and back to the firmware, or without what failed. */
#include "linker/efi/stub.h"

#define MAP_SPARE 4096u        /* bytes by which the map may grow until we leave */
#define MAP_MOST (1u << 20)    /* 20 000 descriptors; a large server's has hundreds */
#define LEAVE_TRIES 4
#define PAUSE_US 3000000       /* for a line to be read before firmware clears its console */
#define LOW_LIMIT 0x100000000ull

static const struct efi_guid rng_guid = {
	0x3152bca5, 0xeade, 0x433d, { 0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44 }
};
static const struct efi_guid acpi_guid = {
	0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
};
static const struct efi_guid smbios_guid = {
	0xf2fd1544, 0x9794, 0x4a2c, { 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94 }
};
static const struct efi_guid smbios_21_guid = {
	0xeb9d2d31, 0x2d88, 0x11d3, { 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d }
};
static const struct efi_guid tree_guid = {
	0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }
};

static uint64_t take(struct stub *s, uint32_t how, uint32_t type, size_t pages, uint64_t at)
{
	if (s->taken_count == STUB_TAKEN || s->boot->allocate_pages(how, type, pages, &at))
		return 0;
	s->taken[s->taken_count].at = at;
	s->taken[s->taken_count++].pages = pages;
	return at;
}

uint64_t stub_pages(struct stub *s, uint32_t type, size_t pages, uint64_t limit)
{
	uint64_t at = limit - 1;

	return take(s, EFI_MAX_ADDRESS, type, pages, at);
}

void stub_pages_at(struct stub *s, size_t pages, uint64_t at)
{
	take(s, EFI_AT_ADDRESS, EFI_LOADER_DATA, pages, at);
}

/* Whoever started us goes on, with all of its memory and without what may be secret. */
static void give_back(struct stub *s)
{
	if (s->handoff)
		memset(s->handoff, 0, sizeof(*s->handoff));
	while (s->taken_count-- > 0)
		s->boot->free_pages(s->taken[s->taken_count].at, s->taken[s->taken_count].pages);
}

/* ---- What the kernel wants to know ------------------------------------------------- */

static uint64_t find_table(struct stub *s, const struct efi_guid *guid)
{
	for (size_t i = 0; i < s->system->table_count; i++)
		if (!memcmp(&s->system->table[i].guid, guid, sizeof(*guid)))
			return (uintptr_t)s->system->table[i].at;
	return 0;
}

/* The UEFI Shell puts the program's own name first, which is no setting. */
static void drop_name(char *words)
{
	size_t n = 0, i = 0;

	while (words[n] && words[n] != ' ' && words[n] != '=')
		n++;
	if (words[n] == '=')
		return;
	do
		words[i] = words[n + i];
	while (words[i++]);
}

/* §9.1: the options are whatever whoever started us put there; a string, as it is usual. Firmware
 * gives a boot entry of its own making a few bytes of data, not text: 8 or less are no words. */
static void read_options(struct stub *s)
{
	size_t units = s->loaded->options_bytes / 2;
	struct handoff *h = s->handoff;

	if (!s->loaded->options || s->loaded->options_bytes % 2 || units <= 4)
		return;
	if (text_ascii(h->cmdline, sizeof(h->cmdline), s->loaded->options, units)) {
		drop_name(h->cmdline);
		return;
	}
	h->cmdline[0] = 0;
	say(s, "the load options are not a command line of printable ASCII, at most 2047: ignored");
}

static struct efi_file *open_settings(struct efi_file *root)
{
	static const uint16_t beside[] = u"\\zeitkern.conf";
	static const uint16_t ours[] = u"\\EFI\\zeitkern\\zeitkern.conf";
	struct efi_file *file;

	if (!root->open(root, &file, beside, EFI_FILE_READ, 0) ||
	    !root->open(root, &file, ours, EFI_FILE_READ, 0))
		return file;
	return NULL;
}

/* A text file on the volume that we were loaded from. */
static void read_settings(struct stub *s)
{
	struct handoff *h = s->handoff;
	size_t n = sizeof(h->settings);
	struct efi_volume *volume;
	struct efi_file *root, *file;

	if (s->boot->handle_protocol(s->loaded->device, &efi_volume_guid, (void **)&volume) ||
	    volume->open(volume, &root))
		return;
	file = open_settings(root);
	if (file) {
		if (file->read(file, &n, h->settings))
			say(s, "zeitkern.conf cannot be read: ignored");
		else if (n == sizeof(h->settings))
			say(s, "zeitkern.conf has 16 KiB or more: ignored");
		else
			h->settings_len = (uint32_t)n;
		if (!h->settings_len)
			memset(h->settings, 0, sizeof(h->settings));
		file->close(file);
	}
	root->close(root);
}

static void read_seed(struct stub *s)
{
	struct efi_rng *rng;

	if (s->boot->locate_protocol(&rng_guid, NULL, (void **)&rng))
		return;
	if (!rng->get(rng, NULL, sizeof(s->handoff->seed), s->handoff->seed))
		s->handoff->seed_len = sizeof(s->handoff->seed);
}

/* Days from 1970-01-01, for a date of the Gregorian calendar from March of the year before it. */
static int64_t days(unsigned year, unsigned month, unsigned day)
{
	year -= month <= 2;
	month += month <= 2 ? 9 : -3;
	return 365ll * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day -
	       719469;
}

/* §8.3: to the second, or better where firmware says so; the half in between is as good. */
static void read_time(struct stub *s)
{
	struct efi_time t;
	int64_t seconds;

	if (s->system->runtime->get_time(&t, NULL) || t.year < 1998 || t.year > 2200 ||
	    t.month - 1u > 11 || t.day - 1u > 30 || t.hour > 23 || t.minute > 59 || t.second > 59)
		return;
	seconds = days(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
	if (t.zone != EFI_ZONE_NONE && t.zone >= -1440 && t.zone <= 1440)
		seconds += t.zone * 60;
	s->handoff->ticks = hand_ticks();
	s->handoff->unix_ns = (uint64_t)seconds * 1000000000u +
			      (t.ns && t.ns < 1000000000 ? t.ns : 500000000u);
}

static void read_vendor(struct stub *s)
{
	static const char name[] = "UEFI: ";
	char *to = s->handoff->vendor;

	memcpy(to, name, sizeof(name));
	if (s->system->vendor)
		text_ascii(to + sizeof(name) - 1, STUB_VENDOR - sizeof(name), s->system->vendor,
			   STUB_VENDOR);
}

/* ---- The end of boot services ---------------------------------------------------------- */

/* The memory map as it is now, of which nothing is believed that can be checked. */
static bool read_map(struct stub *s)
{
	efi_status status;
	uint32_t version;

	s->map_bytes = s->map_room;
	status = s->boot->get_memory_map(&s->map_bytes, s->map, &s->map_key, &s->map_step,
					 &version);
	if (status == EFI_BUFFER_TOO_SMALL)
		return fail(s, "the firmware's memory map outgrows the room that it asked for");
	if (status)
		return fail(s, "the firmware does not give its memory map");
	if (s->map_bytes > s->map_room)
		return fail(s, "the firmware's memory map is longer than the room for it");
	if (!map_step_is_good(s->map_step))
		return fail(s, "the firmware's memory map has descriptors of a size that is not "
			       "40 to 4096 bytes, in eights");
	return true;
}

/* Room for the map as it will be: it grows by what is taken until then. */
static bool take_map(struct stub *s)
{
	size_t bytes = 0, pages;
	uint64_t at;
	uint32_t version;

	s->boot->get_memory_map(&bytes, NULL, &s->map_key, &s->map_step, &version);
	if (bytes > MAP_MOST)
		return fail(s, "the firmware's memory map has more than 1 MiB");
	pages = (bytes + MAP_SPARE + EFI_PAGE - 1) / EFI_PAGE;
	at = stub_pages(s, EFI_LOADER_DATA, pages, LOW_LIMIT);
	if (!at)
		at = stub_pages(s, EFI_LOADER_DATA, pages, 0);
	if (!at)
		return fail(s, "no memory for the firmware's memory map");
	s->map = (void *)(uintptr_t)at;
	s->map_room = pages * EFI_PAGE;
	return read_map(s);
}

/* Ends boot services and fills handoff->ram; or says what is wrong. §7.4.6: when the key is stale,
 * some services may have ended already: the map again, and at once again. */
static bool leave(struct stub *s)
{
	struct handoff *h = s->handoff;

	for (int i = 0; i < LEAVE_TRIES; i++) {
		if (!read_map(s))
			return false;
		h->ram_count = map_ram(s->map, s->map_bytes, s->map_step, h->ram);
		h->ram_count = map_shorten(h->ram, h->ram_count, STUB_RANGES);
		if (!hand_fits(s))
			return false;
		if (!s->boot->exit_boot_services(s->image, s->map_key))
			return true;
	}
	return fail(s, "the firmware does not end its boot services");
}

static bool prepare(struct stub *s)
{
	uint64_t at;

	s->boot->set_watchdog(0, 0, 0, NULL);
	if (s->boot->handle_protocol(s->image, &efi_loaded_guid, (void **)&s->loaded))
		return fail(s, "the firmware does not say where it has loaded this from");
	at = stub_pages(s, EFI_ACPI_RECLAIM, (sizeof(struct handoff) + EFI_PAGE - 1) / EFI_PAGE,
			hand_limit);
	if (!at)
		return fail(s, "no memory to start with");
	s->handoff = (struct handoff *)(uintptr_t)at;
	memset(s->handoff, 0, sizeof(*s->handoff));
	if (!take_map(s))
		return false;
	read_vendor(s);
	read_options(s);
	read_settings(s);
	read_seed(s);
	read_time(s);
	s->handoff->rsdp = find_table(s, &acpi_guid);
	s->handoff->smbios = find_table(s, &smbios_guid);
	if (!s->handoff->smbios)
		s->handoff->smbios = find_table(s, &smbios_21_guid);
	s->handoff->tree = find_table(s, &tree_guid);
	return hand_prepare(s);
}

efi_status EFIAPI efi_main(efi_handle image, struct efi_system *system);

/* §4.1: the entry point. */
efi_status EFIAPI efi_main(efi_handle image, struct efi_system *system)
{
	struct stub s = { .system = system, .boot = system->boot, .image = image };

	if (prepare(&s) && leave(&s))
		hand_over(&s);
	s.boot->stall(PAUSE_US);
	give_back(&s);
	return EFI_ABORTED;
}
