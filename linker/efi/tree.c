/* SPDX-License-Identifier: MIT */
/* A flattened device tree (linker/efi/tree.h): header, an empty list of reservations, structure,
 * strings. */
#include "linker/efi/tree.h"

#define MAGIC 0xd00dfeedu
#define VERSION 17u
#define COMPATIBLE 16u
#define HEADER 40u
#define RESERVE_END 16u

enum { BEGIN_NODE = 1, END_NODE, PROP, END = 9 };

static uint32_t length(const char *s)
{
	uint32_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void put(struct tree *t, const void *from, uint32_t len)
{
	const uint8_t *p = from;

	if (t->full || len > t->room - t->at) {
		t->full = 1;
		return;
	}
	while (len-- > 0)
		t->to[t->at++] = *p++;
}

static void put_cell(struct tree *t, uint32_t value)
{
	uint8_t b[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			 (uint8_t)value };

	put(t, b, sizeof(b));
}

static void pad(struct tree *t)
{
	static const uint8_t zero[4];

	put(t, zero, -t->at & 3);
}

/* Where `name` begins among the names. */
static uint32_t name_at(struct tree *t, const char *name)
{
	uint32_t start = t->names_len, len = length(name) + 1;

	if (len > TREE_NAMES - start) {
		t->full = 1;
		return 0;
	}
	for (uint32_t i = 0; i < len; i++)
		t->names[start + i] = name[i];
	t->names_len = start + len;
	return start;
}

void tree_begin(struct tree *t, void *to, uint32_t room)
{
	*t = (struct tree){ .to = to, .room = room };
	for (uint32_t i = 0; i < HEADER + RESERVE_END; i += 4)
		put_cell(t, 0);
}

void tree_open(struct tree *t, const char *name)
{
	put_cell(t, BEGIN_NODE);
	put(t, name, length(name) + 1);
	pad(t);
}

void tree_close(struct tree *t)
{
	put_cell(t, END_NODE);
}

static void head(struct tree *t, const char *name, uint32_t len)
{
	put_cell(t, PROP);
	put_cell(t, len);
	put_cell(t, name_at(t, name));
}

void tree_bytes(struct tree *t, const char *name, const void *value, uint32_t len)
{
	head(t, name, len);
	put(t, value, len);
	pad(t);
}

void tree_string(struct tree *t, const char *name, const char *value)
{
	tree_bytes(t, name, value, length(value) + 1);
}

void tree_numbers(struct tree *t, const char *name, const uint64_t *value, uint32_t n)
{
	head(t, name, n * 8);
	for (uint32_t i = 0; i < n; i++) {
		put_cell(t, (uint32_t)(value[i] >> 32));
		put_cell(t, (uint32_t)value[i]);
	}
}

void tree_cell(struct tree *t, const char *name, uint32_t value)
{
	head(t, name, 4);
	put_cell(t, value);
}

uint32_t tree_end(struct tree *t)
{
	uint32_t strings, total;

	put_cell(t, END);
	strings = t->at;
	put(t, t->names, t->names_len);
	pad(t);
	total = t->at;
	if (t->full)
		return 0;
	t->at = 0;
	put_cell(t, MAGIC);
	put_cell(t, total);
	put_cell(t, HEADER + RESERVE_END);
	put_cell(t, strings);
	put_cell(t, HEADER);
	put_cell(t, VERSION);
	put_cell(t, COMPATIBLE);
	put_cell(t, 0);
	put_cell(t, t->names_len);
	put_cell(t, strings - HEADER - RESERVE_END);
	return total;
}
