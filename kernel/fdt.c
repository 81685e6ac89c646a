/* SPDX-License-Identifier: MIT */
/* Flattened device trees (kernel/fdt.h); Devicetree Specification 0.4, §5. */
#include "kernel/fdt.h"

#include <errno.h>
#include <string.h>

#define MAGIC 0xd00dfeedu
#define VERSION_COMPATIBLE 16u

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

uint64_t fdt_number(const uint8_t *p, unsigned cells)
{
	uint64_t n = 0;

	while (cells-- > 0) {
		n = n << 32 | be32(p);
		p += 4;
	}
	return n;
}

uint32_t fdt_size(const void *blob)
{
	return be32(blob) == MAGIC ? be32((const uint8_t *)blob + 4) : 0;
}

/* Header: magic, totalsize, off_dt_struct, off_dt_strings, off_mem_rsvmap,
 * version, last_comp_version, boot_cpuid_phys, size_dt_strings, size_dt_struct. */
int fdt_open(struct fdt *fdt, const void *blob, size_t limit)
{
	const uint8_t *b = blob;
	uint32_t strings_size, structs_size;

	if (limit < FDT_HEADER || be32(b) != MAGIC || be32(b + 24) > VERSION_COMPATIBLE + 1)
		return -EINVAL;
	fdt->blob = b;
	fdt->size = be32(b + 4);
	fdt->structs = be32(b + 8);
	fdt->strings = be32(b + 12);
	fdt->reserve = be32(b + 16);
	strings_size = be32(b + 32);
	structs_size = be32(b + 36);
	if (fdt->size > limit || fdt->size < FDT_HEADER || fdt->size > INT32_MAX)
		return -EINVAL;
	if (fdt->structs > fdt->size || structs_size > fdt->size - fdt->structs)
		return -EINVAL;
	if (fdt->strings > fdt->size || strings_size > fdt->size - fdt->strings)
		return -EINVAL;
	if (fdt->reserve > fdt->size || fdt->structs & 3)
		return -EINVAL;
	fdt->structs_end = fdt->structs + structs_size;
	fdt->strings_end = fdt->strings + strings_size;
	return 0;
}

bool fdt_reserved(const struct fdt *fdt, unsigned i, struct region *r)
{
	uint32_t room = (fdt->size - fdt->reserve) / 16;

	if (i >= room)
		return false;
	r->base = be64(fdt->blob + fdt->reserve + i * 16);
	r->size = be64(fdt->blob + fdt->reserve + i * 16 + 8);
	return r->base || r->size;
}

/* The string at `at`, or NULL when it does not end before `end`. */
static const char *string_at(const struct fdt *fdt, uint32_t at, uint32_t end)
{
	if (at >= end || !memchr(fdt->blob + at, 0, end - at))
		return NULL;
	return (const char *)fdt->blob + at;
}

/* One token of the structure block. */
struct token {
	uint32_t kind, next;           /* next: offset of the following token */
	uint32_t data, len;            /* PROP */
	const char *name;              /* PROP and BEGIN_NODE */
};

/* Reads the token at `at`; kind 0 for the end and for all that is malformed. */
static struct token token_at(const struct fdt *fdt, uint32_t at)
{
	struct token t = { 0 }, none = { 0 };
	uint32_t end = fdt->structs_end;

	if (at > end || end - at < 4)
		return none;
	t.kind = be32(fdt->blob + at);
	at += 4;
	switch (t.kind) {
	case BEGIN_NODE:
		t.name = string_at(fdt, at, end);
		if (!t.name)
			return none;
		at += (uint32_t)strlen(t.name) + 1;
		break;
	case PROP:
		if (end - at < 8)
			return none;
		t.len = be32(fdt->blob + at);
		t.data = at + 8;
		if (be32(fdt->blob + at + 4) > fdt->size || t.len > end - t.data)
			return none;
		t.name = string_at(fdt, fdt->strings + be32(fdt->blob + at + 4), fdt->strings_end);
		if (!t.name)
			return none;
		at = t.data + t.len;
		break;
	case END_NODE:
	case NOP:
		break;
	default:
		return none;
	}
	t.next = ALIGN_UP(at - fdt->structs, 4u) + fdt->structs;
	return t;
}

void fdt_walk(struct fdt_node *n, const struct fdt *fdt)
{
	n->fdt = fdt;
	n->next = fdt->structs;
	n->depth = n->deeper = 0;
}

/* Notes what the children of the node just entered will need of it (§2.3.5:
 * two address cells and one size cell unless it says otherwise). */
