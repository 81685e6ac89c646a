/* SPDX-License-Identifier: MIT */
/* A bounded reader of flattened device trees (Devicetree Specification 0.4,
 * §2 and §5). It allocates nothing and trusts nothing: every offset and length
 * in the blob is checked, malformed input ends a walk or counts as absent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/machine.h"

#define FDT_DEPTH 12           /* deeper nodes are passed over */
#define FDT_HEADER 40u         /* bytes that fdt_size() and fdt_open() read first */

struct fdt {
	const uint8_t *blob;
	uint32_t structs, structs_end, strings, strings_end, reserve, size;
};

struct fdt_level {
	const char *name;
	uint32_t ranges, ranges_len;   /* offset of its ranges property; 0: it has none */
	uint8_t addr_cells, size_cells;
};

/* A place in a walk through all nodes, in the order of the blob. */
struct fdt_node {
	const struct fdt *fdt;
	uint32_t props, next;
	unsigned depth;                /* 1: the root */
	unsigned deeper;               /* nodes around the place that have no level[] */
	struct fdt_level level[FDT_DEPTH];
};

/* Total size from a header of FDT_HEADER bytes: 0 when it is not one. */
uint32_t fdt_size(const void *blob);

/* 0, or -EINVAL when header and blocks do not fit within `limit` bytes. */
int fdt_open(struct fdt *fdt, const void *blob, size_t limit);

/* Memory reservation i (§5.3): true, or false past the last. */
bool fdt_reserved(const struct fdt *fdt, unsigned i, struct region *r);

/* Starts a walk before the root; fdt_next() goes to the next node, or returns
 * false at the end or at the first malformed token. */
void fdt_walk(struct fdt_node *n, const struct fdt *fdt);
bool fdt_next(struct fdt_node *n);

/* Name with its unit address, "" for the root. */
const char *fdt_name(const struct fdt_node *n);

/* True when the node's full path is the first `len` bytes of `path`. */
bool fdt_at(const struct fdt_node *n, const char *path, size_t len);

/* A property's value and length, or NULL. Big-endian cells, any alignment. */
const uint8_t *fdt_get(const struct fdt_node *n, const char *name, uint32_t *len);

/* Cell i of a property, or `otherwise` when it is absent or too short. */
uint32_t fdt_cell(const struct fdt_node *n, const char *name, unsigned i, uint32_t otherwise);

/* The number in `cells` cells at p; cells above the lowest two are dropped. */
uint64_t fdt_number(const uint8_t *p, unsigned cells);

/* A property that is one NUL-terminated string, or NULL. */
const char *fdt_string(const struct fdt_node *n, const char *name);

/* True when `compatible` lists `name`, and `status` does not disable it. */
bool fdt_is(const struct fdt_node *n, const char *name);

/* Entry i of reg, translated to a physical address through the ranges of all
 * parents: 0; -ENOENT: no such entry; -ENXIO: not visible to the CPU. */
int fdt_reg(const struct fdt_node *n, unsigned i, struct region *r);
