/* SPDX-License-Identifier: MIT */
/* Writes a flattened device tree (Devicetree Specification 0.4, §5). Pure. What does not fit is
 * left out, and tree_end() says so. Names of properties are string constants. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TREE_NAMES 256u        /* bytes of the names of all properties */

struct tree {
	uint8_t *to;
	uint32_t room, at, names_len;
	int full;
	char names[TREE_NAMES];
};

/* Starts a tree in `room` bytes at `to`, 8-byte aligned. */
void tree_begin(struct tree *t, void *to, uint32_t room);
/* A node, "" the root; what follows lies in it until tree_close(). */
void tree_open(struct tree *t, const char *name);
void tree_close(struct tree *t);
/* A property: bytes, a string, 64-bit numbers. */
void tree_bytes(struct tree *t, const char *name, const void *value, uint32_t len);
void tree_string(struct tree *t, const char *name, const char *value);
void tree_numbers(struct tree *t, const char *name, const uint64_t *value, uint32_t n);
/* 32-bit number. */
void tree_cell(struct tree *t, const char *name, uint32_t value);
/* How many bytes it has, or 0 when there was too little room. */
uint32_t tree_end(struct tree *t);