static void enter(struct fdt_node *n, const struct token *begin)
{
	struct fdt_level *l = &n->level[n->depth++];
	struct token t;

	*l = (struct fdt_level){ .name = begin->name, .addr_cells = 2, .size_cells = 1 };
	for (uint32_t at = n->props; ; at = t.next) {
		t = token_at(n->fdt, at);
		if (t.kind == NOP)
			continue;
		if (t.kind != PROP)
			return;
		if (t.len == 4 && strcmp(t.name, "#address-cells") == 0) {
			l->addr_cells = (uint8_t)MIN(be32(n->fdt->blob + t.data), 255u);
		} else if (t.len == 4 && strcmp(t.name, "#size-cells") == 0) {
			l->size_cells = (uint8_t)MIN(be32(n->fdt->blob + t.data), 255u);
		} else if (strcmp(t.name, "ranges") == 0) {
			l->ranges = t.data;
			l->ranges_len = t.len;
		}
	}
}

bool fdt_next(struct fdt_node *n)
{
	for (;;) {
		struct token t = token_at(n->fdt, n->next);

		if (t.kind == 0 || (t.kind == END_NODE && n->depth == 0))
			return false;
		n->next = t.next;
		if (t.kind == END_NODE && n->deeper > 0)
			n->deeper--;
		else if (t.kind == END_NODE)
			n->depth--;
		if (t.kind != BEGIN_NODE)
			continue;
		if (n->depth == FDT_DEPTH) {
			n->deeper++;
			continue;
		}
		n->props = t.next;
		enter(n, &t);
		return true;
	}
}

const char *fdt_name(const struct fdt_node *n)
{
	return n->level[n->depth - 1].name;
}

bool fdt_at(const struct fdt_node *n, const char *path, size_t len)
{
	for (unsigned i = 1; i < n->depth; i++) {
		size_t part = strlen(n->level[i].name);

		if (len <= part || path[0] != '/' || memcmp(path + 1, n->level[i].name, part) != 0)
			return false;
		path += part + 1;
		len -= part + 1;
	}
	return len == 0 || (n->depth == 1 && len == 1 && path[0] == '/');
}

const uint8_t *fdt_get(const struct fdt_node *n, const char *name, uint32_t *len)
{
	struct token t;

	for (uint32_t at = n->props; ; at = t.next) {
		t = token_at(n->fdt, at);
		if (t.kind == PROP && strcmp(t.name, name) == 0) {
			*len = t.len;
			return n->fdt->blob + t.data;
		}
		if (t.kind != PROP && t.kind != NOP)
			return NULL;
	}
}

uint32_t fdt_cell(const struct fdt_node *n, const char *name, unsigned i, uint32_t otherwise)
{
	uint32_t len;
	const uint8_t *p = fdt_get(n, name, &len);

	return p && i < len / 4 ? be32(p + 4 * i) : otherwise;
}

const char *fdt_string(const struct fdt_node *n, const char *name)
{
	uint32_t len;
	const uint8_t *p = fdt_get(n, name, &len);

	return p && len > 0 && p[len - 1] == 0 ? (const char *)p : NULL;
}

bool fdt_is(const struct fdt_node *n, const char *name)
{
	const char *status = fdt_string(n, "status");
	uint32_t len;
	const char *p = (const char *)fdt_get(n, "compatible", &len);

	if (!p || len == 0 || p[len - 1] != 0)
		return false;
	if (status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0)
		return false;
	for (const char *end = p + len; p < end; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

/* From the address space inside `level` to the one around it (§2.3.8). */
static int translate(const struct fdt *fdt, const struct fdt_level *level, unsigned outer_cells,
		     uint64_t *addr)
{
	uint32_t entry = 4u * (level->addr_cells + outer_cells + level->size_cells);
	const uint8_t *p = fdt->blob + level->ranges;

	if (!level->ranges)
		return -ENXIO;
	if (level->ranges_len == 0)
		return 0;
	for (uint32_t left = level->ranges_len; entry > 0 && left >= entry; left -= entry) {
		uint64_t inner = fdt_number(p, level->addr_cells);
		uint64_t outer = fdt_number(p + 4 * level->addr_cells, outer_cells);
		uint64_t size = fdt_number(p + entry - 4 * level->size_cells, level->size_cells);

		if (*addr >= inner && *addr - inner < size) {
			*addr = *addr - inner + outer;
			return 0;
		}
		p += entry;
	}
	return -ENXIO;
}

int fdt_reg(const struct fdt_node *n, unsigned i, struct region *r)
{
	const struct fdt_level *parent;
	uint32_t len, entry;
	const uint8_t *p = fdt_get(n, "reg", &len);

	if (n->depth < 2 || !p)
		return -ENOENT;
	parent = &n->level[n->depth - 2];
	entry = 4u * (parent->addr_cells + parent->size_cells);
	if (entry == 0 || i >= len / entry)
		return -ENOENT;
	p += i * entry;
	r->base = fdt_number(p, parent->addr_cells);
	r->size = fdt_number(p + 4 * parent->addr_cells, parent->size_cells);
	for (unsigned d = n->depth - 2; d > 0; d--)
		if (translate(n->fdt, &n->level[d], n->level[d - 1].addr_cells, &r->base) < 0)
			return -ENXIO;
	return 0;
}
