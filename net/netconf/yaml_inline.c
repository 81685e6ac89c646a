/* SPDX-License-Identifier: MIT */
/* See yaml_reader.h: texts, comments, and flow style. */
#include "net/netconf/yaml_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel.h"

#define SHOWN 40                       /* characters of a key in a message */

int yaml_refuse(struct reader *r, const char *wrong, const char *expected)
{
	r->y->line = r->line;
	snprintf(r->y->wrong, sizeof(r->y->wrong), "%s: expected %s", wrong, expected);
	for (char *p = r->y->wrong; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return -EINVAL;
}

int yaml_add(struct reader *r, struct yaml_node ***to, struct yaml_node **made)
{
	if (r->y->count == YAML_NODES)
		return yaml_refuse(r, "too much in one document", "at most 1024 values");
	*made = &r->y->nodes[r->y->count++];
	(*made)->line = r->line;
	**to = *made;
	*to = &(*made)->next;
	return 0;
}

bool yaml_is_blank(const struct reader *r, const char *p)
{
	return p >= r->end || *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r';
}

int yaml_skip(struct reader *r, bool over_lines)
{
	bool tab = false;

	for (; r->p < r->end; r->p++) {
		bool apart = r->p == r->line_start || yaml_is_blank(r, r->p - 1);

		if (*r->p == '\n' && !over_lines)
			return 0;
		if (*r->p == '#' && (apart || r->flow)) {
			while (r->p + 1 < r->end && r->p[1] != '\n')
				r->p++;
			continue;
		}
		if (*r->p != ' ' && *r->p != '\t' && *r->p != '\r' && *r->p != '\n')
			break;
		if (*r->p == '\n') {
			r->line++;
			r->line_start = r->p + 1;
		}
		tab = *r->p == '\t' || (tab && *r->p != '\n');
	}
	if (tab && r->p < r->end && !r->flow)
		return yaml_refuse(r, "a tab before a word", "spaces");
	return 0;
}

int yaml_line_end(struct reader *r)
{
	unsigned line = r->line;
	int err = yaml_skip(r, false);

	if (err < 0 || r->p == r->end || *r->p == '\n' || r->line != line)
		return err;
	return yaml_refuse(r, *r->p == ':' ? "a colon in a value" : "more behind a value",
			   *r->p == ':' ? "quotes around it" : "the end of the line");
}

/* ---- Texts -------------------------------------------------------------------------- */

const char *yaml_plain_end(const struct reader *r, const char *p)
{
	const char *last = p;          /* behind the last that is not blank */

	for (; p < r->end && *p != '\n'; p++) {
		if (*p == ':' && (yaml_is_blank(r, p + 1) || (r->flow && strchr(",[]{}", p[1]))))
			break;
		if ((*p == '#' && p > last) || (r->flow && strchr(",[]{}", *p)))
			break;
		if (!yaml_is_blank(r, p))
			last = p + 1;
	}
	return last;
}

static void put(struct reader *r, unsigned c)
{
	*r->y->free_text++ = (char)c;
}

/* As UTF-8, of at most three bytes (RFC 3629 §3). */
static int unescape_hex(struct reader *r)
{
	unsigned code = 0;

	for (unsigned i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = r->p < r->end && *r->p ? strchr(digits, *r->p | 0x20) : NULL;

		if (!d)
			return yaml_refuse(r, "\\u", "four hex digits behind it");
		code = code << 4 | (unsigned)(d - digits);
		r->p++;
	}
	if (code == 0)
		return yaml_refuse(r, "\\u0000", "a character");
	if (code >= 0x800)
		put(r, 0xe0 | code >> 12);
	if (code >= 0x80)
		put(r, code >= 0x800 ? 0x80 | (code >> 6 & 0x3f) : 0xc0 | code >> 6);
	put(r, code >= 0x80 ? 0x80 | (code & 0x3f) : code);
	return 0;
}

/* Behind a backslash. */
static int unescape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = r->p < r->end ? *r->p++ : 0;
	const char *found = c ? strchr(from, c) : NULL;

	if (c == 'u')
		return unescape_hex(r);
	if (!found)
		return yaml_refuse(r, "a backslash", "one of \"\\/bfnrtu behind it");
	put(r, (unsigned char)to[found - from]);
	return 0;
}

