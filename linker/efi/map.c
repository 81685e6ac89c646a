/* SPDX-License-Identifier: MIT */
/* The firmware's memory map (linker/efi/map.h). */
#include "linker/efi/map.h"

#include "linker/efi/efi.h"

#define PAGES_MAX (UINT64_MAX / EFI_PAGE)

/* What becomes free when boot services end. */
static bool is_ram(const struct efi_descriptor *d)
{
	if (d->attribute & EFI_MEMORY_SP)
		return false;
	return d->type == EFI_CONVENTIONAL ||
	       (d->type >= EFI_LOADER_CODE && d->type <= EFI_BOOT_DATA);
}

/* The descriptor's range: RAM by whole pages inside it, anything else by pages touched. */
static bool range_of(const struct efi_descriptor *d, struct range *r)
{
	uint64_t start = d->physical, end;

	if (d->pages == 0 || d->pages > PAGES_MAX || start > UINT64_MAX - d->pages * EFI_PAGE)
		return false;
	end = start + d->pages * EFI_PAGE;
	if (start % EFI_PAGE && (is_ram(d) || end > UINT64_MAX - EFI_PAGE)) {
		start += EFI_PAGE - start % EFI_PAGE;
		end -= end % EFI_PAGE;
	} else if (start % EFI_PAGE) {
		start -= start % EFI_PAGE;
		end += EFI_PAGE - end % EFI_PAGE;
	}
	*r = (struct range){ start, end };
	return start < end;
}

static void move(struct range *to, const struct range *from, unsigned n)
{
	if (to < from)
		for (unsigned i = 0; i < n; i++)
			to[i] = from[i];
	else
		while (n-- > 0)
			to[n] = from[n];
}

static unsigned smallest(const struct range *ram, unsigned n)
{
	unsigned least = 0;

	for (unsigned i = 1; i < n; i++)
		if (ram[i].end - ram[i].start < ram[least].end - ram[least].start)
			least = i;
	return least;
}

unsigned map_shorten(struct range *ram, unsigned n, unsigned most)
{
	for (; n > most; n--) {
		unsigned i = smallest(ram, n);

		move(ram + i, ram + i + 1, n - i - 1);
	}
	return n;
}

/* Merges `r` with those that it meets. The list has room for one more than MAP_RANGES. */
static unsigned add(struct range *ram, unsigned n, struct range r)
{
	unsigned first = 0, last;

	while (first < n && ram[first].end < r.start)
		first++;
	for (last = first; last < n && ram[last].start <= r.end; last++) {
		if (ram[last].start < r.start)
			r.start = ram[last].start;
		if (ram[last].end > r.end)
			r.end = ram[last].end;
	}
	move(ram + first + 1, ram + last, n - last);
	ram[first] = r;
	return map_shorten(ram, n - (last - first) + 1, MAP_RANGES);
}

static unsigned take(struct range *ram, unsigned n, struct range r)
{
	for (unsigned i = 0; i < n; i++) {
		struct range was = ram[i];

		if (was.end <= r.start || was.start >= r.end)
			continue;
		move(ram + i, ram + i + 1, n - i - 1);
		n--;
		if (was.start < r.start)
			n = add(ram, n, (struct range){ was.start, r.start });
		if (was.end > r.end)
			n = add(ram, n, (struct range){ r.end, was.end });
		i = (unsigned)-1;          /* what was cut is no longer met: this ends */
	}
	return n;
}

bool map_step_is_good(size_t step)
{
	return step >= sizeof(struct efi_descriptor) && step <= EFI_PAGE && step % 8 == 0;
}

unsigned map_ram(const void *map, size_t bytes, size_t step, struct range ram[MAP_RANGES])
{
	struct range list[MAP_RANGES + 1], r;
	unsigned n = 0;

	if (!map_step_is_good(step))
		return 0;
	for (int keep = 1; keep >= 0; keep--) {
		const char *p = map;

		for (size_t left = bytes; left >= step; left -= step, p += step) {
			const struct efi_descriptor *d = (const void *)p;

			if (is_ram(d) != keep || !range_of(d, &r))
				continue;
			n = keep ? add(list, n, r) : take(list, n, r);
		}
	}
	for (unsigned i = 0; i < n; i++)
		ram[i] = list[i];
	return n;
}

bool map_covers(const struct range *ram, unsigned n, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < n; i++)
		if (ram[i].start <= start && end <= ram[i].end)
			return true;
	return false;
}
