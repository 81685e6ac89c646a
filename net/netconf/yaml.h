/* SPDX-License-Identifier: MIT */
/* A document of YAML 1.2 as tools and people write settings, read strictly into a tree. Of block
 * style there are maps, also behind "- ", lists and texts of one line; of flow style, over any
 * number of lines, [] and {}, so that JSON (RFC 8259) is read, too; texts are plain, in '' or in ""
 * with JSON's escapes; comments; one document. All else that YAML has is refused, as are a tab
 * before a word and a key that is twice in one map. Pure, but for malloc(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_NODES 1024u               /* texts, lists and maps of a document */
#define YAML_DEPTH 16u                 /* lists and maps within each other */

enum yaml_kind { YAML_NULL, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	const char *key;               /* a member of a map has one; else NULL */
	const char *text;              /* of YAML_TEXT, NUL-terminated; quotes make no difference */
	struct yaml_node *first, *next;    /* what a list or map holds, in order */
	unsigned line;
	enum yaml_kind kind;
};

struct yaml {
	struct yaml_node *root;
	unsigned line;                 /* of what is wrong */
	char wrong[120];               /* and what was expected; printable */
	struct yaml_node *nodes;
	unsigned count;
	char *texts, *free_text;
};

/* 0; -EINVAL: y->line and y->wrong say why; -ENOMEM. yaml_free() either way. */
int yaml_read(struct yaml *y, const char *text, size_t len);

/* Wipes and frees what it holds. */
void yaml_free(struct yaml *y);

/* A map's member; NULL: none, it is null, or `map` is no map or NULL. */
const struct yaml_node *yaml_member(const struct yaml_node *map, const char *key);

/* Its text; NULL: none, or no text. */
const char *yaml_text(const struct yaml_node *map, const char *key);

/* What is in a list or map, for (n = yaml_first(list); n; n = n->next); NULL: nothing, or it is
 * neither, or NULL. */
const struct yaml_node *yaml_first(const struct yaml_node *list);