static int quoted(struct reader *r)
{
	char quote = *r->p++;

	for (; r->p < r->end && *r->p != '\n'; ) {
		char c = *r->p++;

		if (c == '\\' && quote == '"') {
			if (unescape(r) < 0)
				return -EINVAL;
			continue;
		}
		if (c == quote && !(c == '\'' && r->p < r->end && *r->p == '\''))
			return 0;
		r->p += c == quote;
		put(r, (unsigned char)c);
	}
	return yaml_refuse(r, "a quote that is open", "its end in the same line");
}

static int plain(struct reader *r)
{
	const char *end = yaml_plain_end(r, r->p);

	if (end == r->p || strchr("&*!|>%@`,[]{}", *r->p) ||
	    (strchr("-?", *r->p) && yaml_is_blank(r, r->p + 1))) {
		char wrong[] = "\"?\" where a text begins";

		wrong[1] = *r->p;
		return yaml_refuse(r, wrong, "plain text, quotes, [] or {}");
	}
	while (r->p < end)
		put(r, (unsigned char)*r->p++);
	return 0;
}

/* A text, wherever: NULL, refused. */
static const char *text(struct reader *r)
{
	char *from = r->y->free_text;
	int err = *r->p == '"' || *r->p == '\'' ? quoted(r) : plain(r);

	put(r, '\0');
	return err < 0 ? NULL : from;
}

int yaml_key(struct reader *r, const struct yaml_node *n, struct yaml_node *m)
{
	char wrong[SHOWN + 16];
	const char *key = text(r);

	if (!key)
		return -EINVAL;
	for (const struct yaml_node *o = n->first; o != m; o = o->next) {
		if (strcmp(o->key, key) != 0)
			continue;
		snprintf(wrong, sizeof(wrong), "\"%.40s\" twice", key);
		return yaml_refuse(r, wrong, "a key once");
	}
	m->key = key;
	if (yaml_skip(r, r->flow > 0) < 0)
		return -EINVAL;
	if (r->p == r->end || *r->p != ':')
		return yaml_refuse(r, "no colon behind a key", "key: value");
	r->p++;
	return 0;
}

/* ---- Flow style ----------------------------------------------------------------------- */

static bool at(const struct reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

/* One more of what is in [] or {}. */
static int read_one(struct reader *r, struct yaml_node *n, struct yaml_node *m)
{
	if (n->kind == YAML_MAP) {
		if (yaml_key(r, n, m) < 0 || yaml_skip(r, true) < 0)
			return -EINVAL;
		if (at(r, ',') || at(r, '}'))
			return 0;
	}
	return yaml_inline(r, m);
}

static int flow(struct reader *r, struct yaml_node *n)
{
	char close = *r->p++ == '[' ? ']' : '}';
	struct yaml_node **to = &n->first, *m;

	n->kind = close == ']' ? YAML_LIST : YAML_MAP;
	for (;;) {
		if (yaml_skip(r, true) < 0)
			return -EINVAL;
		if (at(r, close))
			break;
		if (r->p == r->end)
			return yaml_refuse(r, "the text ends", close == ']' ? "a ]" : "a }");
		if (yaml_add(r, &to, &m) < 0 || read_one(r, n, m) < 0 || yaml_skip(r, true) < 0)
			return -EINVAL;
		if (at(r, ','))
			r->p++;
		else if (!at(r, close))
			return yaml_refuse(r, "no comma between two values",
					   close == ']' ? ", or ]" : ", or }");
	}
	r->p++;
	return 0;
}

int yaml_inline(struct reader *r, struct yaml_node *n)
{
	bool quotes;
	int err;

	n->line = r->line;
	if (r->p == r->end)
		return yaml_refuse(r, "the text ends", "a value");
	if (*r->p != '[' && *r->p != '{') {
		quotes = *r->p == '"' || *r->p == '\'';
		n->text = text(r);
		if (!n->text)
			return -EINVAL;
		if (!quotes && (strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0))
			n->text = NULL;
		n->kind = n->text ? YAML_TEXT : YAML_NULL;
		return 0;
	}
	if (++r->depth > YAML_DEPTH)
		return yaml_refuse(r, "nested too deep", "at most 16 levels");
	r->flow++;
	err = flow(r, n);
	r->flow--;
	r->depth--;
	return err;
}
