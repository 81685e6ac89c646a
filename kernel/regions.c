/* SPDX-License-Identifier: MIT */
/* Lists of memory regions (kernel/regions.h). */
#include "kernel/regions.h"

#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

/* The list goes on at `to` with what it has from `from` on. */
static void move(struct regions *r, unsigned to, unsigned from)
{
	memmove(r->list + to, r->list + from, (r->count - from) * sizeof(*r->list));
	r->count = r->count - from + to;
}

uint64_t regions_size(const struct regions *r)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < r->count; i++)
		size += r->list[i].size;
	return size;
}

static unsigned smallest(const struct regions *r)
{
	unsigned least = 0;

	for (unsigned i = 1; i < r->count; i++)
		if (r->list[i].size < r->list[least].size)
			least = i;
	return least;
}

void regions_shorten(struct regions *r, unsigned most)
{
	while (r->count > most) {
		unsigned i = smallest(r);

		r->lost += r->list[i].size;
		move(r, i, i + 1);
	}
}

/* Merges [start, end), whole pages, with those that it meets. */
static void add(struct regions *r, uint64_t start, uint64_t end)
{
	struct region *list = r->list;
	unsigned first = 0, last;

	while (first < r->count && list[first].base + list[first].size < start)
		first++;
	for (last = first; last < r->count && list[last].base <= end; last++) {
		start = MIN(start, list[last].base);
		end = MAX(end, list[last].base + list[last].size);
	}
	if (first == last && r->count == r->max) {
		unsigned least = smallest(r);

		if (end - start <= list[least].size) {
			r->lost += end - start;
			return;
		}
		regions_shorten(r, r->max - 1);
		if (least < first)
			first--;
		last = first;
	}
	move(r, first + 1, last);
	list[first] = (struct region){ start, end - start };
}

void regions_add(struct regions *r, uint64_t base, uint64_t size)
{
	uint64_t end = (base + size) & ~PAGE_MASK;

	if (size > UINT64_MAX - base || base > end)
		return;
	base = ALIGN_UP(base, (uint64_t)PAGE_SIZE);
	if (base < end)
		add(r, base, end);
}

void regions_remove(struct regions *r, uint64_t base, uint64_t size)
{
	uint64_t start = base & ~PAGE_MASK, end = base + size;

	if (size == 0)
		return;
	if (end < base || end > ~PAGE_MASK)
		end = UINT64_MAX;
	else
		end = ALIGN_UP(end, (uint64_t)PAGE_SIZE);
	for (unsigned i = 0; i < r->count;) {
		struct region was = r->list[i];
		uint64_t was_end = was.base + was.size;

		if (was_end <= start || was.base >= end) {
			i++;
			continue;
		}
		move(r, i, i + 1);
		if (was.base < start)
			add(r, was.base, start);
		if (was_end > end)
			add(r, end, was_end);
		i = 0;                 /* what is cut is met no more: this ends */
	}
}
