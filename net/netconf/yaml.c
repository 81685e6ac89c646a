/* SPDX-License-Identifier: MIT */
/* See yaml.h. Descends once for each level, at most YAML_DEPTH deep; what a level holds begins in
 * one column. */
#include "net/netconf/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "net/netconf/yaml_reader.h"

/* ---- The document ----------------------------------------------------------------- */

static unsigned column(const struct reader *r)
{
	return (unsigned)(r->p - r->line_start);
}

/* Whether the mark of a list's element stands here. */
static bool at_dash(const struct reader *r)
{
	return r->p < r->end && *r->p == '-' && yaml_is_blank(r, r->p + 1);
}

/* Whether "key:" stands here. */
static bool at_key(const struct reader *r)
{
	const char *p = r->p;
	char quote = p < r->end ? *p : 0;

	if (quote == '"' || quote == '\'') {
		for (p++; p < r->end && *p != quote && *p != '\n'; p++)
			if (*p == '\\' && quote == '"' && p + 1 < r->end)
				p++;
		p = p < r->end && *p == quote ? p + 1 : r->end;
	} else if (quote == '[' || quote == '{') {
		return false;
	} else {
		p = yaml_plain_end(r, p);
	}
	while (p < r->end && *p == ' ')
		p++;
	return p < r->end && *p == ':' && yaml_is_blank(r, p + 1);
}

/* To the next word, over lines. "---" may stand before the first; behind it, that or "..." is the
 * end. */
static int next_word(struct reader *r)
{
	bool begun = r->begun;

	for (;;) {
		int err = yaml_skip(r, true);

		if (err < 0 || r->p == r->end)
			return err;
		if (column(r) > 0 || r->end - r->p < 3 || !yaml_is_blank(r, r->p + 3) ||
		    (memcmp(r->p, "---", 3) != 0 && memcmp(r->p, "...", 3) != 0))
			break;
		if (*r->p == '.') {
			r->end = r->p;
			return 0;
		}
		if (begun)
			return yaml_refuse(r, "a second document", "one");
		r->p += 3;
		begun = true;
	}
	r->begun = true;
	return 0;
}

static int read_block(struct reader *r, struct yaml_node *n);

/* The value of a member of a map that begins in column `at`, behind its colon. */
static int read_value(struct reader *r, struct yaml_node *n, unsigned at)
{
	unsigned line = r->line;
	int err = next_word(r);

	if (err < 0 || r->p == r->end)
		return err;
	if (r->line == line) {
		err = yaml_inline(r, n);
		return err < 0 ? err : yaml_line_end(r);
	}
	if (column(r) > at || (column(r) == at && at_dash(r)))
		return read_block(r, n);
	return 0;
}

static int read_map(struct reader *r, struct yaml_node *n)
{
	unsigned at = column(r);
	struct yaml_node **to = &n->first, *m;
	int err;

	n->kind = YAML_MAP;
	do {
		if (!at_key(r))
			return yaml_refuse(r, "no key", "key: value");
		err = yaml_add(r, &to, &m);
		if (err == 0)
			err = yaml_key(r, n, m);
		if (err == 0)
			err = read_value(r, m, at);
		if (err == 0)
			err = next_word(r);
		if (err < 0)
			return err;
	} while (r->p < r->end && column(r) == at);
	if (r->p < r->end && column(r) > at)
		return yaml_refuse(r, "indented further than the line before", "one column");
	return 0;
}

static int read_list(struct reader *r, struct yaml_node *n)
{
	unsigned at = column(r);
	struct yaml_node **to = &n->first, *m;
	int err;

	n->kind = YAML_LIST;
	do {
		err = yaml_add(r, &to, &m);
		r->p++;
		if (err == 0)
			err = next_word(r);
		if (err == 0 && r->p < r->end && column(r) > at)
			err = read_block(r, m);
		if (err == 0)
			err = next_word(r);
		if (err < 0)
			return err;
	} while (r->p < r->end && column(r) == at && at_dash(r));
	if (r->p < r->end && column(r) > at)
		return yaml_refuse(r, "indented further than the line before", "one column");
	return 0;
}

/* What begins at a word, and all that belongs to it. */
static int read_block(struct reader *r, struct yaml_node *n)
{
	int err;

	n->line = r->line;
	if (!at_dash(r) && !at_key(r)) {
		err = yaml_inline(r, n);
		return err < 0 ? err : yaml_line_end(r);
	}
	if (++r->depth > YAML_DEPTH)
		return yaml_refuse(r, "nested too deep", "at most 16 levels");
	err = at_dash(r) ? read_list(r, n) : read_map(r, n);
	r->depth--;
	return err;
}

/* The first byte that no text has, or `len`. */
static size_t text_ends(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((unsigned char)text[i] >= ' ' || strchr("\t\n\r", text[i])) &&
	       text[i] != 0x7f && text[i])
		i++;
	return i;
}

int yaml_read(struct yaml *y, const char *text, size_t len)
{
	struct reader r = { .y = y, .p = text, .end = text + len, .line_start = text, .line = 1 };
	struct yaml_node **to = &y->root;
	size_t good = text_ends(text, len);
	int err;

	*y = (struct yaml){ .nodes = calloc(YAML_NODES, sizeof(*y->nodes)),
			    .texts = malloc(len + 1) };
	y->free_text = y->texts;
	if (!y->nodes || !y->texts)
		return -ENOMEM;
	for (size_t i = 0; good < len && i < good; i++)
		r.line += text[i] == '\n';
	if (good < len)
		return yaml_refuse(&r, "a byte that is none of a text", "text");
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.line_start = r.p += 3;
	err = next_word(&r);
	if (err < 0 || r.p == r.end)
		return err;
	err = yaml_add(&r, &to, &y->root);
	if (err == 0)
		err = read_block(&r, y->root);
	if (err == 0)
		err = next_word(&r);
	if (err == 0 && r.p < r.end)
		return yaml_refuse(&r, "a line that belongs to none before it",
				   "the column of one of those");
	return err;
}

void yaml_free(struct yaml *y)
{
	if (y->texts)
		mem_wipe(y->texts, (size_t)(y->free_text - y->texts));
	free(y->texts);
	free(y->nodes);
	*y = (struct yaml){ .root = NULL };
}

/* ---- The tree --------------------------------------------------------------------- */

const struct yaml_node *yaml_first(const struct yaml_node *list)
{
	return list ? list->first : NULL;
}

const struct yaml_node *yaml_member(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml_node *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n->kind == YAML_NULL ? NULL : n;
	return NULL;
}

const char *yaml_text(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = yaml_member(map, key);

	return n && n->kind == YAML_TEXT ? n->text : NULL;
}
